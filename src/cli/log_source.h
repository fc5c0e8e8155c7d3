#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/failure.h"

namespace mainstay::cli {

/// A log file, plain or gzip, or standard input ("-"), read in blocks of whole lines.
class LogSource {
 public:
  /// Throws Unavailable when it cannot be read. Blocks have about `block_bytes`, a quarter more at most.
  LogSource(std::string path, std::size_t block_bytes);
  ~LogSource();
  LogSource(const LogSource&) = delete;
  LogSource& operator=(const LogSource&) = delete;

  /// The next block of whole lines; "" at the end. With kGivePart a last line without newline is given too. A line
  /// longer than a block comes in pieces. Throws Unavailable when reading fails or compressed data is damaged or cut
  /// off.
  enum class AtEnd { kKeepPart, kGivePart };
  [[nodiscard]] std::string next(AtEnd at_end);

  /// Bytes of text given out so far; where to go on later.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  /// Skips to the first line at or after `offset`.
  void skip_to(std::uint64_t offset);

  /// Share of the file that has been read, 0 to 1; nothing for standard input.
  [[nodiscard]] std::optional<double> progress() const;

  /// Rotation: the path now names another file, though this one may still grow; or this one was cut.
  enum class Rotation : std::uint8_t { kNone, kReplaced, kCut };
  [[nodiscard]] Rotation rotation() const;
  [[nodiscard]] const std::string& path() const { return path_; }
  /// The first bytes, as many as there were until now, to tell whether a file of that name is still the same one.
  [[nodiscard]] const std::string& head() const { return head_; }

 private:
  /// Appends what the file has next; false at its end.
  [[nodiscard]] bool read_more(std::string& into);
  [[nodiscard]] bool skip_read();
  std::string path_;
  std::size_t block_bytes_;
  std::size_t read_bytes_;
  struct File;
  std::unique_ptr<File> file_;
  std::string rest_;  ///< read and not yet given out
  std::string head_;
  std::uint64_t offset_ = 0;
};

}  // namespace mainstay::cli
