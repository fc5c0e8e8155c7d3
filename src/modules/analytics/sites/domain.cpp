#include "modules/analytics/sites/domain.h"

#include <arpa/inet.h>
#include <libpsl.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/text.h"

namespace mainstay::analytics {
namespace {

constexpr std::size_t kDomainBytesMax = 253;
constexpr std::size_t kLabelBytesMax = 63;
constexpr std::string_view kAcePrefix = "xn--";

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_ipv4(const std::string& text) {
  in_addr address{};
  return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

/// Lower case and normal form C of international text, by the library that knows Unicode.
std::optional<std::string> lower_utf8(const std::string& text) {
  char* lower = nullptr;
  if (psl_str_to_utf8lower(text.c_str(), "utf-8", nullptr, &lower) != PSL_SUCCESS) return std::nullopt;
  const std::unique_ptr<char, decltype(&psl_free_string)> owner(lower, psl_free_string);
  return std::string{lower};
}

/// The code points of well-formed UTF-8.
std::vector<char32_t> decode_utf8(std::string_view text) {
  std::vector<char32_t> points;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) == 0x80U) {
      points.back() = (points.back() << 6) | (byte & 0x3FU);
    } else {
      points.push_back(byte < 0x80U ? byte : byte & (byte >= 0xF0U ? 0x07U : byte >= 0xE0U ? 0x0FU : 0x1FU));
    }
  }
  return points;
}

/// Space, invisible and direction marks, signs that look like dots or slashes: nothing a label may hold.
bool is_forbidden(char32_t point) {
  return point < 0x21 || (point >= 0x7F && point <= 0xBF) || (point >= 0x2000 && point <= 0x206F) ||
         (point >= 0x3000 && point <= 0x3003) || (point >= 0xFE00 && point <= 0xFE0F) ||
         (point >= 0xFF00 && point <= 0xFFEF) || point == 0xFEFF || point == 0x2215 || point == 0x2044;
}

/// RFC 3492 §6.1.
std::uint32_t adapt(std::uint32_t delta, std::uint32_t points, bool first) {
  constexpr std::uint32_t kBase = 36;
  constexpr std::uint32_t kTMin = 1;
  constexpr std::uint32_t kTMax = 26;
  constexpr std::uint32_t kSkew = 38;
  delta = first ? delta / 700 : delta / 2;
  delta += delta / points;
  std::uint32_t k = 0;
  for (; delta > ((kBase - kTMin) * kTMax) / 2; k += kBase) delta /= kBase - kTMin;
  return k + (kBase - kTMin + 1) * delta / (delta + kSkew);
}

void append_number(std::string& out, std::uint32_t number, std::uint32_t bias) {
  constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz0123456789";
  for (std::uint32_t k = 36;; k += 36) {
    const std::uint32_t threshold = k <= bias ? 1 : std::min<std::uint32_t>(k - bias, 26);
    if (number < threshold) break;
    out += kDigits[threshold + (number - threshold) % (36 - threshold)];
    number = (number - threshold) / (36 - threshold);
  }
  out += kDigits[number];
}

/// RFC 3492 §6.3. Labels are short, so nothing overflows.
std::string to_punycode(const std::vector<char32_t>& points) {
  std::string out;
  for (const char32_t point : points) {
    if (point < 0x80) out += static_cast<char>(point);
  }
  const auto basic = static_cast<std::uint32_t>(out.size());
  std::uint32_t handled = basic;
  if (basic > 0) out += '-';
  std::uint32_t bias = 72;
  std::uint32_t delta = 0;
  for (char32_t n = 0x80; handled < points.size(); ++n, ++delta) {
    char32_t next = 0x10FFFF;
    for (const char32_t point : points) {
      if (point >= n) next = std::min(next, point);
    }
    delta += static_cast<std::uint32_t>(next - n) * (handled + 1);
    n = next;
    for (const char32_t point : points) {
      if (point < n) ++delta;
      if (point != n) continue;
      append_number(out, delta, bias);
      bias = adapt(delta, handled + 1, handled == basic);
      delta = 0;
      ++handled;
    }
  }
  return out;
}

std::optional<std::string> normal_label(std::string_view label) {
  std::string result{label};
  if (!is_ascii(label)) {
    const auto points = decode_utf8(label);
    if (points.size() > kLabelBytesMax || std::ranges::any_of(points, is_forbidden)) return std::nullopt;
    result = std::string{kAcePrefix} + to_punycode(points);
  }
  const bool plain =
      std::ranges::all_of(result, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
  if (result.empty() || result.size() > kLabelBytesMax || !plain || result.front() == '-' || result.back() == '-') {
    return std::nullopt;
  }
  return result;
}

}  // namespace

std::optional<std::string> normal_domain(std::string_view text) {
  constexpr std::size_t kInputBytesMax = 4 * kDomainBytesMax;
  if (text.size() > kInputBytesMax || !is_utf8(text) || text.find('\0') != std::string_view::npos) return std::nullopt;
  auto lower = to_lower_ascii(trim(text));
  if (!is_ascii(lower)) {
    auto folded = lower_utf8(lower);
    if (!folded) return std::nullopt;
    lower = std::move(*folded);
  }
  if (is_ipv4(lower)) return lower;
  std::string domain;
  for (const auto part : split(lower, '.')) {
    const auto label = normal_label(part);
    if (!label) return std::nullopt;
    if (!domain.empty()) domain += '.';
    domain += *label;
  }
  if (domain.size() > kDomainBytesMax || is_digits(domain.substr(domain.rfind('.') + 1))) return std::nullopt;
  return domain;
}

std::optional<std::string> normal_host_pattern(std::string_view text) {
  const auto pattern = trim(text);
  if (!pattern.starts_with("*.")) return normal_domain(pattern);
  const auto rest = normal_domain(pattern.substr(2));
  if (!rest || is_ipv4(*rest)) return std::nullopt;
  return "*." + *rest;
}

bool has_subdomains(std::string_view domain) {
  return domain.find('.') != std::string_view::npos && !is_ipv4(std::string{domain});
}

}  // namespace mainstay::analytics
