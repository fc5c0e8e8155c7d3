#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace mainstay::testing {

inline bool file_holds(const std::filesystem::directory_entry& entry, std::string_view bytes) {
  if (!entry.is_regular_file()) return false;
  std::ifstream in(entry.path(), std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(in), {}};
  return content.find(bytes) != std::string::npos;
}

/// Whether a file anywhere in `folder` holds `bytes`. Files that vanish meanwhile hold nothing. It looks twice: while a
/// checkpoint moves bytes from the log to a file that was looked at before, the first search finds them in neither.
inline bool folder_holds(const std::filesystem::path& folder, std::string_view bytes) {
  const auto look = [&] {
    return std::ranges::any_of(std::filesystem::recursive_directory_iterator(folder),
                               [&](const auto& entry) { return file_holds(entry, bytes); });
  };
  return look() || look();
}

}  // namespace mainstay::testing
