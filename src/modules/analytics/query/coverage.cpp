#include "modules/analytics/query/coverage.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "modules/analytics/hit.h"
#include "modules/analytics/tables.h"

namespace mainstay::analytics::query {
namespace {

constexpr auto kRolledUp = std::to_array<std::string_view>({"",
                                                            "time:hour",
                                                            "event:page",
                                                            "event:hostname",
                                                            "event:name",
                                                            "visit:entry_page",
                                                            "visit:exit_page",
                                                            "visit:source",
                                                            "visit:referrer",
                                                            "visit:channel",
                                                            "visit:utm_medium",
                                                            "visit:utm_source",
                                                            "visit:utm_campaign",
                                                            "visit:utm_content",
                                                            "visit:utm_term",
                                                            "visit:device",
                                                            "visit:screen",
                                                            "visit:language",
                                                            "visit:browser",
                                                            "visit:os",
                                                            "visit:country",
                                                            "visit:region visit:country",
                                                            "visit:city visit:country"});

}  // namespace

std::span<const std::string_view> rolled_up_names() { return kRolledUp; }

std::vector<Dimension> dimensions_of(std::string_view name) {
  std::vector<Dimension> dimensions;
  for (const auto part : split(name, ' ')) {
    if (!part.empty()) dimensions.push_back(find_dimension(part).value());
  }
  return dimensions;
}

std::string goal_key(const Goal& goal) {
  switch (goal.kind) {
    case GoalKind::kEvent: return "event " + goal.event_name;
    case GoalKind::kPage: return "page " + goal.page_pattern;
    case GoalKind::kScroll: return fmt::format("scroll {} {}", goal.scroll_depth, goal.page_pattern);
  }
  return {};
}

std::string dimension_in_pieces(const Request& request) {
  if (request.dimensions.size() != 1) return {};
  const auto& dimension = request.dimensions[0];
  return dimension.is_goal() || dimension.info->special == Special::kProperty ? dimension.name() : std::string{};
}

namespace {

/// Visitor_days that hits of a range may have: late hits bear the salt of a later day, long visits that of an earlier.
constexpr std::int32_t kDaysAround = 4;
/// More holes than this, and rows are read throughout.
constexpr std::size_t kRawSpansMax = 12;

constexpr std::int64_t kDayMicros = 86'400'000'000;

/// How a local day lies to a range.
enum class Place { kInside, kOutside, kAcross };

class Picker {
 public:
  Picker(const TimeRange& range, const TimeZone& zone, std::optional<Interval> interval)
      : range_(range), zone_(zone), interval_(interval) {}

  /// The picks of one visitor_day; nothing when its rows must be read.
  std::optional<std::vector<Pick>> pick(std::int32_t visitor_day, const std::vector<std::int32_t>& local_days) const {
    std::map<std::int64_t, std::vector<std::int32_t>> inside;  // by bucket
    for (const auto local_day : local_days) {
      switch (place_of(local_day)) {
        case Place::kAcross: return std::nullopt;
        case Place::kOutside: break;
        case Place::kInside: inside[bucket_of(local_day)].push_back(local_day); break;
      }
    }
    std::vector<Pick> picks;
    for (const auto& [bucket, its_days] : inside) {
      if (its_days.size() == local_days.size() && interval_ != Interval::kHour) {
        picks.push_back({visitor_day, kWholeDay, bucket});
      } else if (its_days.size() == 1 || interval_ == Interval::kHour) {
        for (const auto local_day : its_days) picks.push_back({visitor_day, local_day, bucket});
      } else {
        return std::nullopt;
      }
    }
    return picks;
  }

 private:
  [[nodiscard]] Instant start_of(std::int32_t local_day) const {
    return zone_.to_utc(std::chrono::local_time<microseconds>{days{local_day}});
  }

  [[nodiscard]] Place place_of(std::int32_t local_day) const {
    const auto from = start_of(local_day);
    const auto to = start_of(local_day + 1);
    if (to <= range_.from || from >= range_.to) return Place::kOutside;
    return from >= range_.from && to <= range_.to ? Place::kInside : Place::kAcross;
  }

  [[nodiscard]] std::int64_t bucket_of(std::int32_t local_day) const {
    if (!interval_ || *interval_ == Interval::kHour) return 0;
    if (*interval_ == Interval::kDay) return local_day * kDayMicros;
    if (*interval_ == Interval::kWeek) return ((local_day + 3) / 7 * 7 - 3) * kDayMicros;
    const std::chrono::year_month_day ymd{std::chrono::local_days{days{local_day}}};
    return std::int64_t{static_cast<int>(ymd.year())} * 12 + static_cast<unsigned>(ymd.month()) - 1;
  }

  const TimeRange& range_;
  const TimeZone& zone_;
  std::optional<Interval> interval_;
};

}  // namespace

columns::Statement coverage_statement(SiteId site, const TimeRange& range, const std::string& in_pieces) {
  const auto days =
      fmt::format("visitor_day between {} and {}", utc_day(range.from) - kDaysAround, utc_day(range.to) + kDaysAround);
  columns::Statement statement{
      .text = fmt::format(
          "select visitor_day, local_day, zone, build, null::timestamp, null from rollup_days where site_id = $1 and "
          "{} union all select v.visitor_day, null, null, null, max(v.ended_at), null from {} v where v.site_id = $1 "
          "and v.started_at < $2 and v.ended_at >= $2 group by v.visitor_day",
          days, kAllVisits),
      .parameters = {static_cast<std::int64_t>(site), range.from}};
  if (in_pieces.empty()) return statement;
  statement.text += fmt::format(
      " union all select distinct visitor_day, null::integer, null, null::bigint, null::timestamp, value2 from rollups "
      "where site_id = $1 and {} and dimension = $3 and local_day = {}",
      days, kWholeDay);
  statement.parameters.emplace_back(in_pieces);
  return statement;
}

/// Subtracted from builds, which are microseconds, so that their sum fits.
constexpr std::int64_t kBuildEpoch = 1'600'000'000'000'000;

std::string builds_sql(SiteId site, const TimeRange& range) {
  return fmt::format(
      "(select coalesce(sum(build - {}), 0)::bigint from rollup_days where site_id = {} and visitor_day "
      "between {} and {} and local_day = {})",
      kBuildEpoch, static_cast<std::int64_t>(site), utc_day(range.from) - kDaysAround, utc_day(range.to) + kDaysAround,
      kWholeDay);
}

Coverage coverage_of(const columns::Answer& answer, std::string_view zone) {
  Coverage coverage;
  for (const auto& row : answer.rows) {
    const auto day = static_cast<std::int32_t>(std::get<std::int64_t>(row[0]));
    if (const auto* until = std::get_if<Instant>(&row[4])) coverage.straddles[day] = *until;
    if (const auto* piece = std::get_if<std::string>(&row[5])) coverage.pieces[*piece].insert(day);
    if (!std::holds_alternative<std::int64_t>(row[1])) continue;
    const auto local_day = static_cast<std::int32_t>(std::get<std::int64_t>(row[1]));
    if (local_day == kWholeDay) coverage.builds += std::get<std::int64_t>(row[3]) - kBuildEpoch;
    if (std::get<std::string>(row[2]) != zone) continue;
    auto& local_days = coverage.days[day];
    if (local_day != kWholeDay) local_days.push_back(local_day);
  }
  return coverage;
}

namespace {

/// Whether both are the same column: a name and a code of a place are.
bool is_same(const Dimension& left, const Dimension& right) {
  return !left.is_time() && left.property.empty() && left.info->special != Special::kProperty && !left.is_goal() &&
         left.info->on_events == right.info->on_events && left.info->on_visits == right.info->on_visits &&
         left.info->as_entry == right.info->as_entry;
}

/// The name of the dimensions in the rollups, or "" for none.
std::optional<std::string_view> rolled_up_name(const std::vector<Dimension>& dimensions) {
  for (const auto name : kRolledUp) {
    if (std::ranges::equal(dimensions, dimensions_of(name), is_same)) return name;
  }
  return std::nullopt;
}

/// The stored value that `filter` asks for, when it asks for exactly one.
std::optional<std::string> only_value(const Filter& filter) {
  if (filter.kind != Filter::Kind::kIs || filter.clauses.size() != 1 || !filter.case_sensitive) return std::nullopt;
  const auto& info = *filter.dimension.info;
  if (info.special != Special::kNone) return std::nullopt;
  return filter.clauses[0] == info.empty ? std::string{} : filter.clauses[0];
}

}  // namespace

std::optional<RolledUp> rolled_up(const std::vector<Dimension>& dimensions, const std::vector<Filter>& filters) {
  const bool by_time = dimensions.size() == 1 && dimensions[0].is_time();
  RolledUp result;
  if (by_time) result.interval = dimensions[0].interval;
  if (result.interval == Interval::kMinute || result.interval == Interval::kAuto) return std::nullopt;
  if (filters.empty()) {
    const auto name = by_time ? (result.interval == Interval::kHour ? "time:hour" : "") : rolled_up_name(dimensions);
    if (!name) return std::nullopt;
    result.name = *name;
    return result;
  }
  if (filters.size() > 1 || result.interval == Interval::kHour) return std::nullopt;
  result.only = only_value(filters[0]);
  if (!result.only) return std::nullopt;  // also any filter that is made of others and has no dimension of its own
  if (dimensions.size() == 1 && dimensions[0].info->special == Special::kProperty) {
    if (filters[0].dimension.name() != "event:name") return std::nullopt;
    return RolledUp{.name = dimensions[0].name(), .interval = {}, .only = {}, .piece = result.only};
  }
  const auto name = rolled_up_name({filters[0].dimension});
  const bool same = dimensions.size() == 1 && is_same(dimensions[0], filters[0].dimension);
  if (!name || !(dimensions.empty() || by_time || same)) return std::nullopt;
  result.name = *name;
  return result;
}

std::optional<RolledUp> rolled_up(const Goal& goal) {
  if (goal.kind != GoalKind::kEvent) {
    return RolledUp{.name = std::string{kGoalDimension}, .interval = {}, .only = {}, .piece = goal_key(goal)};
  }
  if (!is_counted(goal.event_name)) return std::nullopt;
  return RolledUp{.name = "event:name", .interval = {}, .only = goal.event_name, .piece = {}};
}

std::optional<Picks> pick(const Coverage& coverage, const TimeRange& range, const TimeZone& zone,
                          const RolledUp& rolled_up) {
  if (coverage.days.empty()) return std::nullopt;
  const Picker picker(range, zone, rolled_up.interval);
  const auto piece = rolled_up.piece ? coverage.pieces.find(*rolled_up.piece) : coverage.pieces.end();
  const auto is_there = [&](std::int32_t day) {
    return !rolled_up.piece || (piece != coverage.pieces.end() && piece->second.contains(day));
  };
  const auto first = coverage.days.begin()->first;
  const auto last = coverage.days.rbegin()->first;
  Picks result;
  result.raw.push_back({.first = std::nullopt, .last = first - 1});
  for (auto day = first; day <= last; ++day) {
    const auto found = coverage.days.find(day);
    const bool known = found != coverage.days.end() && is_there(day);
    auto picks = known ? picker.pick(day, found->second) : std::nullopt;
    if (picks) {
      result.picks.insert(result.picks.end(), picks->begin(), picks->end());
    } else if (result.raw.back().last == day - 1) {
      result.raw.back().last = day;
    } else {
      result.raw.push_back({.first = day, .last = day});
    }
  }
  result.raw.push_back({.first = last + 1, .last = std::nullopt});
  if (result.picks.empty() || result.raw.size() > kRawSpansMax) return std::nullopt;
  return result;
}

}  // namespace mainstay::analytics::query
