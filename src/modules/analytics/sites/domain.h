#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mainstay::analytics {

/// A host name as browsers send it: lower case, international labels in Punycode (RFC 3492), or a dotted IPv4
/// address. Nothing for anything else: a scheme, port, path, empty or overlong label (RFC 1035 §2.3.4), or a last
/// label of digits only.
[[nodiscard]] std::optional<std::string> normal_domain(std::string_view text);

/// The same, or "*." and the same.
[[nodiscard]] std::optional<std::string> normal_host_pattern(std::string_view text);

/// True for a name below which there can be others: not for an address or a single label.
[[nodiscard]] bool has_subdomains(std::string_view domain);

}  // namespace mainstay::analytics
