#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "modules/analytics/intake.h"

namespace mainstay::analytics {

/// What became of the hits of imports, by their number (encode's `batch`). Counted when their rows are stored: what is
/// read from the stream a second time counts once. Any thread, but for what says otherwise.
class ImportFates {
 public:
  struct Fates {
    std::uint64_t accepted = 0;
    std::uint64_t bots = 0;
    std::map<std::string, std::uint64_t> refused;
  };
  using ByBatch = std::map<std::uint64_t, Fates>;
  /// So many are kept of imports that nobody asks about; the oldest number makes room.
  static constexpr std::size_t kKept = 10'000;

  /// Notes a hit of the next commit. On the processor's thread.
  void note(const Taken& taken) {
    if (taken.batch == 0) return;
    auto& fates = noted_[taken.batch];
    switch (taken.fate) {
      case Taken::Fate::kAccepted: ++fates.accepted; break;
      case Taken::Fate::kBot: ++fates.bots; break;
      case Taken::Fate::kRefused: ++fates.refused[std::string{taken.why}]; break;
    }
  }
  /// What was noted since the last call: for `count` when it is stored, to be dropped when it never will be. On the
  /// processor's thread.
  [[nodiscard]] ByBatch take_noted() { return std::exchange(noted_, {}); }

  void count(const ByBatch& stored) {
    const std::scoped_lock lock(mutex_);
    for (const auto& [batch, more] : stored) {
      auto& fates = by_batch_[batch];
      fates.accepted += more.accepted;
      fates.bots += more.bots;
      for (const auto& [reason, count] : more.refused) fates.refused[reason] += count;
    }
    while (by_batch_.size() > kKept) by_batch_.erase(by_batch_.begin());
  }

  /// Forgets them.
  [[nodiscard]] Fates take(std::uint64_t batch) {
    const std::scoped_lock lock(mutex_);
    const auto found = by_batch_.extract(batch);
    return found.empty() ? Fates{} : std::move(found.mapped());
  }

 private:
  ByBatch noted_;
  std::mutex mutex_;
  ByBatch by_batch_;
};

}  // namespace mainstay::analytics
