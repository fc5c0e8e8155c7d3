#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "ports/stream/embedded/segments.h"

namespace mainstay::stream::embedded {

/// Reads records in order. Going on where the last call ended costs one read of the file for each 256 KiB;
/// any other place costs a pass over its segment up to there. One thread.
class Reader {
 public:
  Reader(OnDamage on_damage, const Segments& segments) : on_damage_(on_damage), segments_(segments) {}

  /// The records after `after` and up to `durable`, within the limits. Throws Unavailable when the
  /// file cannot be read or, unless damage is to be skipped, an acknowledged record is damaged.
  [[nodiscard]] std::vector<Record> read(Offset after, std::size_t records_max, std::size_t bytes_max, Offset durable);

 private:
  void seek(Offset offset);
  void enter(std::shared_ptr<Segment> segment);
  /// The frame at the current place; none when the place moved because of damage or a new segment.
  [[nodiscard]] std::optional<Frame> frame();
  [[nodiscard]] Parsed parse();
  void fill(std::size_t wanted);
  void step_over_damage();

  const OnDamage on_damage_;
  const Segments& segments_;
  std::shared_ptr<Segment> segment_;  ///< null before the first read and after a failure
  File file_;
  std::uint64_t position_ = 0;  ///< in the file, where `next_` begins
  Offset next_ = 0;
  Offset limit_ =
      0;  ///< where the next segment begins, if there was one on entering: what a failed sync left stops there
  std::vector<std::byte> window_;
  std::uint64_t window_position_ = 0;
};

}  // namespace mainstay::stream::embedded
