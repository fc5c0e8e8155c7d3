#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "base/json.h"
#include "modules/analytics/query/dimensions.h"

/// The question of `POST /api/v2/query` (the shape of Plausible's Stats API v2) as a plain value.
namespace mainstay::analytics::query {

enum class Metric : std::uint8_t {
  kVisitors,
  kVisits,
  kPageviews,
  kViewsPerVisit,
  kBounceRate,
  kVisitDuration,
  kEvents,
  kScrollDepth,
  kTimeOnPage,
  kPercentage,
  kConversionRate,
  kGroupConversionRate,
  kTotalRevenue,
  kAverageRevenue,
  kExitRate,
  kLcp,
  kInp,
  kCls,
  kFcp,
  kTtfb,
};

/// "visitors", "lcp_p75".
[[nodiscard]] std::string_view to_text(Metric metric);

/// A condition; a tree.
struct Filter {
  enum class Kind : std::uint8_t {
    kAnd,
    kOr,
    kNot,
    kHasDone,  ///< the visit has an event that meets the part
    kHasNotDone,
    kIs,
    kIsNot,
    kContains,
    kContainsNot,
    kMatches,  ///< RE2, anywhere in the text
    kMatchesNot,
  };
  Kind kind = Kind::kAnd;
  std::vector<Filter> parts;         ///< of kAnd, kOr (any number), kNot, kHasDone, kHasNotDone (one)
  Dimension dimension;               ///< of the others
  std::vector<std::string> clauses;  ///< of the others: any of them may hold
  bool case_sensitive = true;

  [[nodiscard]] bool is_leaf() const { return kind >= Kind::kIs; }
};

struct Order {
  bool by_metric = true;
  std::size_t index = 0;  ///< into metrics or dimensions
  bool descending = true;
};

/// A named range ("7d"), or its two ends as written.
struct DateRange {
  std::string name;
  std::string from, to;
};

struct Comparison {
  enum class Mode : std::uint8_t { kPreviousPeriod, kYearOverYear, kCustom };
  Mode mode = Mode::kPreviousPeriod;
  DateRange custom;
  bool match_day_of_week = false;
};

struct Request {
  std::string site;  ///< id or domain
  std::vector<Metric> metrics;
  DateRange date_range;
  std::string date;  ///< the day a relative range ends on; "" = today
  std::vector<Dimension> dimensions;
  std::vector<Filter> filters;  ///< all must hold
  std::vector<Order> order_by;
  bool time_labels = false;
  bool total_rows = false;
  std::optional<Comparison> comparison;
  std::optional<std::size_t> limit;  ///< none given: kLimitMax rows of an answer, all of an export
  std::size_t offset = 0;

  [[nodiscard]] bool asks(Metric metric) const;
  [[nodiscard]] bool asks_revenue() const { return asks(Metric::kTotalRevenue) || asks(Metric::kAverageRevenue); }
  /// The place of the time dimension, if there is one.
  [[nodiscard]] std::optional<std::size_t> time_dimension() const;
};

inline constexpr std::size_t kMetricsMax = 20;
inline constexpr std::size_t kDimensionsMax = 5;
inline constexpr std::size_t kFilterDepthMax = 8;
inline constexpr std::size_t kFiltersMax = 100;       ///< in the whole tree
inline constexpr std::size_t kClausesMax = 1'000;     ///< of one filter
inline constexpr std::size_t kAllClausesMax = 5'000;  ///< in the whole tree
inline constexpr std::size_t kClauseBytesMax = 2'000;
inline constexpr std::size_t kLimitMax = 10'000;
inline constexpr std::size_t kOffsetMax = 10'000'000;

/// Reads and checks a question. Refuses kInvalid `analytics.bad_query` with every field at fault, unknown keys and
/// combinations without meaning included. `site`, when given, stands for a `site_id` that the text may then leave out.
[[nodiscard]] Result<Request> parse_request(std::string_view text, std::string_view site = "");
[[nodiscard]] Result<Request> parse_request(const json::Value& value, std::string_view site = "");

/// What is wrong with one field after the other; gathers before it refuses.
class Faults {
 public:
  void add(std::string field, std::string message) { errors_.push_back({std::move(field), std::move(message)}); }
  [[nodiscard]] bool any() const { return !errors_.empty(); }
  [[nodiscard]] Failure failure() const;

 private:
  std::vector<FieldError> errors_;
};

/// Reads the list of filters at `where`.
[[nodiscard]] std::vector<Filter> parse_filters(const json::Value& value, const std::string& where, Faults& faults);

/// Checks that metrics, dimensions and filters go together.
void check_rules(const Request& request, Faults& faults);

/// True when `test` holds for a leaf of the tree; what stands under has_done only with kEnter.
enum class HasDone : std::uint8_t { kSkip, kEnter };
template <class Test>
bool any_leaf(const Filter& filter, HasDone has_done, const Test& test) {
  if (filter.is_leaf()) return test(filter);
  const bool behavioural = filter.kind == Filter::Kind::kHasDone || filter.kind == Filter::Kind::kHasNotDone;
  if (behavioural && has_done == HasDone::kSkip) return false;
  for (const auto& part : filter.parts) {
    if (any_leaf(part, has_done, test)) return true;
  }
  return false;
}
template <class Test>
bool any_leaf(const std::vector<Filter>& filters, HasDone has_done, const Test& test) {
  for (const auto& filter : filters) {
    if (any_leaf(filter, has_done, test)) return true;
  }
  return false;
}

}  // namespace mainstay::analytics::query
