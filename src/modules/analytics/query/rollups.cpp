#include "modules/analytics/query/rollups.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "modules/analytics/query/core.h"
#include "modules/analytics/tables.h"

namespace mainstay::analytics {
namespace {

using columns::Statement;
using columns::Step;
using columns::Type;
using query::Dimension;
using query::Sum;
using query::SumSet;

constexpr std::chrono::minutes kLookEvery{10};

SumSet all_sums() {
  SumSet sums;
  for (const auto sum : query::kRolledUpSums) sums.add(sum);
  return sums;
}

/// `format` of each sum.
std::string sum_list(std::string_view format) {
  std::string text;
  for (const auto sum : query::kRolledUpSums) text += fmt::format(fmt::runtime(format), to_text(sum));
  return text;
}

/// The longest time that hits of one visitor_day may span and still be rolled up whole.
constexpr days kSpanBefore{5};
constexpr days kSpanAfter{366};

query::TimeRange span_of(std::int32_t visitor_day) {
  const Instant start{days{visitor_day}};
  return {.from = start - kSpanBefore, .to = start + kSpanAfter, .whole_days = false};
}

/// What the planner wants to know, for the rows of one visitor_day.
struct Source {
  Source(SiteId site, std::int32_t visitor_day, const TimeZone& zone, const std::vector<Goal>& goals)
      : range(span_of(visitor_day)),
        input{.request = request,
              .site = site,
              .range = range,
              .zone = zone,
              .goals = goals,
              .only_keys = std::nullopt,
              .coverage = coverage} {}
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  const query::Request request{};
  const query::Coverage coverage{};
  const query::TimeRange range;
  const query::PlanInput input;
};

/// Over the visitor_day, or for each of its local days.
enum class By { kVisitorDay, kLocalDay };

std::string local_day_sql(By by, std::size_t key) {
  return by == By::kLocalDay ? fmt::format("(d{} // 86400000000)::integer", key) : std::to_string(query::kWholeDay);
}

/// The sums by `dimensions` and `by` over rows of the visitor_day.
std::string sums_by(std::vector<Dimension> dimensions, By by, const query::PlanInput& input, std::int32_t visitor_day,
                    query::Parameters& parameters) {
  if (by == By::kLocalDay) dimensions.push_back(query::find_dimension("time:day").value());
  return query::Core(input, parameters).select_day(dimensions, all_sums(), visitor_day);
}

/// An insert of the sums by `name`.
Statement insert_statement(SiteId site, std::int32_t visitor_day, const TimeZone& zone, std::string_view name, By by) {
  const std::vector<Goal> no_goals;
  const Source source(site, visitor_day, zone, no_goals);
  query::Parameters parameters;
  const auto dimensions = query::dimensions_of(name);
  const bool hourly = name == "time:hour";
  const auto count = dimensions.size();
  const auto select = sums_by(dimensions, by, source.input, visitor_day, parameters);
  return {.text = fmt::format(
              "insert into rollups (site_id, visitor_day, local_day, dimension, value, value2, bucket{0}) "
              "select {1}, {2}, {3}, '{4}', {5}, {6}, {7}{0} from ({8})",
              sum_list(", {}"), static_cast<std::int64_t>(site), visitor_day, local_day_sql(by, count), name,
              count > 0 && !hourly ? "d0" : "''", count > 1 ? "d1" : "''", hourly ? "d0" : "0", select),
          .parameters = parameters.take()};
}

/// An insert of the sums of each goal; over the whole day also of those that nobody reached.
Statement insert_goals_statement(SiteId site, std::int32_t visitor_day, const TimeZone& zone,
                                 const std::vector<Goal>& goals, By by) {
  const Source source(site, visitor_day, zone, goals);
  query::Parameters parameters;
  const auto select = sums_by(query::dimensions_of(query::kGoalDimension), by, source.input, visitor_day, parameters);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < goals.size(); ++i) {
    keys.push_back(fmt::format("({}, {}::text)", i, parameters.add(query::goal_key(goals[i]))));
  }
  return {
      .text = fmt::format("insert into rollups (site_id, visitor_day, local_day, dimension, value, value2, bucket{}) "
                          "select {}, {}, {}, '{}', '', g.key, 0{} from (values {}) g(i, key) {} join ({}) s "
                          "on s.d0 = g.i",
                          sum_list(", {}"), static_cast<std::int64_t>(site), visitor_day, local_day_sql(by, 1),
                          query::kGoalDimension, sum_list(", coalesce(s.{}, 0)"), fmt::join(keys, ", "),
                          by == By::kVisitorDay ? "left" : "inner", select),
      .parameters = parameters.take()};
}

/// Pairs of an event's name and a property of a visitor_day that are rolled up: the most frequent ones.
constexpr std::size_t kPropertiesMax = 20;

/// An insert of the sums by each value of a property, events without it included, for the events of each name.
Statement insert_properties_statement(SiteId site, std::int32_t visitor_day, const TimeZone& zone, By by) {
  const std::vector<Goal> no_goals;
  const Source source(site, visitor_day, zone, no_goals);
  query::Parameters parameters;
  const auto events =
      fmt::format("{} and e.visitor_day = {} and {}",
                  query::events_in_range(
                      {.parameters = parameters, .site = site, .range = source.range, .goals = source.input.goals}),
                  visitor_day, kCounted);
  const auto bucket =
      by == By::kLocalDay ? query::bucket_sql(R"(e."at")", source.range, query::Interval::kDay, zone) : "0::bigint";
  return {.text = fmt::format(
              "insert into rollups (site_id, visitor_day, local_day, dimension, value, value2, bucket{2}) "
              "with pairs as (select name, k from (select e.name as name, unnest(map_keys(e.properties)) as k from "
              "events e "
              "where {0}) group by name, k order by count(*) desc, name, k limit {1}) "
              "select {3}, {4}, {5}, 'event:props:' || k, v, name, 0, count(distinct visitor_id), count(distinct "
              "visit_id), "
              "count(*) filter (where name = 'pageview'), count(*), 0, 0, 0 from (select p.k as k, e.name as name, "
              "coalesce(e.properties[p.k], '') as v, {6} as d0, e.visitor_id, e.visit_id from events e join pairs p on "
              "p.name = e.name where {0}) group by k, name, v, d0",
              events, kPropertiesMax, sum_list(", {}"), static_cast<std::int64_t>(site), visitor_day,
              local_day_sql(by, 0), bucket),
          .parameters = parameters.take()};
}

/// The goals that are rolled up by themselves, each once.
std::vector<Goal> rolled_up_goals(const std::vector<Goal>& goals) {
  std::vector<Goal> result;
  for (const auto& goal : goals) {
    const auto same = [&](const Goal& other) { return query::goal_key(other) == query::goal_key(goal); };
    if (goal.kind != GoalKind::kEvent && std::ranges::none_of(result, same)) result.push_back(goal);
  }
  return result;
}

}  // namespace

std::span<const columns::Table> rollup_tables() {
  static const std::vector<columns::Table> made = [] {
    std::vector<columns::Column> sums{{"site_id", Type::kInteger}, {"visitor_day", Type::kSmall},
                                      {"local_day", Type::kSmall}, {"dimension", Type::kText},
                                      {"value", Type::kText},      {"value2", Type::kText},
                                      {"bucket", Type::kInteger}};
    for (const auto sum : query::kRolledUpSums) sums.push_back({to_text(sum), Type::kInteger});
    return std::vector<columns::Table>{{.name = "rollups", .columns = sums, .time_column = ""},
                                       {.name = "rollup_days",
                                        .columns = {{"site_id", Type::kInteger},
                                                    {"visitor_day", Type::kSmall},
                                                    {"local_day", Type::kSmall},
                                                    {"zone", Type::kText},
                                                    {"build", Type::kInteger}},
                                        .time_column = ""}};
  }();
  return made;
}

std::vector<Step> invalidate_rollup(SiteId site, std::int32_t visitor_day) {
  std::vector<Step> steps;
  for (const auto* table : {"rollup_days", "rollups"}) {
    steps.emplace_back(Statement{.text = fmt::format("delete from {} where site_id = $1 and visitor_day = $2", table),
                                 .parameters = {static_cast<std::int64_t>(site), std::int64_t{visitor_day}}});
  }
  return steps;
}

std::vector<Step> build_goals(SiteId site, std::int32_t visitor_day, const TimeZone& zone,
                              const std::vector<Goal>& goals) {
  std::vector<Step> steps;
  const auto wanted = rolled_up_goals(goals);
  if (wanted.empty()) return steps;
  columns::TextList keys;
  for (const auto& goal : wanted) keys.push_back(query::goal_key(goal));
  steps.emplace_back(
      Statement{.text = fmt::format("delete from rollups where site_id = $1 and visitor_day = $2 and dimension = '{}' "
                                    "and list_contains($3::text[], value2)",
                                    query::kGoalDimension),
                .parameters = {static_cast<std::int64_t>(site), std::int64_t{visitor_day}, keys}});
  for (const auto by : {By::kVisitorDay, By::kLocalDay}) {
    steps.emplace_back(insert_goals_statement(site, visitor_day, zone, wanted, by));
  }
  return steps;
}

std::vector<Step> build_rollup(SiteId site, std::int32_t visitor_day, const TimeZone& zone,
                               const std::vector<Goal>& goals, std::int64_t build) {
  auto steps = invalidate_rollup(site, visitor_day);
  for (const auto name : query::rolled_up_names()) {
    if (name != "time:hour") steps.emplace_back(insert_statement(site, visitor_day, zone, name, By::kVisitorDay));
    steps.emplace_back(insert_statement(site, visitor_day, zone, name, By::kLocalDay));
  }
  for (const auto by : {By::kVisitorDay, By::kLocalDay}) {
    steps.emplace_back(insert_properties_statement(site, visitor_day, zone, by));
  }
  steps.emplace_back(Statement{
      .text = fmt::format("insert into rollup_days (site_id, visitor_day, local_day, zone, build) "
                          "select $1, $2, {}, $3, $4 union all select $1, $2, r.local_day, $3, $4 from rollups r "
                          "where r.site_id = $1 and r.visitor_day = $2 and r.dimension = '' and r.local_day <> {}",
                          query::kWholeDay, query::kWholeDay),
      .parameters = {static_cast<std::int64_t>(site), std::int64_t{visitor_day}, std::string{zone.name()}, build}});
  std::ranges::move(build_goals(site, visitor_day, zone, goals), std::back_inserter(steps));
  return steps;
}

void RollupKeeper::restore() {
  const auto found =
      rows("select coalesce(max(visitor_day), 0) from rollup_days where visitor_day < $1", kNewestRollup);
  newest_ = static_cast<std::int32_t>(std::get<std::int64_t>(found.at(0)[0]));
}

bool RollupKeeper::build_one(Instant now) {
  if (due_.empty() && due_goals_.empty()) {
    if (looked_at_ <= now && now - looked_at_ < kLookEvery) return false;
    look_for_due(now);
    looked_at_ = now;
    if (due_.empty() && due_goals_.empty()) return false;
  }
  const bool whole = !due_.empty();
  const auto day = whole ? *due_.begin() : due_goals_.begin()->first;
  due_.erase(day);
  const auto missing = due_goals_.extract(day);
  const auto known = sites_.snapshot()->find(day.first);
  if (known == nullptr || !is_closed(day, now)) return true;
  const auto zone = TimeZone::find(known->timezone).value_or(TimeZone::utc());
  if (whole) {
    last_build_ = std::max(last_build_ + 1, to_micros(now));
    newest_ = std::max(newest_.load(), day.second);
    columns_.commit(build_rollup(day.first, day.second, zone, sites_.snapshot()->goals_of(day.first), last_build_));
  } else {
    columns_.commit(build_goals(day.first, day.second, zone, missing.mapped()));
  }
  return true;
}

bool RollupKeeper::is_closed(Day day, Instant now) const {
  if (day.second >= utc_day(now - kRollupDelay)) return false;
  const auto open =
      stored_rows(columns_, {.text = "select count(*) from open_visits where site_id = $1 and visitor_day = $2",
                             .parameters = {static_cast<std::int64_t>(day.first), std::int64_t{day.second}}});
  return std::get<std::int64_t>(open.at(0)[0]) == 0;
}

std::vector<std::vector<columns::Value>> RollupKeeper::rows(const std::string& text, std::int32_t before) const {
  return stored_rows(columns_, {.text = text, .parameters = {std::int64_t{before}}});
}

void RollupKeeper::look_for_due(Instant now) {
  const auto before = utc_day(now - kRollupDelay);
  const auto day_of = [](const std::vector<columns::Value>& row) {
    return Day{SiteId{std::get<std::int64_t>(row[0])}, static_cast<std::int32_t>(std::get<std::int64_t>(row[1]))};
  };
  for (const auto& row :
       rows("select site_id, visitor_day from visits where visitor_day < $1 group by site_id, visitor_day", before)) {
    due_.insert(day_of(row));
  }
  std::map<Day, std::set<std::string>> there;
  for (const auto& row : rows(fmt::format("select site_id, visitor_day, value2 from rollups where visitor_day < $1 and "
                                          "dimension = '{}' and local_day = {}",
                                          query::kGoalDimension, query::kWholeDay),
                              before)) {
    there[day_of(row)].insert(std::get<std::string>(row[2]));
  }
  const auto snapshot = sites_.snapshot();
  for (const auto& row : rows(fmt::format("select site_id, visitor_day, zone from rollup_days where visitor_day < $1 "
                                          "and local_day = {}",
                                          query::kWholeDay),
                              before)) {
    const auto day = day_of(row);
    const auto known = snapshot->find(day.first);
    const auto zone = known == nullptr ? TimeZone::utc() : TimeZone::find(known->timezone).value_or(TimeZone::utc());
    if (std::get<std::string>(row[2]) != zone.name()) continue;
    due_.erase(day);
    for (const auto& goal : rolled_up_goals(snapshot->goals_of(day.first))) {
      if (!there[day].contains(query::goal_key(goal))) due_goals_[day].push_back(goal);
    }
  }
}

}  // namespace mainstay::analytics
