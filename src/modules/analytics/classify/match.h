#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mainstay::analytics {

/// "www.Example.com:443." → "example.com": lower case, without port, closing dot and one leading "www.".
[[nodiscard]] std::string normal_host(std::string_view host);

/// True when `host` (normal form) is `pattern` or, for "*.example.com", a name below example.com (not
/// example.com itself). "www." before either does not matter. "*" matches any host.
[[nodiscard]] bool host_matches(std::string_view pattern, std::string_view host);
[[nodiscard]] bool host_allowed(const std::vector<std::string>& patterns, std::string_view host);

/// A glob without the slash at its end, which no path has: "/docs/" → "/docs".
[[nodiscard]] std::string normal_path_glob(std::string_view glob);

/// True when the whole of `path` matches `glob` (normal form): `*` is any run of characters but "/", `**` is any run.
/// "/docs/**" is what stands below /docs, and /docs itself. There is no escape. Allocates nothing; quadratic in the
/// length of `path` at worst, which kUrlBytesMax bounds.
[[nodiscard]] bool path_matches(std::string_view glob, std::string_view path);

/// The registrable domain of `host` by the public suffix list: "a.b.example.co.uk" → "example.co.uk".
/// An address is its own; "(none)" for an empty host; a public suffix or a single label is its own.
[[nodiscard]] std::string registrable_domain(std::string_view host);

}  // namespace mainstay::analytics
