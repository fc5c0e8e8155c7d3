#pragma once

#include <string>
#include <string_view>

#include "base/failure.h"

/// Rules of the fields that people fill in.
namespace mainstay::identity {

inline constexpr std::size_t kEmailBytesMax = 254;  // RFC 5321 §4.5.3.1, errata 1690

/// The address in lower case. Refuses kInvalid `identity.bad_email` on /email: ASCII only, one "@", no quoting
/// (RFC 5321 §4.1.2 Dot-string), at most kEmailBytesMax bytes.
[[nodiscard]] Result<std::string> normal_email(std::string_view email);

/// The name without space around it. Refuses kInvalid `identity.bad_name` on /name: empty, longer than `bytes_max`, not
/// UTF-8, or with control characters.
[[nodiscard]] Result<std::string> normal_name(std::string_view name, std::size_t bytes_max);

}  // namespace mainstay::identity
