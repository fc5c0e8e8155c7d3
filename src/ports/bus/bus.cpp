#include "ports/bus/bus.h"

namespace mainstay::bus {
namespace {

constexpr std::size_t kTokensMax = 16;

/// Takes the next token off the front of `rest`.
std::string_view take_token(std::string_view& rest) {
  const auto end = rest.find('.');
  const auto token = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return token;
}

bool is_plain(std::string_view token) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
  return !token.empty() && std::all_of(token.begin(), token.end(), allowed);
}

enum class Wildcards { kNone, kAllowed };

bool is_valid(std::string_view text, Wildcards wildcards) {
  if (text.empty() || text.size() > kSubjectBytesMax || text.back() == '.') return false;
  for (std::size_t tokens = 0; !text.empty(); ++tokens) {
    if (tokens == kTokensMax) return false;
    const auto token = take_token(text);
    const bool last = text.empty();
    const bool wild = wildcards == Wildcards::kAllowed && (token == "*" || (token == ">" && last));
    if (!wild && !is_plain(token)) return false;
  }
  return true;
}

}  // namespace

bool is_subject(std::string_view text) { return is_valid(text, Wildcards::kNone); }
bool is_pattern(std::string_view text) { return is_valid(text, Wildcards::kAllowed); }

bool matches(std::string_view pattern, std::string_view subject) {
  while (!pattern.empty() && !subject.empty()) {
    const auto wanted = take_token(pattern);
    if (wanted == ">" && pattern.empty()) return true;
    const auto token = take_token(subject);
    if (wanted != "*" && wanted != token) return false;
  }
  return pattern.empty() && subject.empty();
}

}  // namespace mainstay::bus
