#include "modules/analytics/classify/referrer.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "modules/analytics/classify/match.h"
#include "modules/analytics/classify/network.h"
#include "modules/analytics/classify/sources.h"

namespace mainstay::analytics {
namespace {

constexpr std::array<std::string_view, 3> kSchemes{"https://", "http://", "android-app://"};

/// What follows the scheme, where the scheme counts.
std::optional<std::string_view> after_scheme(std::string_view url) {
  for (const auto scheme : kSchemes) {
    if (url.size() > scheme.size() && equal_ignoring_case(url.substr(0, scheme.size()), scheme)) {
      return url.substr(scheme.size());
    }
  }
  return std::nullopt;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost") || host == "::1" || host == "[::1]") return true;
  const auto address = IpAddress::parse(host);
  return address && address->is_v4() && address->bytes[12] == 127;
}

bool is_host_name(std::string_view host) {
  return !host.empty() && std::ranges::all_of(host, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7f && std::string_view{"<>\"'\\%|^`{}(),;"}.find(c) == std::string_view::npos;
  });
}

/// Decoded where that is text; without closing slashes.
std::string shown_path(std::string_view raw) {
  auto path = percent_decode(raw);
  const bool readable = is_utf8(path) && std::ranges::none_of(path, [](char c) {
                          return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
                        });
  if (!readable) path = is_utf8(raw) ? std::string{raw} : std::string{};
  while (path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

Referrer parse_referrer(std::string_view referrer, std::string_view own_hostname,
                        const std::vector<std::string>& own_hosts) {
  referrer = trim(referrer.substr(0, kUrlBytesMax));
  const auto rest = after_scheme(referrer);
  if (!rest) return {};
  const auto end = std::min(rest->find_first_of("/?#"), rest->size());
  auto authority = rest->substr(0, end);
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  Referrer read;
  read.host = normal_host(authority);
  if (!is_utf8(read.host) || !is_host_name(read.host) || is_loopback(read.host)) return {};
  if (read.host == own_hostname || host_allowed(own_hosts, read.host)) return {};
  auto path = rest->substr(end);
  path = path.substr(0, path.find_first_of("?#"));
  read.url = read.host + shown_path(path);
  const auto source = source_of_host(read.host);
  read.source = source.name.empty() ? read.host : std::string{source.name};
  read.kind = source.kind;
  read.is_spam = is_spam_host(read.host);
  return read;
}

}  // namespace mainstay::analytics
