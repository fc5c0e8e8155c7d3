#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "modules/analytics/model.h"
#include "modules/analytics/query/request.h"
#include "modules/analytics/query/time_range.h"
#include "ports/columns/columns.h"

/// What of a question rollups answer (rollups.h), and what is left to rows of events and visits.
namespace mainstay::analytics::query {

/// `local_day` of the sums over a whole visitor_day.
inline constexpr std::int32_t kWholeDay = -1;
/// `dimension` of goals; `value2` is a goal's key.
inline constexpr std::string_view kGoalDimension = "event:goal";

/// What is rolled up: the dimensions of the dashboard's cards; of two, with a space between.
[[nodiscard]] std::span<const std::string_view> rolled_up_names();
[[nodiscard]] std::vector<Dimension> dimensions_of(std::string_view name);
/// The same for goals that count the same, whatever they are called.
[[nodiscard]] std::string goal_key(const Goal& goal);

/// The dimension of `request`, if it is one that is rolled up piece by piece: goals, each by itself, and properties,
/// for the events of each name. Of those some pieces may be missing; "" for others.
[[nodiscard]] std::string dimension_in_pieces(const Request& request);

/// Which visitor_days around a range have a rollup in the site's time zone, and the local days of each.
struct Coverage {
  std::map<std::int32_t, std::vector<std::int32_t>> days;
  /// Which of them have which pieces of the dimension that is asked for, by `value2`.
  std::map<std::string, std::set<std::int32_t>, std::less<>> pieces{};
  /// Which ones they are, as one number: a build that comes is greater than all that went.
  std::int64_t builds = 0;
  /// When the last of the visits that began before the range and reach into it ended, by visitor_day.
  std::map<std::int32_t, Instant> straddles{};
};
/// `in_pieces` as `dimension_in_pieces`.
[[nodiscard]] columns::Statement coverage_statement(SiteId site, const TimeRange& range, const std::string& in_pieces);
/// SQL of Coverage::builds as the statement that holds it sees it.
[[nodiscard]] std::string builds_sql(SiteId site, const TimeRange& range);
[[nodiscard]] Coverage coverage_of(const columns::Answer& answer, std::string_view zone);

/// Rows of `rollups` that a report takes: those of the visitor_day with this local_day, counted in `bucket`.
struct Pick {
  std::int32_t visitor_day;
  std::int32_t local_day;
  std::int64_t bucket;
};
/// Visitor_days from `first` to `last`; open ends where absent.
struct DaySpan {
  std::optional<std::int32_t> first, last;
  [[nodiscard]] bool contains(std::int32_t day) const { return (!first || day >= *first) && (!last || day <= *last); }
};
struct Picks {
  std::vector<Pick> picks;   ///< by visitor_day
  std::vector<DaySpan> raw;  ///< that rows of events and visits stand for
};

/// Where an answer stands in the rollups.
struct RolledUp {
  std::string name;                  ///< of the rolled up dimensions
  std::optional<Interval> interval;  ///< of the time dimension, if there is one
  std::optional<std::string> only;   ///< this value of the dimension only
  std::optional<std::string> piece;  ///< this `value2` only, where it is there
};
/// Without filters, or with one for a value of a dimension that is rolled up alone; of properties for a name of events.
[[nodiscard]] std::optional<RolledUp> rolled_up(const std::vector<Dimension>& dimensions,
                                                const std::vector<Filter>& filters);
[[nodiscard]] std::optional<RolledUp> rolled_up(const Goal& goal);

/// What of `range` comes from rollups; nothing where that does not pay.
[[nodiscard]] std::optional<Picks> pick(const Coverage& coverage, const TimeRange& range, const TimeZone& zone,
                                        const RolledUp& rolled_up);

}  // namespace mainstay::analytics::query
