#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "base/time.h"
#include "runtime/task.h"

namespace mainstay::stream {

/// Position of a record; the first one ever appended has offset 1. Offsets grow by one and are never reused.
using Offset = std::uint64_t;

inline constexpr std::size_t kRecordBytesMax = 4 << 20;

struct Record {
  Offset offset = 0;
  Instant appended_at;
  std::string bytes;
};

/// Port: a durable queue of records. Adapter: embedded/ (segment files with group commit); passes contract.h.
///
/// A record whose append completed is on disk and survives kill -9 and power loss. Records come out in
/// the order of their offsets, at least once: a consumer keeps its own offset, together with what it
/// derived from the records, and says with `forget_through` what may be deleted.
class Stream {
 public:
  virtual ~Stream() = default;

  /// Completes when the record is durable, and with its offset. Any executor; resumes on the caller's.
  /// Refuses kUnavailable `stream.full` when too many records wait for the disk or the space limit is reached, and
  /// kInvalid `stream.record_too_large`. Throws Unavailable when the disk refuses (full, failing): nothing was
  /// appended.
  virtual Task<Result<Offset>> append(std::string record) = 0;

  /// Up to `records_max` records after `after`, in order, at most about `bytes_max` in sum (at least one record).
  /// Blocks up to `patience` for the first one; empty when none came or `interrupt` was called. One consumer thread.
  virtual std::vector<Record> read(Offset after, std::size_t records_max, std::size_t bytes_max,
                                   std::chrono::milliseconds patience) = 0;

  /// Ends the `read` that is waiting, or, when none is, keeps the next one from waiting. Any thread.
  virtual void interrupt() = 0;

  /// The offset of the newest durable record; 0 when there is none. Any thread.
  [[nodiscard]] virtual Offset last() const = 0;

  /// Records up to and including `offset` are not needed any more; their space is freed when convenient. Any thread.
  /// Their bytes leave the disk within an hour, if this is called again every few minutes.
  virtual void forget_through(Offset offset) = 0;

  /// As `forget_through`; their bytes leave the disk soon. Costs a new file.
  virtual void erase_through(Offset offset) = 0;
};

}  // namespace mainstay::stream
