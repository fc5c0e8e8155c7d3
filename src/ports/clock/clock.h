#pragma once

#include <chrono>

#include "base/time.h"

namespace mainstay::clock {

/// Port: the time. Replaceable, so that tests are exact. Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  /// The civil time; may step back when the operator or NTP sets the clock.
  [[nodiscard]] virtual Instant now() = 0;
  /// Only ever grows; for deadlines and rates. Its zero means nothing.
  [[nodiscard]] virtual std::chrono::microseconds monotonic() = 0;
};

}  // namespace mainstay::clock
