#include "cli/log_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mainstay::cli {
namespace {

constexpr std::size_t kReadBytesMax = 1 << 20;
constexpr std::size_t kHeadBytes = 1 << 10;
constexpr unsigned kZlibBuffer = 128 << 10;  ///< a read of more than two of it goes past it

}  // namespace

/// zlib reads plain files as they are, so one reader serves both.
struct LogSource::File {
  gzFile zip = nullptr;
  int descriptor = -1;
  struct stat status{};

  explicit File(const std::string& path) {
    descriptor = path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || ::fstat(descriptor, &status) != 0) {
      throw Unavailable("cannot read " + path + ": " + std::strerror(errno));
    }
    zip = ::gzdopen(descriptor, "rb");
    if (zip == nullptr) throw Unavailable("cannot read " + path);
    ::gzbuffer(zip, kZlibBuffer);
  }
  ~File() { ::gzclose(zip); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
};

LogSource::LogSource(std::string path, std::size_t block_bytes)
    : path_(std::move(path)),
      block_bytes_(block_bytes),
      read_bytes_(std::min(kReadBytesMax, block_bytes / 4)),
      file_(std::make_unique<File>(path_)) {
  if (S_ISDIR(file_->status.st_mode)) throw Unavailable(path_ + " is a folder");
  while (rest_.size() < kHeadBytes && read_more(rest_)) {
  }
  head_ = rest_.substr(0, kHeadBytes);
}

LogSource::~LogSource() = default;

bool LogSource::read_more(std::string& into) {
  int got = 0;
  const auto before = into.size();
  into.resize_and_overwrite(before + read_bytes_, [&](char* bytes, std::size_t) {
    got = ::gzread(file_->zip, bytes + before, static_cast<unsigned>(read_bytes_));
    return before + static_cast<std::size_t>(std::max(got, 0));
  });
  if (got <= 0) {
    int code = Z_OK;
    const char* const reason = ::gzerror(file_->zip, &code);
    if (code == Z_BUF_ERROR) throw Unavailable("cannot read " + path_ + " to its end: it is cut off");
    if (got < 0 || code != Z_OK) throw Unavailable("cannot read " + path_ + ": " + reason);
    ::gzclearerr(file_->zip);  // a file that grows may have more next time
  }
  return got > 0;
}

std::string LogSource::next(AtEnd at_end) {
  std::string block;
  block.reserve(block_bytes_ + read_bytes_);
  block += rest_;
  rest_.clear();
  bool more = true;
  while (more && block.size() < block_bytes_) more = read_more(block);
  const auto last = block.rfind('\n');
  if (last != std::string::npos) {
    rest_ = block.substr(last + 1);
    block.resize(last + 1);
  } else if (block.size() < block_bytes_ && at_end == AtEnd::kKeepPart) {
    rest_.swap(block);
  }  // else a line longer than a block: it is no log line, but what follows it may be one
  const bool goes_past_head = offset_ <= head_.size() && head_.size() < offset_ + block.size();
  if (goes_past_head && head_.size() < kHeadBytes) {
    head_ += block.substr(head_.size() - static_cast<std::size_t>(offset_), kHeadBytes - head_.size());
  }
  offset_ += block.size();
  return block;
}

void LogSource::skip_to(std::uint64_t offset) {
  while (offset_ + rest_.size() < offset) {
    if (!skip_read()) return;
  }
  if (offset <= offset_) return;
  // Unless it begins there, the line at `offset` began before it; its end may not have been read yet.
  auto line_end = rest_.find('\n', static_cast<std::size_t>(offset - offset_) - 1);
  while (line_end == std::string::npos) {
    if (!skip_read()) return;
    line_end = rest_.find('\n');
  }
  rest_.erase(0, line_end + 1);
  offset_ += line_end + 1;
}

/// Drops all that was read and reads on; false at the end.
bool LogSource::skip_read() {
  offset_ += rest_.size();
  rest_.clear();
  return read_more(rest_);
}

std::optional<double> LogSource::progress() const {
  if (!S_ISREG(file_->status.st_mode) || file_->status.st_size == 0) return std::nullopt;
  return static_cast<double>(::gzoffset(file_->zip)) / static_cast<double>(file_->status.st_size);
}

LogSource::Rotation LogSource::rotation() const {
  struct stat now{};
  if (path_ == "-" || ::stat(path_.c_str(), &now) != 0) return Rotation::kNone;
  if (now.st_ino != file_->status.st_ino || now.st_dev != file_->status.st_dev) return Rotation::kReplaced;
  return now.st_size < ::gzoffset(file_->zip) ? Rotation::kCut : Rotation::kNone;
}

}  // namespace mainstay::cli
