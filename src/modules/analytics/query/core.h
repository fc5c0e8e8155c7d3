#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "modules/analytics/query/coverage.h"
#include "modules/analytics/query/filter_sql.h"
#include "modules/analytics/query/plan.h"

namespace mainstay::analytics::query {

/// The sums that most metrics are made of. All add up over salt days.
enum class Sum : std::uint8_t {
  kVisitors,
  kVisits,
  kPageviews,
  kEvents,
  kStarted,   ///< visits that began in the range
  kBounces,   ///< of those
  kDuration,  ///< of those, ms
  kRevenue,
  kRevenueCount,
};
inline constexpr std::size_t kSums = 9;
/// Those that rollups hold; revenue is seldom and cheap.
inline constexpr Sum kRolledUpSums[] = {Sum::kVisitors, Sum::kVisits,  Sum::kPageviews, Sum::kEvents,
                                        Sum::kStarted,  Sum::kBounces, Sum::kDuration};

/// The column's name: "visitors".
[[nodiscard]] std::string_view to_text(Sum sum);

class SumSet {
 public:
  void add(Sum sum) { bits_ |= bit(sum); }
  [[nodiscard]] bool has(Sum sum) const { return (bits_ & bit(sum)) != 0; }
  [[nodiscard]] bool has_any(std::initializer_list<Sum> sums) const {
    for (const auto sum : sums) {
      if (has(sum)) return true;
    }
    return false;
  }

 private:
  static std::uint32_t bit(Sum sum) { return 1U << static_cast<unsigned>(sum); }
  std::uint32_t bits_ = 0;
};

/// Writes selects of sums by dimensions: columns d0…, then the sums of the set.
class Core {
 public:
  Core(const PlanInput& input, Parameters& parameters)
      : input_(input),
        parameters_(parameters),
        scope_{.parameters = parameters, .site = input.site, .range = input.range, .goals = input.goals} {}

  /// From rollups as far as they reach.
  [[nodiscard]] std::string select(const std::vector<Dimension>& dimensions, const std::vector<Filter>& filters,
                                   SumSet sums);
  /// From rows only, of one visitor_day.
  [[nodiscard]] std::string select_day(const std::vector<Dimension>& dimensions, SumSet sums, std::int32_t visitor_day);

  /// "events e", joined to its visits when a dimension needs that.
  [[nodiscard]] std::string events_source(const std::vector<Dimension>& dimensions);
  /// "e.path as d0, …, " over a row of events.
  [[nodiscard]] std::string event_keys(const std::vector<Dimension>& dimensions);
  /// In how many currencies revenue came, and the first of them: columns d0…, currencies, currency.
  [[nodiscard]] std::string currencies(const std::vector<Dimension>& dimensions, const std::vector<Filter>& filters);
  [[nodiscard]] const FilterScope& scope() const { return scope_; }

 private:
  /// Visitor_days; all of them when empty.
  using Spans = std::vector<DaySpan>;
  /// One select that the sums of others may be added to: rows of the visitor_days of `spans`.
  struct Part {
    const std::vector<Dimension>& dimensions;
    const std::vector<Filter>& filters;
    SumSet own;    ///< what it computes
    SumSet all;    ///< what it has columns for
    bool primary;  ///< decides which groups there are
    const Spans& spans;
  };
  [[nodiscard]] std::string key(const Dimension& dimension, Rows rows, EntryFor entry);
  /// Which events count.
  [[nodiscard]] std::string events_condition(const std::vector<Dimension>& dimensions,
                                             const std::vector<Filter>& filters);
  [[nodiscard]] std::string events_part(const Part& part);
  [[nodiscard]] std::string visits_part(const Part& part);
  [[nodiscard]] std::string rollup_part(const RolledUp& rolled_up, const Picks& picks,
                                        const std::vector<Dimension>& dimensions, SumSet sums);
  [[nodiscard]] std::optional<RolledUp> rolled_up_for(const std::vector<Dimension>& dimensions,
                                                      const std::vector<Filter>& filters, SumSet sums) const;
  void add_parts(const std::vector<Dimension>& dimensions, const std::vector<Filter>& filters, SumSet sums,
                 std::vector<std::string>& parts);
  void add_rows_parts(const std::vector<Dimension>& dimensions, const std::vector<Filter>& filters, SumSet sums,
                      const Spans& spans, std::vector<std::string>& parts);
  /// An event may reach several goals: a select for each is faster than rows multiplied.
  template <class Add>
  void for_each_goal(const std::vector<Dimension>& dimensions, const Add& add);
  [[nodiscard]] static std::string in_spans(std::string_view alias, const Spans& spans);
  [[nodiscard]] std::string straddling(const Spans& spans);

  const PlanInput& input_;
  Parameters& parameters_;
  FilterScope scope_;
  std::size_t goal_ = 0;  ///< which one event_keys speaks of
};

/// "d0, d1", or "" for none.
[[nodiscard]] std::string key_list(std::size_t count);

}  // namespace mainstay::analytics::query
