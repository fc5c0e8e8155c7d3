#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

namespace mainstay::stream::embedded {

/// An open file descriptor.
class File {
 public:
  File() = default;
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File();
  File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

/// The calls by which the log changes the disk, so that a test can let each fail. Each returns no error or the
/// operating system's. Any thread.
class Disk {
 public:
  Disk() = default;
  virtual ~Disk() = default;
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  /// Creates or empties a file for reading and writing.
  virtual std::error_code create(const std::filesystem::path& path, File& file);
  /// Writes all of `bytes` at position `at`; on an error some of them may be there.
  virtual std::error_code write(const File& file, std::span<const std::byte> bytes, std::uint64_t at);
  /// Makes sure that [from, from + bytes) has blocks. No error where the file system cannot reserve.
  virtual std::error_code reserve(const File& file, std::uint64_t from, std::uint64_t bytes);
  virtual std::error_code truncate(const File& file, std::uint64_t size);
  /// fdatasync.
  virtual std::error_code sync(const File& file);
  /// Renames over what is there.
  virtual std::error_code rename(const std::filesystem::path& from, const std::filesystem::path& to);
  /// Makes names in `folder` durable.
  virtual std::error_code sync_folder(const std::filesystem::path& folder);
};

/// A read-only mapping of a whole file as it is now. Throws Unavailable.
class Mapping {
 public:
  explicit Mapping(const std::filesystem::path& path);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

/// Opens for reading. Throws Unavailable.
[[nodiscard]] File open_to_read(const std::filesystem::path& path);
/// Opens an existing file for reading and writing. Throws Unavailable.
[[nodiscard]] File open_to_write(const std::filesystem::path& path);
/// Reads up to bytes.size() bytes at `at`; less at the end of the file. Throws Unavailable.
[[nodiscard]] std::size_t read_at(const File& file, std::span<std::byte> bytes, std::uint64_t at);
/// Takes the lock file of `folder`, for as long as the File lives. Throws Unavailable when another process has it.
[[nodiscard]] File lock_folder(const std::filesystem::path& folder);

}  // namespace mainstay::stream::embedded
