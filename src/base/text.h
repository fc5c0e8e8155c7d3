#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mainstay {

/// Lets a map whose keys are texts be asked without making a string: std::unordered_map<…, TextHash, std::equal_to<>>.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::string to_lower_ascii(std::string_view text);
[[nodiscard]] bool equal_ignoring_case(std::string_view left, std::string_view right);
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

/// True for well-formed UTF-8 without overlong forms and surrogates (Unicode 15 §3.9 table 3-7).
[[nodiscard]] bool is_utf8(std::string_view text);

/// Decodes %XX (RFC 3986 §2.1); a malformed escape stays as it is. `+` is left alone.
[[nodiscard]] std::string percent_decode(std::string_view text);
/// Encodes everything but unreserved characters (RFC 3986 §2.3).
[[nodiscard]] std::string percent_encode(std::string_view text);

/// The whole of `text` as a number, or nothing.
template <class Number>
[[nodiscard]] std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The name among `known` that is nearest to `given` (Levenshtein), or "" when none is near.
[[nodiscard]] std::string_view nearest(std::string_view given, const std::vector<std::string_view>& known);

}  // namespace mainstay
