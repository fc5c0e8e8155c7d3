#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ports/stream/embedded/disk.h"
#include "ports/stream/embedded/embedded.h"
#include "ports/stream/embedded/segment.h"
#include "ports/stream/embedded/spare.h"

namespace mainstay::stream::embedded {

/// A segment file. Everything but `bytes` is constant.
struct Segment {
  std::filesystem::path path;
  SegmentHeader header;
  std::atomic<std::uint64_t> bytes{0};  ///< the file is durable up to here
};

/// Whether it holds records and was begun so long ago that another is due.
[[nodiscard]] bool is_old(const Segment& segment, const Options& options);

/// The segments of a log, oldest first; never empty once opened. Any thread.
class Segments {
 public:
  Segments() = default;
  Segments(const Segments&) = delete;
  Segments& operator=(const Segments&) = delete;

  /// Adds the newest; replaces one of the same base, which then holds no durable record.
  void add(std::shared_ptr<Segment> segment);
  [[nodiscard]] std::shared_ptr<Segment> newest() const;
  /// The segment that holds `offset`, or the oldest when that is forgotten.
  [[nodiscard]] std::shared_ptr<Segment> holding(Offset offset) const;
  /// The one that follows; null for the newest.
  [[nodiscard]] std::shared_ptr<Segment> after(const Segment& segment) const;
  /// Deletes the files that hold no record beyond `offset`, but never the newest; that one when another is added.
  void forget_through(Offset offset);

  void count_bytes(std::uint64_t more) { bytes_.fetch_add(more, std::memory_order_relaxed); }
  /// Bytes of all segments.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Segment>> list_;
  Offset forgotten_ = 0;
  std::atomic<std::uint64_t> bytes_{0};
};

/// The newest segment, open for writing, and where the next frame goes.
struct Tail {
  std::shared_ptr<Segment> segment;
  File file;
  std::uint64_t position = 0;
  std::uint64_t reserved = 0;  ///< the file has blocks up to here
  bool prepared = false;       ///< and they were written in advance
  Offset next = 1;
};

/// Makes a segment file that begins with `base`, durable in name and header, and opens it; of `spare` when that has
/// one. No error, or the disk's.
[[nodiscard]] std::error_code create_segment(const Options& options, Disk& disk, Offset base, Tail& tail, Spare* spare);

/// Whether a file stands under the name of the segment that begins with `base`.
[[nodiscard]] bool has_segment(const Options& options, Offset base);

/// Reads the folder into `segments`, mends the end of the newest segment and opens it for writing; makes the first
/// segment where there is none. Throws Unavailable as `open` says.
[[nodiscard]] Tail open_segments(const Options& options, Disk& disk, Segments& segments);

}  // namespace mainstay::stream::embedded
