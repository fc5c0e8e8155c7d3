#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "modules/analytics/sites/sites.h"
#include "ports/clock/clock.h"
#include "ports/columns/columns.h"
#include "runtime/metrics.h"

/// What is deleted, and how it leaves the disk. Deleting rows hides them at once; their bytes stay in the files of the
/// column store until those are made anew (Columns::compact). So each commit that deletes what somebody wants to be
/// gone notes itself down in `deletions`, and the Compactor compacts in time.
namespace mainstay::analytics {

/// Poison records (`set_aside`) are kept for so long; nobody can tell whose they are.
inline constexpr days kSetAsideKept{7};
/// Refusals that name what a stranger asked for, or have no site, are kept for so long: anybody can make any number of
/// them, and no site's retention need cover them.
inline constexpr days kNamedRefusalsKept{90};

/// Deletes what is older than each site keeps, one site after the other; `removed` is told how many hits of it went.
/// Blocks. Throws Unavailable.
using Removed = std::function<void(SiteId site, std::int64_t hits)>;
void remove_expired(columns::Columns& columns, const SiteMap& sites, Instant now, const Removed& removed);

/// Deletes all of a site.
[[nodiscard]] std::vector<columns::Step> erase_steps(SiteId site, Instant now);

/// Compacts the column store when rows were deleted: at once for a deleted site, and at most kDeletedKept after rows
/// passed their retention; sooner, after kSmallKept, while the store is small. When that fails, for want of space
/// or in an outage, it is tried again every kRetryEvery. One thread of its own, from `start` to `stop`; what runs when
/// it stops is given up and begun again at the next start.
class Compactor {
 public:
  static constexpr hours kDeletedKept{20};
  static constexpr hours kSmallKept{1};
  static constexpr std::uint64_t kSmallBytes = 64 << 20;
  static constexpr minutes kRetryEvery{10};

  Compactor(columns::Columns& columns, clock::Clock& clock, metrics::Registry& metrics);
  ~Compactor();  ///< as `stop`
  Compactor(const Compactor&) = delete;
  Compactor& operator=(const Compactor&) = delete;

  void start();
  void stop();
  /// Looks now and not within the next minute only. Any thread.
  void wake();

  /// Compacts if that is due; false when it was not. What the thread does over and over. Throws Unavailable.
  bool compact_if_due(std::stop_token stop);

 private:
  void run(const std::stop_token& stop);
  [[nodiscard]] double waiting_seconds() const;

  columns::Columns& columns_;
  clock::Clock& clock_;
  static constexpr Instant kNothing = Instant::max();
  std::atomic<Instant> oldest_ = kNothing;  ///< of what waits
  std::mutex mutex_;
  std::condition_variable_any woken_;
  bool wake_ = false;
  std::jthread thread_;
};

}  // namespace mainstay::analytics
