#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "modules/analytics/query/dimensions.h"
#include "modules/analytics/query/time_range.h"
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
/// A rollup that is there is valid: whoever writes rows of a visitor_day removes its rollup in the same transaction.
namespace mainstay::analytics {

/// rollups: site_id, visitor_day, local_day (days since 1970 of local clocks; kWholeDay for all), dimension,
///   value, value2 (of two dimensions), bucket (of time:hour), and the sums.
/// rollup_days: site_id, visitor_day, local_day, zone, build: which days have a rollup, in which time zone; `build` is
///   never used twice.
[[nodiscard]] std::span<const columns::Table> rollup_tables();

inline constexpr std::int32_t kWholeDay = -1;
/// After its end a visitor_day waits this long for visits to end and late hits to come.
inline constexpr hours kRollupDelay{3};

/// What a commit that adds or removes rows of `visitor_day` must do too.
[[nodiscard]] std::vector<columns::Step> invalidate_rollup(SiteId site, std::int32_t visitor_day);

/// What makes the rollup of a closed visitor_day anew: one commit of the writer. `build` must be new.
[[nodiscard]] std::vector<columns::Step> build_rollup(SiteId site, std::int32_t visitor_day, const TimeZone& zone,
                                                      std::int64_t build);

/// Builds what is missing, one visitor_day of one site at a time. On the writer's thread, when it has nothing to do.
class RollupKeeper {
 public:
  RollupKeeper(columns::Columns& columns, const SiteDirectory& sites) : columns_(columns), sites_(sites) {}

  /// Builds at most one; false when nothing is due. Throws Unavailable.
  bool build_one(Instant now);
  /// Notes that `invalidate_rollup` was committed, so that the day is built again.
  void invalidated(SiteId site, std::int32_t visitor_day) { due_.insert({site, visitor_day}); }

 private:
  using Day = std::pair<SiteId, std::int32_t>;
  void look_for_due(Instant now);
  [[nodiscard]] std::set<Day> days(const std::string& text, std::int32_t before) const;

  columns::Columns& columns_;
  const SiteDirectory& sites_;
  std::set<Day> due_;
  Instant looked_at_{};
  std::int64_t last_build_ = 0;
};

namespace query {

/// Which visitor_days around a range have a rollup in the site's time zone, and the local days of each.
struct Coverage {
  std::map<std::int32_t, std::vector<std::int32_t>> days;
  /// Which ones they are, as one number: a build that comes is greater than all that went.
  std::int64_t builds = 0;
  /// When the last of the visits that began before the range and reach into it ended.
  std::optional<Instant> straddle_until{};
};
[[nodiscard]] columns::Statement coverage_statement(SiteId site, const TimeRange& range);
/// SQL of Coverage::builds as the statement that holds it sees it.
[[nodiscard]] std::string builds_sql(SiteId site, const TimeRange& range);
[[nodiscard]] Coverage coverage_of(const columns::Answer& answer, std::string_view zone);

/// Rows of `rollups` that a report takes: those of the visitor_day with this local_day, counted in `bucket`.
struct Pick {
  std::int32_t visitor_day;
  std::int32_t local_day;
  std::int64_t bucket;
};
/// The visitor_days that rows of events and visits stand for; open ends where absent.
struct DaySpan {
  std::optional<std::int32_t> first, last;
};
struct Picks {
  std::vector<Pick> picks;
  std::vector<DaySpan> raw;
};

/// The name under which `dimensions` are rolled up, if they are. `interval` is set for a time dimension.
struct RolledUp {
  std::string_view name;
  std::optional<Interval> interval;
};
[[nodiscard]] std::optional<RolledUp> rolled_up(const std::vector<Dimension>& dimensions);

/// What of `range` comes from rollups; nothing where that does not pay.
[[nodiscard]] std::optional<Picks> pick(const Coverage& coverage, const TimeRange& range, const TimeZone& zone,
                                        std::optional<Interval> interval);

}  // namespace query
}  // namespace mainstay::analytics
