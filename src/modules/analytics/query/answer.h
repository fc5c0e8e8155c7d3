#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "modules/analytics/model.h"
#include "modules/analytics/query/plan.h"
#include "modules/analytics/query/request.h"
#include "modules/analytics/query/time_range.h"

/// From rows of a statement to the answer of `POST /api/v2/query`.
namespace mainstay::analytics::query {

/// A question made definite, with what it was answered by.
struct Answered {
  const Request& request;
  const Site& site;
  const TimeZone& zone;
  const std::vector<Goal>& goals;
  TimeRange range;
  Instant as_of;
  std::chrono::milliseconds missing{};  ///< of the newest time, because it is not in the tables yet
  std::vector<Bucket> buckets;          ///< of the time dimension, if there is one
  columns::Answer rows;
  std::vector<columns::Value> any_row;  ///< with what is said of all rows; empty when there is none at any offset

  struct Compared {
    TimeRange range;
    std::vector<Bucket> buckets;
    columns::Answer rows;
  };
  std::optional<Compared> compared{};
};

/// A dimension's key as people read it.
[[nodiscard]] std::string shown(const columns::Value& key, const Dimension& dimension, const std::vector<Goal>& goals,
                                const std::vector<Bucket>& buckets);

/// The metrics of a row, each rounded to what it is worth: whole numbers, or 1 to 3 decimals; null where there is
/// nothing to say, as of the events of a goal that is reached by scrolling.
[[nodiscard]] json::Array shown_metrics(const std::vector<columns::Value>& row, const Request& request,
                                        const std::vector<Goal>& goals);

/// The currency of a row's revenue; "" when it has none, or several, which are not added up.
[[nodiscard]] std::string row_currency(const std::vector<columns::Value>& row, const Request& request);

[[nodiscard]] json::Object to_json(const Answered& answered);

}  // namespace mainstay::analytics::query
