#pragma once

#include <filesystem>

namespace mainstay::testing {

/// The country file that the build fetched (MAINSTAY_COUNTRY_FILE is set by CMake).
[[nodiscard]] inline std::filesystem::path country_file() { return MAINSTAY_COUNTRY_FILE; }

}  // namespace mainstay::testing
