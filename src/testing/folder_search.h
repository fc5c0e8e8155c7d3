#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace mainstay::testing {

/// Whether a file anywhere in `folder` holds `bytes`. Files that vanish meanwhile hold nothing.
inline bool folder_holds(const std::filesystem::path& folder, std::string_view bytes) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(in), {}};
    if (content.find(bytes) != std::string::npos) return true;
  }
  return false;
}

}  // namespace mainstay::testing
