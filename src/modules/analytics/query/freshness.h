#pragma once

#include "runtime/task.h"

namespace mainstay::analytics {

/// Lets a report see what has been acknowledged but not yet written. Fulfilled by the processor.
class Freshness {
 public:
  virtual ~Freshness() = default;
  /// Completes when everything in the stream at the call is in the tables, with 0; or when that takes too long, with
  /// how much of the newest time is missing in them.
  virtual Task<std::chrono::milliseconds> make_current() = 0;
};

}  // namespace mainstay::analytics
