#pragma once

#include <map>
#include <string>
#include <vector>

#include "modules/analytics/model.h"
#include "modules/analytics/query/request.h"
#include "modules/analytics/query/time_range.h"
#include "ports/columns/columns.h"

/// Filters as SQL conditions. What came from outside is only ever a bound parameter.
namespace mainstay::analytics::query {

/// The parameters of a statement under construction.
class Parameters {
 public:
  /// Binds `value`; gives its place, "$7". The same value again has the same place.
  std::string add(columns::Value value);
  [[nodiscard]] std::vector<columns::Value> take() { return std::move(values_); }

 private:
  std::vector<columns::Value> values_;
  std::map<columns::Value, std::size_t> places_;  ///< from 1
};

/// Which rows a condition is about: alias `e` of `events`, or alias `v` of visits.
enum class Rows : std::uint8_t { kEvents, kVisits };

/// Whether event:page and event:hostname may stand for the visit's entry page and host name.
enum class EntryFor : std::uint8_t { kNothing, kPage };

/// What conditions need to know. Refers to what the caller owns.
struct FilterScope {
  Parameters& parameters;
  SiteId site;
  const TimeRange& range;
  const std::vector<Goal>& goals;
};

/// "e.site_id = $1 and e."at" >= $2 and e."at" < $3".
[[nodiscard]] std::string events_in_range(const FilterScope& scope);

/// The value of `dimension` in a row, "" where it has none; not for time and goals.
[[nodiscard]] std::string value_sql(const Dimension& dimension, Rows rows, EntryFor entry, Parameters& parameters);

/// True when a row of visits decides the filter.
[[nodiscard]] bool of_visits(const Filter& filter, EntryFor entry);

/// A condition in parentheses.
[[nodiscard]] std::string filter_sql(const Filter& filter, Rows rows, EntryFor entry, const FilterScope& scope);

/// All of `filters` on events: " and (…) and (…)", or "".
[[nodiscard]] std::string events_filters(const std::vector<Filter>& filters, const FilterScope& scope);

/// All of `filters` on visits; those that need events as "the visit has an event that meets them all".
[[nodiscard]] std::string visits_filters(const std::vector<Filter>& filters, EntryFor entry, const FilterScope& scope);

/// The goals that a leaf on event:goal names.
[[nodiscard]] std::vector<const Goal*> goals_named(const Filter& leaf, const std::vector<Goal>& goals);

/// An event that reaches the goal.
[[nodiscard]] std::string goal_sql(const Goal& goal, Parameters& parameters);

/// The rows of events that a count of visitors looks at: counted ones, and those that reach a scroll goal which
/// `filters` name.
[[nodiscard]] std::string countable(const std::vector<Filter>& filters, const FilterScope& scope);

}  // namespace mainstay::analytics::query
