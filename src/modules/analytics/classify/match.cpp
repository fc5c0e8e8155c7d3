#include "modules/analytics/classify/match.h"

#include <libpsl.h>

#include <algorithm>

#include "base/text.h"
#include "modules/analytics/classify/network.h"

namespace mainstay::analytics {
namespace {

std::string_view without_www(std::string_view host) {
  constexpr std::string_view kWww = "www.";
  // "www.com" is a name of its own.
  const bool leads = host.starts_with(kWww) && host.find('.', kWww.size()) != std::string_view::npos;
  return leads ? host.substr(kWww.size()) : host;
}

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) {
    const auto close = host.find(']');
    return close == std::string_view::npos ? host : host.substr(0, close + 1);
  }
  const auto colon = host.find(':');
  const bool bare_v6 = colon != std::string_view::npos && host.find(':', colon + 1) != std::string_view::npos;
  return bare_v6 ? host : host.substr(0, colon);
}

/// The list compiled into libpsl; where a build has none, the system's file.
const psl_ctx_t* public_suffixes() {
  static const psl_ctx_t* const kList = [] {
    const psl_ctx_t* built_in = psl_builtin();
    return built_in != nullptr ? built_in : psl_latest(nullptr);
  }();
  return kList;
}

bool glob_matches(std::string_view glob, std::string_view path) {
  // Two saved places: the last `*`, which may grow up to the next "/", and the last `**`, which may grow at will.
  constexpr auto kNone = std::string_view::npos;
  std::size_t g = 0;
  std::size_t p = 0;
  std::size_t star_glob = kNone;
  std::size_t star_path = 0;
  std::size_t deep_glob = kNone;
  std::size_t deep_path = 0;
  while (p < path.size() || g < glob.size()) {
    if (g < glob.size() && glob[g] == '*') {
      const bool deep = g + 1 < glob.size() && glob[g + 1] == '*';
      while (g < glob.size() && glob[g] == '*') ++g;
      if (deep) {
        deep_glob = g;
        deep_path = p;
        star_glob = kNone;
      } else {
        star_glob = g;
        star_path = p;
      }
      continue;
    }
    if (g < glob.size() && p < path.size() && glob[g] == path[p]) {
      ++g;
      ++p;
      continue;
    }
    if (star_glob != kNone && star_path < path.size() && path[star_path] != '/') {
      p = ++star_path;
      g = star_glob;
      continue;
    }
    if (deep_glob == kNone || deep_path >= path.size()) return false;
    p = ++deep_path;
    g = deep_glob;
    star_glob = kNone;
  }
  return true;
}

}  // namespace

std::string normal_host(std::string_view host) {
  host = without_port(host);
  while (host.ends_with('.')) host.remove_suffix(1);
  const auto lower = to_lower_ascii(host);
  return std::string{without_www(lower)};
}

bool host_matches(std::string_view pattern, std::string_view host) {
  if (pattern == "*") return true;
  if (pattern.starts_with("*.")) {
    const auto parent = pattern.substr(1);  // ".example.com"
    return host.size() > parent.size() && equal_ignoring_case(host.substr(host.size() - parent.size()), parent);
  }
  return equal_ignoring_case(without_www(pattern), without_www(host));
}

bool host_allowed(const std::vector<std::string>& patterns, std::string_view host) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) { return host_matches(pattern, host); });
}

std::string normal_path_glob(std::string_view glob) {
  while (glob.size() > 1 && glob.ends_with('/')) glob.remove_suffix(1);
  return std::string{glob};
}

bool path_matches(std::string_view glob, std::string_view path) {
  constexpr std::string_view kBelow = "/**";
  if (glob.size() > kBelow.size() && glob.ends_with(kBelow)) {
    return glob_matches(glob, path) || glob_matches(glob.substr(0, glob.size() - kBelow.size()), path);
  }
  return glob_matches(glob, path);
}

std::string registrable_domain(std::string_view host) {
  const auto name = normal_host(host);
  if (name.empty() || name == "(none)") return "(none)";
  if (const auto address = IpAddress::parse(name)) return address->text();
  const psl_ctx_t* list = public_suffixes();
  if (list == nullptr) return name;
  const char* domain = psl_registrable_domain(list, name.c_str());
  return domain == nullptr ? name : std::string{domain};
}

}  // namespace mainstay::analytics
