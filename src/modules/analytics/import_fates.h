#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "modules/analytics/intake.h"

namespace mainstay::analytics {

/// What became of the hits of imports, by their number (encode's `batch`). Any thread.
class ImportFates {
 public:
  struct Fates {
    std::uint64_t accepted = 0;
    std::uint64_t bots = 0;
    std::map<std::string, std::uint64_t> refused;
  };
  /// So many are kept of imports that nobody asks about; the oldest number makes room.
  static constexpr std::size_t kKept = 10'000;

  void note(const Taken& taken) {
    if (taken.batch == 0) return;
    const std::scoped_lock lock(mutex_);
    auto& fates = by_batch_[taken.batch];
    switch (taken.fate) {
      case Taken::Fate::kAccepted: ++fates.accepted; break;
      case Taken::Fate::kBot: ++fates.bots; break;
      case Taken::Fate::kRefused: ++fates.refused[std::string{taken.why}]; break;
    }
    if (by_batch_.size() > kKept) by_batch_.erase(by_batch_.begin());
  }

  /// Forgets them.
  [[nodiscard]] Fates take(std::uint64_t batch) {
    const std::scoped_lock lock(mutex_);
    const auto found = by_batch_.extract(batch);
    return found.empty() ? Fates{} : std::move(found.mapped());
  }

 private:
  std::mutex mutex_;
  std::map<std::uint64_t, Fates> by_batch_;
};

}  // namespace mainstay::analytics
