#include "modules/analytics/query/core.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "modules/analytics/tables.h"

namespace mainstay::analytics::query {
namespace {

constexpr auto kSumNames = std::to_array<std::string_view>(
    {"visitors", "visits", "pageviews", "events", "started", "bounces", "duration_ms", "revenue", "revenue_count"});
static_assert(kSumNames.size() == kSums);

bool decided_by_visits(const std::vector<Dimension>& dimensions, const std::vector<Filter>& filters) {
  return std::ranges::all_of(dimensions, &Dimension::of_visit) &&
         std::ranges::all_of(filters, [](const Filter& filter) { return of_visits(filter, EntryFor::kNothing); });
}

SumSet only(SumSet all, std::initializer_list<Sum> wanted) {
  SumSet result;
  for (const auto sum : wanted) {
    if (all.has(sum)) result.add(sum);
  }
  return result;
}

bool is_empty(SumSet sums) {
  for (std::size_t i = 0; i < kSums; ++i) {
    if (sums.has(static_cast<Sum>(i))) return false;
  }
  return true;
}

std::string event_sum(Sum sum) {
  switch (sum) {
    case Sum::kVisitors: return "count(distinct e.visitor_id)";
    case Sum::kVisits: return "count(distinct e.visit_id)";
    case Sum::kPageviews: return "count(*) filter (where e.name = 'pageview')";
    case Sum::kEvents: return fmt::format("count(*) filter (where {})", kCounted);
    case Sum::kRevenue: return "coalesce(sum(e.revenue), 0)";
    case Sum::kRevenueCount: return "count(e.revenue)";
    case Sum::kStarted:
    case Sum::kBounces:
    case Sum::kDuration: break;
  }
  return "0";
}

std::string visit_sum(Sum sum, const std::string& from) {
  switch (sum) {
    case Sum::kVisitors: return "count(distinct v.visitor_id)";
    case Sum::kVisits: return "count(*)";
    case Sum::kStarted: return fmt::format("count(*) filter (where v.started_at >= {})", from);
    case Sum::kBounces: return fmt::format("count(*) filter (where v.is_bounce and v.started_at >= {})", from);
    case Sum::kDuration:
      return fmt::format("coalesce(sum(v.duration_ms) filter (where v.started_at >= {}), 0)::bigint", from);
    case Sum::kPageviews:
    case Sum::kEvents:
    case Sum::kRevenue:
    case Sum::kRevenueCount: break;
  }
  return "0";
}

/// The sums of `all` as columns: those of `own` computed by `compute`, the others 0.
template <class Compute>
std::string sum_columns(SumSet own, SumSet all, bool primary, const Compute& compute) {
  std::string text = primary ? "count(*) as present" : "0 as present";
  for (std::size_t i = 0; i < kSums; ++i) {
    const auto sum = static_cast<Sum>(i);
    if (all.has(sum)) text += fmt::format(", {} as {}", own.has(sum) ? compute(sum) : "0", to_text(sum));
  }
  return text;
}

std::string group_by(std::size_t keys) { return keys == 0 ? "" : " group by " + key_list(keys); }

}  // namespace

std::string_view to_text(Sum sum) { return kSumNames[static_cast<std::size_t>(sum)]; }

std::string key_list(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += fmt::format("{}d{}", i == 0 ? "" : ", ", i);
  return text;
}

void Core::add_rows_parts(const std::vector<Dimension>& dimensions, const std::vector<Filter>& filters, SumSet sums,
                          const Spans& spans, std::vector<std::string>& parts) {
  const auto sessions = only(sums, {Sum::kStarted, Sum::kBounces, Sum::kDuration});
  const auto counts = only(sums, {Sum::kPageviews, Sum::kEvents, Sum::kRevenue, Sum::kRevenueCount});
  Part part{.dimensions = dimensions, .filters = filters, .own = {}, .all = sums, .primary = true, .spans = spans};
  const auto add = [&](SumSet own, bool of_visits) {
    if (is_empty(own)) return;
    part.own = own;
    parts.push_back(of_visits ? visits_part(part) : events_part(part));
    part.primary = false;
  };
  if (decided_by_visits(dimensions, filters)) {
    add(only(sums, {Sum::kVisitors, Sum::kVisits, Sum::kStarted, Sum::kBounces, Sum::kDuration}), true);
    add(counts, false);
  } else {
    add(only(sums, {Sum::kVisitors, Sum::kVisits, Sum::kPageviews, Sum::kEvents, Sum::kRevenue, Sum::kRevenueCount}),
        false);
    // What only single events have says nothing about visits.
    if (std::ranges::none_of(dimensions, &Dimension::of_single_events)) add(sessions, true);
  }
}

namespace {

/// The sums of all parts together.
std::string added_up(const std::vector<std::string>& parts, std::size_t dimensions, SumSet sums) {
  if (parts.size() == 1) return parts[0];
  const auto keys = key_list(dimensions);
  std::string columns;
  for (std::size_t i = 0; i < kSums; ++i) {
    const auto sum = static_cast<Sum>(i);
    if (!sums.has(sum)) continue;
    columns += fmt::format("{}coalesce(sum({}), 0){} as {}", columns.empty() ? "" : ", ", to_text(sum),
                           sum == Sum::kRevenue ? "" : "::bigint", to_text(sum));
  }
  return fmt::format("select {}{}{} from ({}){}{}", keys, keys.empty() ? "" : ", ", columns,
                     fmt::join(parts, " union all "), group_by(dimensions),
                     keys.empty() ? "" : " having sum(present) > 0");
}

}  // namespace

template <class Add>
void Core::for_each_goal(const std::vector<Dimension>& dimensions, const Add& add) {
  const bool by_goal = std::ranges::any_of(dimensions, &Dimension::is_goal);
  goal_ = 0;
  do {
    add();
  } while (by_goal && ++goal_ < input_.goals.size());
  goal_ = 0;
}

std::string Core::select(const std::vector<Dimension>& dimensions, const std::vector<Filter>& filters, SumSet sums) {
  std::vector<std::string> parts;
  for_each_goal(dimensions, [&] { add_parts(dimensions, filters, sums, parts); });
  return added_up(parts, dimensions.size(), sums);
}

std::string Core::select_day(const std::vector<Dimension>& dimensions, SumSet sums, std::int32_t visitor_day) {
  std::vector<std::string> parts;
  const Spans spans{{.first = visitor_day, .last = visitor_day}};
  for_each_goal(dimensions, [&] { add_rows_parts(dimensions, {}, sums, spans, parts); });
  return added_up(parts, dimensions.size(), sums);
}

void Core::add_parts(const std::vector<Dimension>& dimensions, const std::vector<Filter>& filters, SumSet sums,
                     std::vector<std::string>& parts) {
  Spans spans;
  if (const auto where = rolled_up_for(dimensions, filters, sums)) {
    if (auto picks = pick(input_.coverage, input_.range, input_.zone, *where)) {
      parts.push_back(rollup_part(*where, *picks, dimensions, sums));
      spans = std::move(picks->raw);
    }
  }
  add_rows_parts(dimensions, filters, sums, spans, parts);
}

std::optional<RolledUp> Core::rolled_up_for(const std::vector<Dimension>& dimensions,
                                            const std::vector<Filter>& filters, SumSet sums) const {
  if (sums.has(Sum::kRevenue)) return std::nullopt;
  if (dimensions.size() == 1 && dimensions[0].is_goal()) {
    if (!filters.empty() || input_.goals.empty()) return std::nullopt;
    return rolled_up(input_.goals[goal_]);
  }
  auto found = rolled_up(dimensions, filters);
  // Visits of a page began there; visits that a filter on pages lets through may have begun elsewhere.
  if (found && !filters.empty() && !filters[0].dimension.of_visit() &&
      sums.has_any({Sum::kStarted, Sum::kBounces, Sum::kDuration})) {
    return std::nullopt;
  }
  return found;
}

namespace {

/// Which rows of rollups `r` the picks are.
std::string picked(const std::vector<Pick>& picks) {
  std::vector<std::string> any;
  for (std::size_t i = 0; i < picks.size();) {
    auto end = i + 1;
    while (end < picks.size() && picks[end].local_day == picks[i].local_day &&
           picks[end].visitor_day == picks[end - 1].visitor_day + 1) {
      ++end;
    }
    any.push_back(fmt::format("(r.local_day = {} and r.visitor_day >= {} and r.visitor_day <= {})", picks[i].local_day,
                              picks[i].visitor_day, picks[end - 1].visitor_day));
    i = end;
  }
  return fmt::format("({})", fmt::join(any, " or "));
}

/// The picks as a table `p`, where each counts in a bucket of its own.
std::string joined_picks(const std::vector<Pick>& picks) {
  std::vector<std::string> values;
  for (const auto& pick : picks) {
    values.push_back(fmt::format("({}, {}, {}::bigint)", pick.visitor_day, pick.local_day, pick.bucket));
  }
  return fmt::format(
      " join (values {}) p(visitor_day, local_day, bucket) on r.visitor_day = p.visitor_day and "
      "r.local_day = p.local_day",
      fmt::join(values, ", "));
}

}  // namespace

std::string Core::rollup_part(const RolledUp& rolled_up, const Picks& picks, const std::vector<Dimension>& dimensions,
                              SumSet sums) {
  const bool by_day = rolled_up.interval && rolled_up.interval != Interval::kHour;
  std::string columns;
  if (rolled_up.interval) {
    columns = by_day ? "p.bucket as d0, " : "r.bucket as d0, ";
  } else if (!dimensions.empty()) {
    columns = dimensions[0].is_goal() ? fmt::format("{} as d0, ", goal_) : "r.value as d0, ";
  }
  if (dimensions.size() > 1) columns += "r.value2 as d1, ";
  columns += "r.visitors as present";
  for (std::size_t i = 0; i < kSums; ++i) {
    const auto sum = static_cast<Sum>(i);
    if (sums.has(sum)) columns += fmt::format(", r.{0} as {0}", to_text(sum));
  }
  auto condition = fmt::format("r.site_id = {} and r.dimension = {} and r.visitor_day >= {} and r.visitor_day <= {}",
                               parameters_.add(static_cast<std::int64_t>(input_.site)), parameters_.add(rolled_up.name),
                               picks.picks.front().visitor_day, picks.picks.back().visitor_day);
  if (rolled_up.only) condition += fmt::format(" and r.value = {}", parameters_.add(*rolled_up.only));
  if (rolled_up.piece) condition += fmt::format(" and r.value2 = {}", parameters_.add(*rolled_up.piece));
  if (!by_day) condition += " and " + picked(picks.picks);
  return fmt::format("select {} from rollups r{} where {}", columns, by_day ? joined_picks(picks.picks) : "",
                     condition);
}

std::string Core::in_spans(std::string_view alias, const Spans& spans) {
  if (spans.empty()) return "";
  std::vector<std::string> any;
  for (const auto& span : spans) {
    const auto first = span.first ? fmt::format("{}.visitor_day >= {}", alias, *span.first) : "";
    const auto last = span.last ? fmt::format("{}.visitor_day <= {}", alias, *span.last) : "";
    any.push_back(fmt::format("({}{}{})", first, span.first && span.last ? " and " : "", last));
  }
  return fmt::format(" and ({})", fmt::join(any, " or "));
}

std::string Core::key(const Dimension& dimension, Rows rows, EntryFor entry) {
  if (dimension.is_goal()) return std::to_string(goal_);
  if (dimension.is_time()) {
    return bucket_sql(rows == Rows::kEvents ? R"(e."at")" : "v.started_at", input_.range, dimension.interval,
                      input_.zone);
  }
  const bool joined =
      rows == Rows::kEvents && dimension.info->on_events.empty() && dimension.info->special == Special::kNone;
  return value_sql(dimension, joined ? Rows::kVisits : rows, entry, parameters_);
}

std::string Core::event_keys(const std::vector<Dimension>& dimensions) {
  std::string text;
  for (std::size_t i = 0; i < dimensions.size(); ++i) {
    text += fmt::format("{} as d{}, ", key(dimensions[i], Rows::kEvents, EntryFor::kNothing), i);
  }
  return text;
}

std::string Core::events_source(const std::vector<Dimension>& dimensions) {
  const bool joined = std::ranges::any_of(dimensions, [](const Dimension& dimension) {
    return dimension.info->on_events.empty() && dimension.info->special == Special::kNone;
  });
  if (!joined) return "events e";
  const auto site = parameters_.add(static_cast<std::int64_t>(input_.site));
  return fmt::format(
      "events e join (select v.* from {} v where v.site_id = {} and v.ended_at >= {} and v.started_at < {}) v "
      "on v.visit_id = e.visit_id",
      kAllVisits, site, parameters_.add(input_.range.from), parameters_.add(input_.range.to));
}

std::string Core::events_part(const Part& part) {
  const auto& dimensions = part.dimensions;
  const auto& filters = part.filters;
  const auto columns = sum_columns(part.own, part.all, part.primary, [](Sum sum) { return event_sum(sum); });
  return fmt::format("select {}{} from {} where {}{} and ({}){}{}", event_keys(dimensions), columns,
                     events_source(dimensions), events_in_range(scope_), in_spans("e", part.spans),
                     events_condition(dimensions, filters), events_filters(filters, scope_),
                     group_by(dimensions.size()));
}

std::string Core::events_condition(const std::vector<Dimension>& dimensions, const std::vector<Filter>& filters) {
  if (std::ranges::none_of(dimensions, &Dimension::is_goal)) return countable(filters, scope_);
  return input_.goals.empty() ? "false" : goal_sql(input_.goals[goal_], parameters_);
}

std::string Core::currencies(const std::vector<Dimension>& dimensions, const std::vector<Filter>& filters) {
  std::vector<std::string> parts;
  for_each_goal(dimensions, [&] {
    parts.push_back(fmt::format(
        "select {}count(distinct e.currency) as currencies, coalesce(min(e.currency), '') as currency "
        "from {} where {} and e.revenue is not null and ({}){}{}",
        event_keys(dimensions), events_source(dimensions), events_in_range(scope_),
        events_condition(dimensions, filters), events_filters(filters, scope_), group_by(dimensions.size())));
  });
  return fmt::format("{}", fmt::join(parts, " union all "));
}

std::string Core::straddling(const Spans& spans) {
  const auto from = parameters_.add(input_.range.from);
  std::optional<Instant> last;
  for (const auto& [day, until] : input_.coverage.straddles) {
    const bool counts =
        spans.empty() || std::ranges::any_of(spans, [&](const DaySpan& span) { return span.contains(day); });
    if (counts && (!last || until > *last)) last = until;
  }
  if (!last) return fmt::format("v.started_at >= {}", from);
  const auto until = std::min(*last + microseconds{1}, input_.range.to);
  return fmt::format(
      R"((v.started_at >= {0} or v.visit_id in (select e.visit_id from events e where e.site_id = {1} and e."at" >= {0} )"
      R"(and e."at" < {2} and {3})))",
      from, parameters_.add(static_cast<std::int64_t>(input_.site)), parameters_.add(until), kCounted);
}

std::string Core::visits_part(const Part& part) {
  const auto& dimensions = part.dimensions;
  const bool by_page = std::ranges::any_of(dimensions, [](const Dimension& dimension) {
    return !dimension.of_visit() && !dimension.info->as_entry.empty();
  });
  const auto entry = by_page ? EntryFor::kPage : EntryFor::kNothing;
  std::string keys;
  for (std::size_t i = 0; i < dimensions.size(); ++i) {
    keys += fmt::format("{} as d{}, ", key(dimensions[i], Rows::kVisits, entry), i);
  }
  const auto from = parameters_.add(input_.range.from);
  const auto columns = sum_columns(part.own, part.all, part.primary, [&](Sum sum) { return visit_sum(sum, from); });
  const bool presence = part.own.has_any({Sum::kVisitors, Sum::kVisits});
  return fmt::format(
      "select {}{} from {} v where v.site_id = {} and v.ended_at >= {} and v.started_at < {}{} and {}{}{}", keys,
      columns, kAllVisits, parameters_.add(static_cast<std::int64_t>(input_.site)), from,
      parameters_.add(input_.range.to), in_spans("v", part.spans),
      presence ? straddling(part.spans) : fmt::format("v.started_at >= {}", from),
      visits_filters(part.filters, entry, scope_), group_by(dimensions.size()));
}

}  // namespace mainstay::analytics::query
