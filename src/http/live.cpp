#include "http/live.h"

#include <fmt/format.h>

namespace mainstay::http {

std::string encode_event(std::string_view subject, std::uint64_t id, std::string_view payload) {
  std::string out;
  out.reserve(payload.size() + subject.size() + 64);
  if (id != 0) fmt::format_to(std::back_inserter(out), "id: {}\n", id);
  fmt::format_to(std::back_inserter(out), "event: {}\n", subject);
  while (true) {
    const auto line = payload.substr(0, payload.find_first_of("\r\n"));
    out += "data: ";
    out += line;
    out += '\n';
    if (line.size() == payload.size()) break;
    payload.remove_prefix(line.size() + (payload.substr(line.size()).starts_with("\r\n") ? 2 : 1));
  }
  out += '\n';
  return out;
}

std::string encode_envelope(std::string_view subject, std::uint64_t id, std::string_view payload) {
  // A subject is of [a-z0-9_.-], so it needs no escaping.
  const std::string id_text = id == 0 ? "null" : fmt::format("\"{}\"", id);
  return fmt::format("{{\"subject\":\"{}\",\"id\":{},\"data\":{}}}", subject, id_text, payload);
}

void end_live_streams(bus::Bus& bus, std::string_view right) {
  bus.publish(std::string{kLiveEndPrefix} + std::string{right}, "{}");
}

}  // namespace mainstay::http
