#pragma once

#include <mutex>
#include <optional>
#include <utility>

#include "base/time.h"
#include "modules/analytics/ledger.h"

namespace mainstay::analytics {

/// What was taken and is in no table yet. Any thread.
class Unwritten {
 public:
  /// The first of some records of the stream, by the time of its append.
  void taken(Instant first) {
    const std::scoped_lock lock(mutex_);
    if (!gathered_.since) gathered_.since = first;
  }
  /// Refusals that are in no stream.
  void refused(const Ledger& refusals) {
    const std::scoped_lock lock(mutex_);
    gathered_.refusals.add(refusals);
  }
  /// A commit with all that was taken begins.
  void commit_begins() {
    const std::scoped_lock lock(mutex_);
    committing_ = std::exchange(gathered_, {});
  }
  void commit_ended() {
    const std::scoped_lock lock(mutex_);
    committing_ = {};
  }
  /// All that is in no table is taken again: from the stream, or as the refusals that this gives back. While no commit
  /// is under way.
  [[nodiscard]] Ledger forget() {
    const std::scoped_lock lock(mutex_);
    auto refusals = std::exchange(committing_, {}).refusals;
    refusals.add(std::exchange(gathered_, {}).refusals);
    return refusals;
  }
  /// Since when there are records; nothing when there are none.
  [[nodiscard]] std::optional<Instant> since() const {
    const std::scoped_lock lock(mutex_);
    return committing_.since ? committing_.since : gathered_.since;
  }

 private:
  struct Part {
    std::optional<Instant> since;
    Ledger refusals;
  };
  mutable std::mutex mutex_;
  Part gathered_;
  Part committing_;
};

}  // namespace mainstay::analytics
