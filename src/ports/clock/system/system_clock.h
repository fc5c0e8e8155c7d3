#pragma once

#include "ports/clock/clock.h"

namespace mainstay::clock::system {

/// The operating system's clocks: CLOCK_REALTIME and CLOCK_MONOTONIC, without a system call. Any thread.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] Instant now() override;
  [[nodiscard]] std::chrono::microseconds monotonic() override;
};

}  // namespace mainstay::clock::system
