#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

namespace mainstay::http {

/// Which of the requests that meet an outage are told: the first, then one a minute, so that a full disk is not filled
/// by its own log. Those after the last that was told are counted with the next outage; /metrics has them at once. Any
/// thread.
class OutageLog {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::minutes kPause{1};

  /// How many there were since the one told before, with this one; nothing when this one is not told.
  [[nodiscard]] std::optional<std::uint64_t> count(Clock::time_point now) {
    const std::scoped_lock lock(mutex_);
    ++untold_;
    if (told_at_ && now < *told_at_ + kPause) return std::nullopt;
    told_at_ = now;
    return std::exchange(untold_, 0);
  }

 private:
  std::mutex mutex_;
  std::uint64_t untold_ = 0;
  std::optional<Clock::time_point> told_at_;
};

}  // namespace mainstay::http
