#pragma once

#include <atomic>
#include <chrono>

#include "ports/clock/clock.h"

namespace mainstay::testing {

/// A clock that moves only when the test says so. Any thread.
class ManualClock final : public clock::Clock {
 public:
  /// Saturday, 2026-11-21T06:00:00Z.
  static constexpr Instant kStart = std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + std::chrono::hours{6};

  explicit ManualClock(Instant start = kStart) : now_(start) {}

  [[nodiscard]] Instant now() override { return now_.load(); }
  [[nodiscard]] std::chrono::microseconds monotonic() override { return monotonic_.load(); }

  /// Time passes: both clocks move by `duration`, which is not negative.
  void advance(std::chrono::microseconds duration) {
    now_ = now_.load() + duration;
    monotonic_ = monotonic_.load() + duration;
  }
  /// Somebody sets the clock: the civil time jumps, the monotonic one does not.
  void set(Instant instant) { now_ = instant; }

 private:
  std::atomic<Instant> now_;
  std::atomic<std::chrono::microseconds> monotonic_{std::chrono::seconds{1000}};
};

}  // namespace mainstay::testing
