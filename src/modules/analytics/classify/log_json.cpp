#include "modules/analytics/classify/log_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <span>

#include "base/json.h"
#include "base/text.h"

namespace mainstay::analytics {
namespace {

namespace js = boost::json;
using Names = std::initializer_list<std::string_view>;

/// The first of `names` that is there and not null.
const js::value* find(const js::object& object, Names names) {
  for (const auto name : names) {
    const auto* found = object.if_contains(name);
    if (found != nullptr && !found->is_null()) return found;
  }
  return nullptr;
}

std::string_view text_of(const js::value* value) {
  if (value == nullptr || !value->is_string()) return {};
  const std::string_view text{value->get_string()};
  return text == "-" ? std::string_view{} : text;
}

std::string_view text_at(const js::object& object, Names names) { return text_of(find(object, names)); }

/// A number, also one written as text.
std::optional<double> number_of(const js::value* value) {
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return parse_number<double>(std::string_view{value->get_string()});
  if (value->is_number()) return value->to_number<double>();
  return std::nullopt;
}

bool read_status(const js::value* value, int& into) {
  const auto number = number_of(value);
  if (!number || !(*number >= 100 && *number <= 999)) return false;
  into = static_cast<int>(*number);
  return true;
}

/// Absent and "-" are 0; negative and absurd ones make the line unparsable.
bool read_bytes(const js::value* value, std::int64_t& into) {
  constexpr double kBytesMax = 9e18;
  into = 0;
  if (value == nullptr || (value->is_string() && text_of(value).empty())) return true;
  const auto number = number_of(value);
  if (!number || !(*number >= 0 && *number <= kBytesMax)) return false;
  into = static_cast<std::int64_t>(*number);
  return true;
}

/// RFC 3339, also with an offset of ISO 8601's basic form, which it does not allow ("+0200": Caddy's `iso8601`). A time
/// without an offset is none: whether it is local time (Caddy's `wall` with `time_local`) cannot be seen.
std::optional<Instant> read_timestamp(std::string_view text) {
  constexpr std::string_view kOffset = "+0200";
  if (text.size() > kOffset.size()) {
    const auto sign = text[text.size() - kOffset.size()];
    const auto minutes = text.size() - 2;
    if (sign == '+' || sign == '-') {
      return parse_rfc3339(fmt::format("{}:{}", text.substr(0, minutes), text.substr(minutes)));
    }
  }
  return parse_rfc3339(text);
}

/// The time that a number since 1970 means. In which unit it is shows by its size: each is a thousand times the one
/// before, and the times of logs lie within decades.
std::optional<Instant> instant_of(double since_1970) {
  struct Unit {
    double below;  ///< in seconds that is year 5138, in milliseconds 1973
    double in_micros;
  };
  constexpr std::array kUnits{Unit{1e11, 1e6}, Unit{1e14, 1e3}, Unit{1e17, 1}, Unit{9.2e18, 1e-3}};
  if (!(since_1970 > 0)) return std::nullopt;
  const auto unit = std::ranges::find_if(kUnits, [since_1970](const Unit& one) { return since_1970 < one.below; });
  if (unit == kUnits.end()) return std::nullopt;
  return from_micros(std::llround(since_1970 * unit->in_micros));
}

/// Seconds since 1970 with a fraction, milliseconds, microseconds or nanoseconds; or a time in RFC 3339, in ISO 8601 or
/// as in common logs.
bool read_time(const js::value* value, LogClock& clock, Instant& into) {
  if (value == nullptr) return false;
  if (value->is_string()) {
    const std::string_view text{value->get_string()};
    if (const auto instant = read_timestamp(text)) {
      into = *instant;
      return true;
    }
    if (text.size() == LogClock::kTextBytes && clock.read(text, into)) return true;
  }
  const auto number = number_of(value);
  const auto instant = number ? instant_of(*number) : std::nullopt;
  if (!instant) return false;
  into = *instant;
  return true;
}

/// "192.0.2.1:5123" → "192.0.2.1"
std::string_view address_without_port(std::string_view address) {
  const bool one_colon = address.find(':') == address.rfind(':');
  if (address.starts_with('[') || one_colon) return host_without_port(address);
  return address;
}

/// First value of a header in Caddy's map from name to list.
std::string_view header_of(const js::value* headers, std::string_view name) {
  if (headers == nullptr || !headers->is_object()) return {};
  for (const auto& [key, values] : headers->get_object()) {
    if (!equal_ignoring_case(key, name)) continue;
    if (values.is_array() && !values.get_array().empty()) return text_of(&values.get_array().front());
    return text_of(&values);
  }
  return {};
}

void set_agent(const js::value* logged, LogLine& into) {
  into.user_agent = text_of(logged);
  into.agent_logged = logged != nullptr;
}

/// What is left to judge once the fields are found.
bool is_whole(const LogLine& line) { return !line.address.empty() && !line.target.empty(); }

}  // namespace

struct JsonLog::Document {
  static constexpr std::size_t kBufferBytes = std::size_t{16} * 1024;

  std::array<unsigned char, kBufferBytes> buffer;
  js::monotonic_resource memory{buffer.data(), buffer.size()};
  std::optional<js::value> value;
  LogClock clock;

  const js::object* read(std::string_view line) {
    if (const auto* object = read_json(line)) return object;
    if (line.find("\\x") == std::string_view::npos) return nullptr;
    // nginx without escape=json writes \xHH, which JSON does not know.
    mended.clear();
    for (std::size_t i = 0; i < line.size(); ++i) {
      mended.push_back(line[i]);
      if (line[i] != '\\' || i + 1 == line.size()) continue;
      ++i;
      mended.append(line[i] == 'x' ? "u00" : line.substr(i, 1));
    }
    return read_json(mended);
  }

  const js::object* read_json(std::string_view line) {
    value.reset();
    memory.release();
    js::parse_options options;
    options.max_depth = static_cast<std::uint32_t>(json::kDepthMax);
    options.allow_invalid_utf8 = true;
    js::error_code error;
    value.emplace(js::parse(js::string_view{line.data(), line.size()}, error, js::storage_ptr{&memory}, options));
    return error || !value->is_object() ? nullptr : &value->get_object();
  }

  std::string mended;
};

JsonLog::JsonLog() : document_(std::make_unique<Document>()) {}
JsonLog::~JsonLog() = default;

bool JsonLog::nginx(std::string_view line, LogLine& into) {
  const auto* object = document_->read(line);
  if (object == nullptr) return false;
  into = {};
  into.address = text_at(*object, {"remote_addr", "client_ip", "remote_ip", "client"});
  into.host = host_without_port(text_at(*object, {"host", "http_host", "server_name", "vhost"}));
  into.referrer = text_at(*object, {"http_referer", "http_referrer", "referer", "referrer"});
  set_agent(find(*object, {"http_user_agent", "user_agent", "agent"}), into);
  const auto request = text_at(*object, {"request"});
  if (!request.empty()) {
    split_request(request, into);
  } else {
    into.method = text_at(*object, {"request_method", "method"});
    into.target = text_at(*object, {"request_uri", "uri", "path"});
    into.protocol = text_at(*object, {"server_protocol", "protocol"});
  }
  const auto* at = find(*object, {"time_iso8601", "time_local", "msec", "timestamp", "@timestamp", "time", "ts"});
  return read_time(at, document_->clock, into.at) && read_status(find(*object, {"status"}), into.status) &&
         read_bytes(find(*object, {"body_bytes_sent", "bytes_sent", "bytes", "size"}), into.bytes) && is_whole(into);
}

bool JsonLog::caddy(std::string_view line, LogLine& into) {
  const auto* object = document_->read(line);
  if (object == nullptr) return false;
  const auto* request_value = object->if_contains("request");
  if (request_value == nullptr || !request_value->is_object()) return false;
  const auto& request = request_value->get_object();
  const auto* headers = request.if_contains("headers");
  into = {};
  into.address = address_without_port(text_at(request, {"client_ip", "remote_ip", "remote_addr"}));
  into.host = host_without_port(text_at(request, {"host"}));
  into.method = text_at(request, {"method"});
  into.target = text_at(request, {"uri"});
  into.protocol = text_at(request, {"proto"});
  into.referrer = header_of(headers, "Referer");
  into.user_agent = header_of(headers, "User-Agent");
  into.agent_logged = headers != nullptr;
  return read_time(object->if_contains("ts"), document_->clock, into.at) &&
         read_status(object->if_contains("status"), into.status) &&
         read_bytes(object->if_contains("size"), into.bytes) && is_whole(into);
}

bool JsonLog::traefik(std::string_view line, LogLine& into) {
  const auto* object = document_->read(line);
  if (object == nullptr) return false;
  into = {};
  into.address = address_without_port(text_at(*object, {"ClientHost", "ClientAddr"}));
  into.host = host_without_port(text_at(*object, {"RequestHost", "RequestAddr"}));
  into.method = text_at(*object, {"RequestMethod"});
  into.target = text_at(*object, {"RequestPath"});
  into.protocol = text_at(*object, {"RequestProtocol"});
  into.referrer = text_at(*object, {"request_Referer", "RequestRefererHeader"});
  set_agent(find(*object, {"request_User-Agent", "RequestUserAgentHeader"}), into);
  const auto* at = find(*object, {"StartUTC", "StartLocal", "time"});
  return read_time(at, document_->clock, into.at) &&
         read_status(find(*object, {"DownstreamStatus", "OriginStatus"}), into.status) &&
         read_bytes(find(*object, {"DownstreamContentSize", "OriginContentSize"}), into.bytes) && is_whole(into);
}

}  // namespace mainstay::analytics
