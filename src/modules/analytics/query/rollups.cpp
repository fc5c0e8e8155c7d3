#include "modules/analytics/query/rollups.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
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

constexpr columns::Columns::Limits kLimits{.rows_max = 10'000'000, .patience = std::chrono::minutes{5}};
constexpr std::chrono::minutes kLookEvery{10};

/// What is rolled up: the dimensions of the dashboard's cards.
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

std::vector<Dimension> dimensions_of(std::string_view name) {
  std::vector<Dimension> dimensions;
  for (const auto part : split(name, ' ')) {
    if (!part.empty()) dimensions.push_back(query::find_dimension(part).value());
  }
  return dimensions;
}

SumSet all_sums() {
  SumSet sums;
  for (const auto sum : query::kRolledUpSums) sums.add(sum);
  return sums;
}

std::string sum_list() {
  std::string text;
  for (const auto sum : query::kRolledUpSums) text += fmt::format(", {}", to_text(sum));
  return text;
}

/// The longest time that hits of one visitor_day may span and still be rolled up whole.
constexpr days kSpanBefore{5};
constexpr days kSpanAfter{366};

query::TimeRange span_of(std::int32_t visitor_day) {
  const Instant start{days{visitor_day}};
  return {.from = start - kSpanBefore, .to = start + kSpanAfter, .whole_days = false};
}

/// An insert of the sums by `name`: over the whole visitor_day, or for each of its local days.
enum class By { kWholeDay, kLocalDay };
Statement insert_statement(SiteId site, std::int32_t visitor_day, const TimeZone& zone, std::string_view name, By by) {
  const auto range = span_of(visitor_day);
  const query::Request request;
  const std::vector<Goal> no_goals;
  const query::Coverage no_coverage;
  const query::PlanInput input{.request = request,
                               .site = site,
                               .range = range,
                               .zone = zone,
                               .goals = no_goals,
                               .only_keys = std::nullopt,
                               .coverage = no_coverage};
  query::Parameters parameters;
  query::Core core(input, parameters);
  auto dimensions = dimensions_of(name);
  const bool hourly = name == "time:hour";
  const auto count = dimensions.size();
  if (by == By::kLocalDay) dimensions.push_back(query::find_dimension("time:day").value());
  const auto select = core.select_days(dimensions, all_sums(), {.first = visitor_day, .last = visitor_day});
  const auto local_day =
      by == By::kLocalDay ? fmt::format("(d{} // 86400000000)::integer", count) : std::to_string(kWholeDay);
  return {
      .text = fmt::format("insert into rollups (site_id, visitor_day, local_day, dimension, value, value2, bucket{0}) "
                          "select {1}, {2}, {3}, '{4}', {5}, {6}, {7}{0} from ({8})",
                          sum_list(), static_cast<std::int64_t>(site), visitor_day, local_day, name,
                          count > 0 && !hourly ? "d0" : "''", count > 1 ? "d1" : "''", hourly ? "d0" : "0", select),
      .parameters = parameters.take()};
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

std::vector<Step> build_rollup(SiteId site, std::int32_t visitor_day, const TimeZone& zone, std::int64_t build) {
  auto steps = invalidate_rollup(site, visitor_day);
  for (const auto name : kRolledUp) {
    if (name != "time:hour") steps.emplace_back(insert_statement(site, visitor_day, zone, name, By::kWholeDay));
    steps.emplace_back(insert_statement(site, visitor_day, zone, name, By::kLocalDay));
  }
  steps.emplace_back(Statement{
      .text = fmt::format("insert into rollup_days (site_id, visitor_day, local_day, zone, build) "
                          "select $1, $2, {}, $3, $4 union all select $1, $2, r.local_day, $3, $4 from rollups r "
                          "where r.site_id = $1 and r.visitor_day = $2 and r.dimension = '' and r.local_day <> {}",
                          kWholeDay, kWholeDay),
      .parameters = {static_cast<std::int64_t>(site), std::int64_t{visitor_day}, std::string{zone.name()}, build}});
  return steps;
}

bool RollupKeeper::build_one(Instant now) {
  if (due_.empty()) {
    if (looked_at_ <= now && now - looked_at_ < kLookEvery) return false;
    look_for_due(now);
    looked_at_ = now;
    if (due_.empty()) return false;
  }
  const auto [site, day] = *due_.begin();
  due_.erase(due_.begin());
  const auto snapshot = sites_.snapshot();
  const auto known = snapshot->find(std::to_string(static_cast<std::int64_t>(site)));
  if (known == nullptr || day >= utc_day(now - kRollupDelay)) return !due_.empty();
  const auto open = columns_.query_blocking({"select count(*) from open_visits where site_id = $1 and visitor_day = $2",
                                             {static_cast<std::int64_t>(site), std::int64_t{day}}},
                                            kLimits);
  if (!open || std::get<std::int64_t>(open->rows[0][0]) > 0) return !due_.empty();
  last_build_ = std::max(last_build_ + 1, to_micros(now));
  columns_.commit(build_rollup(site, day, TimeZone::find(known->timezone).value_or(TimeZone::utc()), last_build_));
  return true;
}

std::set<RollupKeeper::Day> RollupKeeper::days(const std::string& text, std::int32_t before) const {
  std::set<Day> result;
  const auto answer = columns_.query_blocking({text, {std::int64_t{before}}}, kLimits);
  if (!answer) return result;
  for (const auto& row : answer->rows) {
    result.insert({SiteId{std::get<std::int64_t>(row[0])}, static_cast<std::int32_t>(std::get<std::int64_t>(row[1]))});
  }
  return result;
}

void RollupKeeper::look_for_due(Instant now) {
  const auto before = utc_day(now - kRollupDelay);
  due_ = days("select site_id, visitor_day from visits where visitor_day < $1 group by site_id, visitor_day", before);
  const auto answer = columns_.query_blocking(
      {"select site_id, visitor_day, zone from rollup_days where visitor_day < $1 and local_day = -1",
       {std::int64_t{before}}},
      kLimits);
  if (!answer) return;
  const auto snapshot = sites_.snapshot();
  for (const auto& row : answer->rows) {
    const auto site = std::get<std::int64_t>(row[0]);
    const auto known = snapshot->find(std::to_string(site));
    const auto zone = known == nullptr ? TimeZone::utc() : TimeZone::find(known->timezone).value_or(TimeZone::utc());
    if (std::get<std::string>(row[2]) != zone.name()) continue;
    due_.erase({SiteId{site}, static_cast<std::int32_t>(std::get<std::int64_t>(row[1]))});
  }
}

namespace query {
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
      const bool by_hour = interval_ == Interval::kHour;
      if (by_hour || its_days.size() == 1) {
        for (const auto local_day : its_days) picks.push_back({visitor_day, local_day, bucket});
      } else if (its_days.size() == local_days.size()) {
        picks.push_back({visitor_day, kWholeDay, bucket});
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

columns::Statement coverage_statement(SiteId site, const TimeRange& range) {
  return {.text = fmt::format("select visitor_day, local_day, zone, build, null::timestamp from rollup_days where "
                              "site_id = $1 and visitor_day between {} and {} union all "
                              "select null, null, null, null, max(v.ended_at) from {} v where v.site_id = $1 and "
                              "v.started_at < $2 and v.ended_at >= $2",
                              utc_day(range.from) - kDaysAround, utc_day(range.to) + kDaysAround, kAllVisits),
          .parameters = {static_cast<std::int64_t>(site), range.from}};
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
    if (const auto* until = std::get_if<Instant>(&row[4])) coverage.straddle_until = *until;
    if (!std::holds_alternative<std::int64_t>(row[0])) continue;
    const auto local_day = static_cast<std::int32_t>(std::get<std::int64_t>(row[1]));
    if (local_day == kWholeDay) coverage.builds += std::get<std::int64_t>(row[3]) - kBuildEpoch;
    if (std::get<std::string>(row[2]) != zone) continue;
    auto& local_days = coverage.days[static_cast<std::int32_t>(std::get<std::int64_t>(row[0]))];
    if (local_day != kWholeDay) local_days.push_back(local_day);
  }
  return coverage;
}

std::optional<RolledUp> rolled_up(const std::vector<Dimension>& dimensions) {
  if (dimensions.size() == 1 && dimensions[0].is_time()) {
    const auto interval = dimensions[0].interval;
    if (interval == Interval::kMinute || interval == Interval::kAuto) return std::nullopt;
    return RolledUp{.name = interval == Interval::kHour ? "time:hour" : "", .interval = interval};
  }
  for (const auto name : kRolledUp) {
    const auto known = dimensions_of(name);
    const auto same = [](const Dimension& left, const Dimension& right) {
      // A name and a code of a place are the same column.
      return !left.is_time() && left.property.empty() && left.info->special != Special::kProperty && !left.is_goal() &&
             left.info->on_events == right.info->on_events && left.info->on_visits == right.info->on_visits &&
             left.info->as_entry == right.info->as_entry;
    };
    if (std::ranges::equal(dimensions, known, same)) return RolledUp{.name = name, .interval = std::nullopt};
  }
  return std::nullopt;
}

std::optional<Picks> pick(const Coverage& coverage, const TimeRange& range, const TimeZone& zone,
                          std::optional<Interval> interval) {
  if (coverage.days.empty()) return std::nullopt;
  const Picker picker(range, zone, interval);
  const auto first = coverage.days.begin()->first;
  const auto last = coverage.days.rbegin()->first;
  Picks result;
  result.raw.push_back({.first = std::nullopt, .last = first - 1});
  for (auto day = first; day <= last; ++day) {
    const auto found = coverage.days.find(day);
    auto picks = found == coverage.days.end() ? std::nullopt : picker.pick(day, found->second);
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

}  // namespace query
}  // namespace mainstay::analytics
