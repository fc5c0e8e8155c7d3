#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "ports/clock/clock.h"
#include "ports/stream/stream.h"
#include "runtime/metrics.h"

namespace mainstay::stream::embedded {

class Disk;

/// What to do about a damaged record in the middle of the log.
enum class OnDamage {
  kRefuse,  ///< throw Unavailable that names file, place and record: nothing is lost in silence
  kSkip     ///< log what is lost and go on with the next whole record; for salvage
};

struct Options {
  std::filesystem::path folder;   ///< made when missing; one process at a time, by a lock file
  clock::Clock* clock = nullptr;  ///< required; outlives the stream
  std::uint64_t segment_bytes = 64 << 20;
  /// A segment that holds so much gets a successor whose blocks are written in advance (spare.h); it begins as soon as
  /// that is ready. Never where it is as large as a segment.
  std::uint64_t spare_from = 8 << 20;
  hours segment_age{1};  ///< after which another segment is begun, so that what is forgotten can be deleted
  std::uint64_t bytes_max = std::uint64_t{16} << 30;  ///< on disk; beyond it appends are refused `stream.full`
  std::size_t waiting_records_max = 65'536;           ///< that wait for the disk; beyond it `stream.full`
  std::size_t waiting_bytes_max = 64 << 20;
  /// The consumer's stored offset. New records come after it even if the folder was lost, so that no
  /// consumer mistakes them for old ones.
  Offset offset_floor = 0;
  OnDamage on_damage = OnDamage::kRefuse;
  metrics::Registry* metrics = nullptr;  ///< optional; outlives the stream
  Disk* disk = nullptr;                  ///< for tests: a disk that fails on demand; outlives the stream
};

/// Opens the log in `options.folder`: segment files named by their first offset (see segment.h), written by
/// one thread that takes all waiting appends at once: one write, one fdatasync, then it answers them all, with
/// one post for each executor.
///
/// A torn end, as a crash leaves it, is cut and logged: it was never acknowledged. Throws Unavailable when another
/// process holds the folder, when the disk refuses, or when an acknowledged record is damaged (unless OnDamage::kSkip).
///
/// Failures of the disk while open: the appends in question get Unavailable and leave no trace; the next append tries
/// again, so work resumes by itself when space returns. After a failed fdatasync the file is not trusted any
/// more and the next append starts a new one.
///
/// Memory: what waits, plus a write buffer of at most 1 MiB and a read buffer of at most 1 MiB when idle. Disk: an
/// empty log takes one block; under load a spare segment stands beside the limit. Ending the stream writes what was
/// accepted, then answers it; the executors of its callers must still run.
[[nodiscard]] std::unique_ptr<Stream> open(Options options);

}  // namespace mainstay::stream::embedded
