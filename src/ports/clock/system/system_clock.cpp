#include "ports/clock/system/system_clock.h"

namespace mainstay::clock::system {

Instant SystemClock::now() { return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()); }

std::chrono::microseconds SystemClock::monotonic() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace mainstay::clock::system
