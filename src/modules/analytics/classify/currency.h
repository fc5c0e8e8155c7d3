#pragma once

#include <string_view>

namespace mainstay::analytics {

/// Whether `code` is one of ISO 4217's letter codes, in capitals: those in use in 2026, and some that went lately.
[[nodiscard]] bool is_currency(std::string_view code);

}  // namespace mainstay::analytics
