#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>

#include "base/time.h"

namespace mainstay::analytics {

/// Since when records were taken from the stream that are in no table yet. Any thread.
class Unwritten {
 public:
  /// The first of some records, by the time of its append.
  void taken(Instant first) {
    const std::scoped_lock lock(mutex_);
    if (!taken_) taken_ = first;
  }
  /// A commit with all that was taken begins.
  void commit_begins() {
    const std::scoped_lock lock(mutex_);
    committing_ = std::exchange(taken_, std::nullopt);
  }
  void commit_ended() {
    const std::scoped_lock lock(mutex_);
    committing_.reset();
  }
  void forget() {
    const std::scoped_lock lock(mutex_);
    taken_.reset();
    committing_.reset();
  }
  /// The oldest of them; nothing when there are none.
  [[nodiscard]] std::optional<Instant> since() const {
    const std::scoped_lock lock(mutex_);
    return committing_ ? committing_ : taken_;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<Instant> taken_;
  std::optional<Instant> committing_;
};

}  // namespace mainstay::analytics
