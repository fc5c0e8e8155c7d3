#include "modules/analytics/query/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "modules/analytics/query/core.h"

namespace mainstay::analytics::query {
namespace {

constexpr auto kVitals = std::to_array<std::pair<Metric, std::string_view>>({{Metric::kLcp, "lcp"},
                                                                             {Metric::kInp, "inp"},
                                                                             {Metric::kCls, "cls"},
                                                                             {Metric::kFcp, "fcp"},
                                                                             {Metric::kTtfb, "ttfb"}});

class Planner {
 public:
  explicit Planner(const PlanInput& input) : input_(input), request_(input.request), core_(input, parameters_) {}

  columns::Statement make() {
    add_core();
    add_totals();
    add_engagement();
    add_vitals();
    std::string columns = prefixed_keys();
    for (const auto metric : request_.metrics) columns += (columns.empty() ? "" : ", ") + metric_sql(metric);
    if (request_.total_rows) columns += ", count(*) over ()";
    if (money_) columns += fmt::format(", {0}.currencies, {0}.currency, money.currencies, money.currency", row_money());
    if (!input_.coverage.days.empty()) columns += ", " + builds_sql(input_.site, input_.range);
    auto text =
        fmt::format("with {} select {} from {}{} order by {} limit {} offset {}", fmt::join(ctes_, ", "), columns,
                    sources_, wanted_keys(), order(), request_.limit.value_or(kLimitMax), request_.offset);
    return {.text = std::move(text), .parameters = parameters_.take()};
  }

 private:
  void add_group(const std::string& name, const std::string& select, const std::string& on) {
    ctes_.push_back(fmt::format("{} as ({})", name, select));
    if (sources_.empty()) {
      sources_ = name;
      primary_ = name;
    } else if (on.empty()) {
      sources_ += fmt::format(" cross join {}", name);
    } else {
      sources_ += fmt::format(" left join {} on {}", name, on);
    }
  }

  /// Joins `name` to the first group on all keys.
  void add_by_keys(const std::string& name, const std::string& select) {
    std::string on;
    for (std::size_t i = 0; i < request_.dimensions.size(); ++i) {
      on += fmt::format("{}{}.d{} = {}.d{}", i == 0 ? "" : " and ", primary_, i, name, i);
    }
    add_group(name, select, on);
  }

  void add_core() {
    SumSet sums;
    bool any = false;
    for (const auto metric : request_.metrics) {
      for (const auto sum : needs(metric)) {
        sums.add(sum);
        any = true;
      }
    }
    if (any) add_by_keys("core", core_.select(request_.dimensions, request_.filters, sums));
    if (sums.has(Sum::kRevenue)) add_money();
  }

  /// The currencies of all rows together, and of each row: what came in several is not added up.
  void add_money() {
    money_ = true;
    add_group("money", core_.currencies({}, request_.filters), "");
    if (request_.dimensions.empty()) return;
    add_by_keys("row_money", core_.currencies(request_.dimensions, request_.filters));
  }
  std::string_view row_money() const { return request_.dimensions.empty() ? "money" : "row_money"; }

  static std::vector<Sum> needs(Metric metric) {
    switch (metric) {
      case Metric::kVisitors:
      case Metric::kPercentage:
      case Metric::kConversionRate:
      case Metric::kGroupConversionRate: return {Sum::kVisitors};
      case Metric::kVisits:
      case Metric::kExitRate: return {Sum::kVisits};
      case Metric::kPageviews: return {Sum::kPageviews};
      case Metric::kViewsPerVisit: return {Sum::kPageviews, Sum::kVisits};
      case Metric::kBounceRate: return {Sum::kStarted, Sum::kBounces};
      case Metric::kVisitDuration: return {Sum::kStarted, Sum::kDuration};
      case Metric::kEvents: return {Sum::kEvents};
      case Metric::kTotalRevenue:
      case Metric::kAverageRevenue: return {Sum::kRevenue, Sum::kRevenueCount};
      case Metric::kScrollDepth:
      case Metric::kTimeOnPage:
      case Metric::kLcp:
      case Metric::kInp:
      case Metric::kCls:
      case Metric::kFcp:
      case Metric::kTtfb: return {};
    }
    return {};
  }

  /// The filters without those that say what a conversion is.
  std::vector<Filter> without_goals() const {
    std::vector<Filter> rest;
    for (const auto& filter : request_.filters) {
      const bool of_goal = any_leaf(std::vector{filter}, HasDone::kSkip, [](const Filter& leaf) {
        return leaf.dimension.is_goal() || leaf.dimension.info->special == Special::kProperty;
      });
      if (!of_goal) rest.push_back(filter);
    }
    return rest;
  }

  void add_totals() {
    SumSet visitors;
    visitors.add(Sum::kVisitors);
    if (request_.asks(Metric::kPercentage)) add_group("total", core_.select({}, request_.filters, visitors), "");
    if (request_.asks(Metric::kConversionRate)) add_group("everyone", core_.select({}, without_goals(), visitors), "");
    if (request_.asks(Metric::kGroupConversionRate)) {
      std::vector<Dimension> dimensions;
      std::string on;
      for (std::size_t i = 0; i < request_.dimensions.size(); ++i) {
        const auto& dimension = request_.dimensions[i];
        if (dimension.is_goal() || dimension.info->special == Special::kProperty) continue;
        on += fmt::format("{}core.d{} = everyone_by.d{}", on.empty() ? "" : " and ", i, dimensions.size());
        dimensions.push_back(dimension);
      }
      add_group("everyone_by", core_.select(dimensions, without_goals(), visitors), on);
    }
    if (request_.asks(Metric::kExitRate)) {
      add_by_keys("views", fmt::format("select e.path as d0, count(*) as pageviews from events e where {} and "
                                       "e.name = 'pageview'{} group by d0",
                                       events_in_range(core_.scope()), page_filters()));
    }
  }

  /// The filters on engagement and vitals, which have no name of their own: a filter on names, goals or properties
  /// means the visit that has such an event.
  std::string page_filters() {
    std::vector<Filter> direct;
    std::vector<Filter> by_visit;
    for (const auto& filter : request_.filters) {
      const bool named = any_leaf(std::vector{filter}, HasDone::kSkip,
                                  [](const Filter& leaf) { return leaf.dimension.of_single_events(); });
      (named ? by_visit : direct).push_back(filter);
    }
    auto text = events_filters(direct, core_.scope());
    if (!by_visit.empty()) {
      text += fmt::format(" and e.visit_id in (select e.visit_id from events e where {} and ({}){})",
                          events_in_range(core_.scope()), countable(by_visit, core_.scope()),
                          events_filters(by_visit, core_.scope()));
    }
    return text;
  }

  std::string grouped() const {
    const auto keys = key_list(request_.dimensions.size());
    if (keys.empty()) return "";
    return fmt::format(" group by {}", keys);
  }

  void add_engagement() {
    if (!request_.asks(Metric::kScrollDepth) && !request_.asks(Metric::kTimeOnPage)) return;
    const auto keys = key_list(request_.dimensions.size());
    const auto comma = keys.empty() ? "" : ", ";
    const auto per_page = fmt::format(
        "select {}e.visit_id as visit_id, e.path as page, max(e.scroll_depth) as depth, sum(e.engagement_ms) as ms "
        "from {} where {} and e.name <> 'vitals'{} group by {}{}e.visit_id, e.path",
        core_.event_keys(request_.dimensions), core_.events_source(request_.dimensions), events_in_range(core_.scope()),
        page_filters(), keys, comma);
    add_by_keys("engagement",
                fmt::format("select {}{}avg(depth) as scroll_depth, (sum(ms) filter (where ms > 0))::double / "
                            "nullif(count(*) filter (where ms > 0), 0) / 1000 as time_on_page from ({}){}",
                            keys, comma, per_page, grouped()));
  }

  void add_vitals() {
    std::string columns;
    for (const auto& [metric, column] : kVitals) {
      if (!request_.asks(metric)) continue;
      columns += fmt::format("{}quantile_cont(e.{}, 0.75) as {}", columns.empty() ? "" : ", ", column, column);
    }
    if (columns.empty()) return;
    add_by_keys("vitals",
                fmt::format("select {}{} from {} where {} and e.name = 'vitals'{}{}",
                            core_.event_keys(request_.dimensions), columns, core_.events_source(request_.dimensions),
                            events_in_range(core_.scope()), page_filters(), grouped()));
  }

  std::string count_of(std::string_view column) const { return fmt::format("coalesce(core.{}, 0)", column); }

  static std::string rate(std::string_view part, std::string_view whole) {
    return fmt::format("100.0::double * {} / nullif({}, 0)", part, whole);
  }

  std::string metric_sql(Metric metric) const {
    switch (metric) {
      case Metric::kVisitors: return count_of("visitors");
      case Metric::kVisits: return count_of("visits");
      case Metric::kPageviews: return count_of("pageviews");
      case Metric::kEvents: return count_of("events");
      case Metric::kViewsPerVisit: return "core.pageviews::double / nullif(core.visits, 0)";
      case Metric::kBounceRate: return rate("core.bounces", "core.started");
      case Metric::kVisitDuration: return "core.duration_ms::double / nullif(core.started, 0) / 1000";
      case Metric::kPercentage: return rate("core.visitors", "total.visitors");
      case Metric::kConversionRate: return rate("core.visitors", "everyone.visitors");
      case Metric::kGroupConversionRate: return rate("core.visitors", "everyone_by.visitors");
      case Metric::kTotalRevenue:
        return fmt::format("case when {}.currencies <= 1 and core.revenue_count > 0 then core.revenue end",
                           row_money());
      case Metric::kAverageRevenue:
        return fmt::format("case when {}.currencies <= 1 then core.revenue / nullif(core.revenue_count, 0) end",
                           row_money());
      case Metric::kExitRate: return rate("core.visits", "views.pageviews");
      case Metric::kScrollDepth: return "engagement.scroll_depth";
      case Metric::kTimeOnPage: return "engagement.time_on_page";
      case Metric::kLcp:
      case Metric::kInp:
      case Metric::kCls:
      case Metric::kFcp:
      case Metric::kTtfb: break;
    }
    for (const auto& [vital, column] : kVitals) {
      if (vital == metric) return fmt::format("vitals.{}", column);
    }
    return "null";
  }

  std::string prefixed_keys() const {
    std::string text;
    for (std::size_t i = 0; i < request_.dimensions.size(); ++i) {
      text += fmt::format("{}{}.d{}", i == 0 ? "" : ", ", primary_, i);
    }
    return text;
  }

  std::string wanted_keys() {
    if (!input_.only_keys || request_.dimensions.empty()) return "";
    std::vector<std::string> places;
    for (const auto& key : *input_.only_keys) places.push_back(parameters_.add(key));
    if (places.empty()) return " where false";
    return fmt::format(" where {}.d0 in ({})", primary_, fmt::join(places, ", "));
  }

  /// Columns by place; all dimensions at the end, so that pages of an answer never overlap.
  std::string order() const {
    std::vector<std::string> terms;
    const auto dimensions = request_.dimensions.size();
    const auto add = [&](std::size_t column, bool descending) {
      terms.push_back(fmt::format("{} {} nulls last", column + 1, descending ? "desc" : "asc"));
    };
    for (const auto& order : request_.order_by) {
      add(order.by_metric ? dimensions + order.index : order.index, order.descending);
    }
    for (std::size_t i = 0; i < dimensions; ++i) add(i, false);
    return fmt::format("{}", fmt::join(terms, ", "));
  }

  const PlanInput& input_;
  const Request& request_;
  Parameters parameters_;
  Core core_;
  std::vector<std::string> ctes_;
  std::string sources_;
  std::string primary_;
  bool money_ = false;
};

}  // namespace

columns::Statement plan(const PlanInput& input) { return Planner{input}.make(); }

}  // namespace mainstay::analytics::query
