#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "modules/analytics/query/coverage.h"
#include "modules/analytics/sites/sites.h"
#include "ports/columns/columns.h"

/// Sums of days that are over, so that a report over months reads a few thousand rows and not millions.
///
/// Visitor ids never span a `visitor_day`, so numbers of distinct visitors of different visitor_days add up exactly. A
/// rollup holds, for one site and one closed visitor_day, the sums by each value of each common dimension: once over
/// the whole visitor_day, and once for each local day (in the site's time zone) that its events fall on. A report
/// takes the first where its range holds the whole visitor_day, the second where it holds one of the local days, and
/// rows of events and visits for everything else; the numbers are the same to the last digit.
///
/// Goals of pages and scrolling are rolled up each by itself; a goal that nobody reached on a visitor_day has a row of
/// zeros, so that its presence says what is known. Properties are rolled up for the events of one name, the most
/// frequent pairs of both only.
///
/// A rollup that is there is valid: whoever writes rows of a visitor_day removes its rollup in the same transaction.
namespace mainstay::analytics {

/// rollups: site_id, visitor_day, local_day (days since 1970 of local clocks; query::kWholeDay for all), dimension,
///   value, value2 (of two dimensions), bucket (of time:hour), and the sums.
/// rollup_days: site_id, visitor_day, local_day, zone, build: which days have a rollup, in which time zone; `build` is
///   never used twice.
[[nodiscard]] std::span<const columns::Table> rollup_tables();

/// After its end a visitor_day waits this long for visits to end and late hits to come.
inline constexpr hours kRollupDelay{3};

/// What a commit that adds or removes rows of `visitor_day` must do too.
[[nodiscard]] std::vector<columns::Step> invalidate_rollup(SiteId site, std::int32_t visitor_day);

/// What makes the rollup of a closed visitor_day anew: one commit of the writer. `build` must be new.
[[nodiscard]] std::vector<columns::Step> build_rollup(SiteId site, std::int32_t visitor_day, const TimeZone& zone,
                                                      const std::vector<Goal>& goals, std::int64_t build);
/// What adds `goals` to the rollup of a visitor_day, or makes them anew.
[[nodiscard]] std::vector<columns::Step> build_goals(SiteId site, std::int32_t visitor_day, const TimeZone& zone,
                                                     const std::vector<Goal>& goals);

/// As the newest day that has a rollup, where that is not known.
inline constexpr std::int32_t kNewestRollup = std::numeric_limits<std::int32_t>::max();

/// Builds what is missing, one visitor_day of one site at a time. On the writer's thread, when it has nothing to do.
class RollupKeeper {
 public:
  RollupKeeper(columns::Columns& columns, const SiteDirectory& sites) : columns_(columns), sites_(sites) {}

  /// Reads which rollups there are; before the first `build_one`. Throws Unavailable.
  void restore();
  /// Builds at most one; false when nothing is due. Throws Unavailable.
  bool build_one(Instant now);
  /// No later visitor_day of any site has a rollup. Any thread.
  [[nodiscard]] std::int32_t newest() const { return newest_; }
  /// Notes that `invalidate_rollup` was committed, so that the day is built again.
  void invalidated(SiteId site, std::int32_t visitor_day) { due_.insert({site, visitor_day}); }

 private:
  using Day = std::pair<SiteId, std::int32_t>;
  void look_for_due(Instant now);
  [[nodiscard]] std::vector<std::vector<columns::Value>> rows(const std::string& text, std::int32_t before) const;
  [[nodiscard]] bool is_closed(Day day, Instant now) const;

  columns::Columns& columns_;
  const SiteDirectory& sites_;
  std::set<Day> due_;
  std::map<Day, std::vector<Goal>> due_goals_;  ///< of days whose rollup has all but these
  Instant looked_at_{};
  std::int64_t last_build_ = 0;
  std::atomic<std::int32_t> newest_ = kNewestRollup;
};

}  // namespace mainstay::analytics
