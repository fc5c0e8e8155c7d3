#pragma once

#include <optional>
#include <string>
#include <vector>

#include "modules/analytics/model.h"
#include "modules/analytics/query/request.h"
#include "modules/analytics/query/time_range.h"
#include "ports/columns/columns.h"

/// From a question to one statement.
///
/// What the numbers mean:
/// - A row of `events` belongs to a range by its time. A visit is in a range when one of its counted events is (not
///   engagement, not vitals); so is its visitor. `visits` and `visitors` count those.
/// - `bounce_rate` and `visit_duration` are of the visits that began in the range. Broken down by page or host name
///   they are of the visits that entered there.
/// - A filter on events holds for the single event; for visits it means "has an event that meets all of them".
/// - Visitors of several days add up: ids of different salt days never meet.
///
/// Where no event decides anything, visits are counted on the much smaller table of visits.
namespace mainstay::analytics::query {

struct Coverage;

/// What the planner needs to know; refers to what the caller owns.
struct PlanInput {
  const Request& request;  ///< its time dimension has a definite interval
  SiteId site;
  const TimeRange& range;
  const TimeZone& zone;
  const std::vector<Goal>& goals;
  /// Only rows whose first dimension has one of these keys: for a comparison.
  std::optional<std::vector<columns::Value>> only_keys;
  /// The rollups there are, and the visits that began before the range.
  const Coverage& coverage;
};

/// A statement that answers one row per result: keys of the dimensions, values of the metrics in the order asked for,
/// then, when asked for, the number of rows without pagination (total_rows), and with revenue four values: the number
/// of currencies of the row and the first of them, and the same of all rows together.
[[nodiscard]] columns::Statement plan(const PlanInput& input);

}  // namespace mainstay::analytics::query
