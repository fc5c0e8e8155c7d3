#include "ports/stream/embedded/disk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failure.h"

namespace mainstay::stream::embedded {
namespace {

constexpr ::mode_t kPrivate = 0600;

std::error_code last_error() { return {errno, std::generic_category()}; }

Unavailable outage(std::string_view what, const std::filesystem::path& path) {
  return Unavailable(fmt::format("{} {}: {}", what, path.string(), last_error().message()));
}

File open_file(const std::filesystem::path& path, int flags) {
  return File(::open(path.c_str(), flags | O_CLOEXEC, kPrivate));
}

}  // namespace

File::~File() {
  if (is_open()) ::close(descriptor_);
}

std::error_code Disk::create(const std::filesystem::path& path, File& file) {
  file = open_file(path, O_RDWR | O_CREAT | O_TRUNC);
  return file.is_open() ? std::error_code{} : last_error();
}

std::error_code Disk::write(const File& file, std::span<const std::byte> bytes, std::uint64_t at) {
  while (!bytes.empty()) {
    const auto written = ::pwrite(file.descriptor(), bytes.data(), bytes.size(), static_cast<::off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written < 0 ? last_error() : std::make_error_code(std::errc::no_space_on_device);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    at += static_cast<std::uint64_t>(written);
  }
  return {};
}

std::error_code Disk::reserve(const File& file, std::uint64_t from, std::uint64_t bytes) {
  for (;;) {
    if (::fallocate(file.descriptor(), 0, static_cast<::off_t>(from), static_cast<::off_t>(bytes)) == 0) return {};
    if (errno == EOPNOTSUPP || errno == ENOSYS) return {};
    if (errno != EINTR) return last_error();
  }
}

std::error_code Disk::truncate(const File& file, std::uint64_t size) {
  return ::ftruncate(file.descriptor(), static_cast<::off_t>(size)) == 0 ? std::error_code{} : last_error();
}

std::error_code Disk::sync(const File& file) {
  return ::fdatasync(file.descriptor()) == 0 ? std::error_code{} : last_error();
}

std::error_code Disk::rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code error;
  std::filesystem::rename(from, to, error);
  return error;
}

std::error_code Disk::sync_folder(const std::filesystem::path& folder) {
  const File file = open_file(folder, O_RDONLY | O_DIRECTORY);
  return file.is_open() && ::fsync(file.descriptor()) == 0 ? std::error_code{} : last_error();
}

Mapping::Mapping(const std::filesystem::path& path) {
  const File file = open_to_read(path);
  struct ::stat status{};
  if (::fstat(file.descriptor(), &status) != 0) throw outage("cannot look at", path);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return;
  void* const at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
  if (at == MAP_FAILED) throw outage("cannot map", path);
  ::madvise(at, size, MADV_SEQUENTIAL);
  bytes_ = {static_cast<const std::byte*>(at), size};
}

Mapping::~Mapping() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

File open_to_read(const std::filesystem::path& path) {
  File file = open_file(path, O_RDONLY);
  if (!file.is_open()) throw outage("cannot open", path);
  return file;
}

File open_to_write(const std::filesystem::path& path) {
  File file = open_file(path, O_RDWR);
  if (!file.is_open()) throw outage("cannot open", path);
  return file;
}

std::size_t read_at(const File& file, std::span<std::byte> bytes, std::uint64_t at) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto got =
        ::pread(file.descriptor(), bytes.data() + done, bytes.size() - done, static_cast<::off_t>(at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Unavailable("cannot read the stream: " + last_error().message());
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

File lock_folder(const std::filesystem::path& folder) {
  const auto path = folder / "lock";
  File file = open_file(path, O_RDWR | O_CREAT);
  if (!file.is_open()) throw outage("cannot open", path);
  if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) != 0) {
    throw Unavailable(fmt::format("the stream in {} is in use by another process", folder.string()));
  }
  return file;
}

}  // namespace mainstay::stream::embedded
