#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mainstay::cli {

/// How far a file was read, and by which bytes at its beginning it is known again.
struct Mark {
  std::string head_hash;
  std::size_t head_bytes = 0;
  std::uint64_t offset = 0;

  static Mark of(std::string_view head, std::uint64_t offset);
  /// Whether a file that begins with `head` is the one, perhaps longer by now.
  [[nodiscard]] bool is_of(std::string_view head) const;
};

/// Where an interrupted import of a file into a site goes on. One file in the data folder; without it an import begins
/// anew, which costs time and nothing else, so what fails here is silent. "-" has none. One thread at a time.
class Bookmark {
 public:
  Bookmark(const std::filesystem::path& folder, const std::string& site_id, const std::string& path);

  [[nodiscard]] std::optional<Mark> load() const;
  void keep(const Mark& mark) const;
  void remove() const;

 private:
  std::filesystem::path file_;
};

/// What stands beside `path` under its name with more behind it: the file that `mark` is of, and those of a rotation
/// (`access.log.1`, `access.log-20261128`, `access.log.2.gz`) that were written after it, oldest first. Empty when that
/// file is not there.
[[nodiscard]] std::vector<std::string> rotated_since(const std::string& path, const Mark& mark);

}  // namespace mainstay::cli
