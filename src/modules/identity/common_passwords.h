#pragma once

#include <string_view>

namespace mainstay::identity {

/// True when `password`, whatever its case, is one of the most common ones of at least Passwords::kBytesMin bytes.
[[nodiscard]] bool is_common_password(std::string_view password);

}  // namespace mainstay::identity
