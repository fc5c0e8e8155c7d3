#include "modules/analytics/query/time_range.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace mainstay::analytics::query {
namespace {

using LocalDay = std::chrono::local_days;
using LocalTime = std::chrono::local_time<microseconds>;
using std::chrono::months;
using std::chrono::year_month_day;
using std::chrono::years;

std::optional<LocalDay> parse_day(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = parse_number<int>(text.substr(0, 4));
  const auto month = parse_number<unsigned>(text.substr(5, 2));
  const auto day = parse_number<unsigned>(text.substr(8, 2));
  if (!year || !month || !day || *year < 1970) return std::nullopt;
  const year_month_day ymd{std::chrono::year{*year}, std::chrono::month{*month}, std::chrono::day{*day}};
  if (!ymd.ok()) return std::nullopt;
  return LocalDay{ymd};
}

/// Local date-times have no offset; read as if UTC, then moved.
std::optional<Instant> parse_moment(std::string_view text, const TimeZone& zone) {
  if (const auto instant = parse_rfc3339(text)) return instant;
  std::string padded{text};
  if (padded.size() == 16) padded += ":00";
  const auto local = parse_rfc3339(padded + "Z");
  if (!local) return std::nullopt;
  return zone.to_utc(LocalTime{local->time_since_epoch()});
}

LocalDay day_of(Instant instant, const TimeZone& zone) { return std::chrono::floor<days>(zone.to_local(instant)); }

Instant start_of(LocalDay day, const TimeZone& zone) { return zone.to_utc(LocalTime{day}); }

TimeRange days_range(LocalDay first, LocalDay last, const TimeZone& zone) {
  return {.from = start_of(first, zone), .to = start_of(last + days{1}, zone), .whole_days = true};
}

LocalDay clamped(year_month_day ymd) {
  return LocalDay{ymd.ok() ? ymd : year_month_day{ymd.year() / ymd.month() / std::chrono::last}};
}

LocalDay start_of_month(LocalDay day) {
  const year_month_day ymd{day};
  return LocalDay{ymd.year() / ymd.month() / 1};
}

LocalDay end_of_month(LocalDay day) {
  const year_month_day ymd{day};
  return LocalDay{ymd.year() / ymd.month() / std::chrono::last};
}

LocalDay plus_months(LocalDay day, int count) { return clamped(year_month_day{day} + months{count}); }

struct NamedDays {
  std::string_view name;
  int days;
};
constexpr NamedDays kNamedDays[] = {{"day", 1}, {"7d", 7}, {"28d", 28}, {"30d", 30}, {"91d", 91}};

TimeRange named_range(std::string_view name, LocalDay last, const Calendar& calendar) {
  const auto& zone = calendar.zone;
  for (const auto& known : kNamedDays) {
    if (known.name == name) return days_range(last - days{known.days - 1}, last, zone);
  }
  if (name == "month") return days_range(start_of_month(last), end_of_month(last), zone);
  if (name == "6mo" || name == "12mo") {
    const int count = name == "6mo" ? 5 : 11;
    return days_range(start_of_month(plus_months(start_of_month(last), -count)), end_of_month(last), zone);
  }
  if (name == "year") {
    const auto year = year_month_day{last}.year();
    return days_range(LocalDay{year / 1 / 1}, LocalDay{year / 12 / 31}, zone);
  }
  if (name == "24h") return {.from = calendar.now - hours{24}, .to = calendar.now, .whole_days = false};
  if (name == "realtime") {
    const auto minute = std::chrono::floor<minutes>(calendar.now);
    return {.from = minute - minutes{29}, .to = minute + minutes{1}, .whole_days = false};
  }
  return days_range(std::min(day_of(calendar.earliest, zone), last), last, zone);  // all
}

Result<TimeRange> written_range(const DateRange& range, const Calendar& calendar, const std::string& where) {
  const auto bad = [&](std::string_view end, std::string message) {
    return refuse_field("analytics.bad_query", fmt::format("{}/{}", where, end), std::move(message));
  };
  const auto first = parse_day(range.from);
  const auto last = parse_day(range.to);
  TimeRange result;
  if (first && last) {
    if (*last < *first) return bad("1", "Must not be before the first date.");
    result = days_range(*first, *last, calendar.zone);
  } else {
    const auto from = first ? std::optional{start_of(*first, calendar.zone)} : parse_moment(range.from, calendar.zone);
    const auto to =
        last ? std::optional{start_of(*last + days{1}, calendar.zone)} : parse_moment(range.to, calendar.zone);
    if (!from) return bad("0", "Must be a date or a date-time as in ISO 8601.");
    if (!to) return bad("1", "Must be a date or a date-time as in ISO 8601.");
    result = {.from = *from, .to = *to, .whole_days = false};
    const auto second = std::chrono::floor<seconds>(*to);
    if (second == *to && second.time_since_epoch() % minutes{1} == seconds{59}) result.to += seconds{1};
    if (result.to <= result.from) return bad("1", "Must be after the first one.");
    const auto starts_day = [&](Instant instant) {
      return start_of(day_of(instant, calendar.zone), calendar.zone) == instant;
    };
    result.whole_days = starts_day(result.from) && starts_day(result.to);
  }
  constexpr days kLongest{366 * 30};
  if (result.to - result.from > kLongest) return bad("1", "A range can be 30 years long at most.");
  return result;
}

std::string label_of(LocalTime local, Interval interval) {
  const auto day = std::chrono::floor<days>(local);
  const year_month_day ymd{day};
  auto label = fmt::format("{:04}-{:02}-{:02}", static_cast<int>(ymd.year()), static_cast<unsigned>(ymd.month()),
                           static_cast<unsigned>(ymd.day()));
  if (interval == Interval::kHour || interval == Interval::kMinute) {
    const std::chrono::hh_mm_ss time{std::chrono::floor<seconds>(local) - day};
    label += fmt::format(" {:02}:{:02}:00", time.hours().count(), time.minutes().count());
  }
  return label;
}

LocalTime bucket_start(LocalTime local, Interval interval) {
  const auto day = std::chrono::floor<days>(local);
  switch (interval) {
    case Interval::kMinute: return std::chrono::floor<minutes>(local);
    case Interval::kHour: return std::chrono::floor<hours>(local);
    case Interval::kAuto:
    case Interval::kDay: return LocalTime{day};
    case Interval::kWeek: {
      const std::chrono::weekday weekday{day};
      return LocalTime{day - days{weekday.iso_encoding() - 1}};
    }
    case Interval::kMonth: return LocalTime{start_of_month(day)};
  }
  return local;
}

LocalTime next_bucket(LocalTime start, Interval interval) {
  switch (interval) {
    case Interval::kMinute: return start + minutes{1};
    case Interval::kHour: return start + hours{1};
    case Interval::kAuto:
    case Interval::kDay: return start + days{1};
    case Interval::kWeek: return start + days{7};
    case Interval::kMonth: return LocalTime{plus_months(std::chrono::floor<days>(start), 1)};
  }
  return start;
}

std::int64_t key_of(LocalTime start, Interval interval) {
  if (interval != Interval::kMonth) return start.time_since_epoch().count();
  const year_month_day ymd{std::chrono::floor<days>(start)};
  return std::int64_t{static_cast<int>(ymd.year())} * 12 + static_cast<unsigned>(ymd.month()) - 1;
}

std::string local_micros_sql(std::string_view column, const TimeRange& range, const TimeZone& zone) {
  const auto first = zone.offset_at(range.from);
  const auto micros = [](seconds offset) { return std::chrono::duration_cast<microseconds>(offset).count(); };
  if (first.until >= range.to) return fmt::format("(epoch_us({}) + {})", column, micros(first.offset));
  std::string sql = fmt::format("(epoch_us({}) + case", column);
  for (auto at = range.from; at < range.to;) {
    const auto offset = zone.offset_at(at);
    if (offset.until >= range.to) {
      sql += fmt::format(" else {} end)", micros(offset.offset));
      break;
    }
    sql += fmt::format(" when epoch_us({}) < {} then {}", column, to_micros(offset.until), micros(offset.offset));
    at = offset.until;
  }
  return sql;
}

}  // namespace

Result<TimeRange> resolve(const DateRange& range, std::string_view date, const Calendar& calendar,
                          const std::string& where) {
  if (range.name.empty()) return written_range(range, calendar, where);
  auto last = day_of(calendar.now, calendar.zone);
  if (!date.empty()) {
    const auto day = parse_day(date);
    if (!day) return refuse_field("analytics.bad_query", "/date", "Must be a date such as 2026-11-20.");
    last = *day;
  }
  return named_range(range.name, last, calendar);
}

Result<TimeRange> resolve(const Comparison& comparison, const TimeRange& range, const Calendar& calendar) {
  if (comparison.mode == Comparison::Mode::kCustom) {
    return resolve(comparison.custom, "", calendar, "/include/comparisons/date_range");
  }
  const auto& zone = calendar.zone;
  if (!range.whole_days) {
    if (comparison.mode == Comparison::Mode::kPreviousPeriod) {
      const auto length = comparison.match_day_of_week ? std::chrono::ceil<std::chrono::weeks>(range.to - range.from)
                                                       : range.to - range.from;
      return TimeRange{.from = range.from - length, .to = range.to - length, .whole_days = false};
    }
    const auto back = [&](Instant instant) {
      const auto local = zone.to_local(instant);
      const auto day = std::chrono::floor<days>(local);
      return zone.to_utc(LocalTime{clamped(year_month_day{day} - years{1})} + (local - day));
    };
    return TimeRange{.from = back(range.from), .to = back(range.to), .whole_days = false};
  }
  const auto first = day_of(range.from, zone);
  const auto last = day_of(range.to - microseconds{1}, zone);
  const auto length = last - first + days{1};
  LocalDay start =
      comparison.mode == Comparison::Mode::kPreviousPeriod ? first - length : clamped(year_month_day{first} - years{1});
  if (comparison.match_day_of_week) {
    // The nearest day of the same weekday, not later than the day before the range for the period before.
    auto shift = std::chrono::weekday{first} - std::chrono::weekday{start};
    if (comparison.mode == Comparison::Mode::kPreviousPeriod) {
      if (shift > days{0}) shift -= days{7};
    } else if (shift > days{3}) {
      shift -= days{7};
    }
    start += shift;
  }
  auto result = days_range(start, start + length - days{1}, zone);
  // A running period is compared up to the same time of its last begun day.
  if (range.from <= calendar.now && calendar.now < range.to) {
    const auto today = day_of(calendar.now, zone);
    const auto local = zone.to_local(calendar.now);
    const auto cut = zone.to_utc(LocalTime{start + (today - first)} + (local - LocalTime{today}));
    if (cut < result.to && cut > result.from) result = {.from = result.from, .to = cut, .whole_days = false};
  }
  return result;
}

Interval automatic_interval(const TimeRange& range) {
  const auto length = range.to - range.from;
  if (length <= hours{1}) return Interval::kMinute;
  if (length <= hours{49}) return Interval::kHour;
  if (length <= days{100}) return Interval::kDay;
  return Interval::kMonth;
}

Result<std::vector<Bucket>> buckets(const TimeRange& range, Interval interval, const TimeZone& zone) {
  std::vector<Bucket> result;
  const auto first = zone.to_local(range.from);
  auto start = bucket_start(first, interval);
  while (true) {
    const auto next = next_bucket(start, interval);
    const auto from = std::max(zone.to_utc(start), range.from);
    const auto to = std::min(zone.to_utc(next), range.to);
    if (from >= range.to) break;
    if (from < to) {  // an hour that clocks skip is none
      const bool early = interval == Interval::kWeek;
      const auto shown = early ? std::max(start, LocalTime{std::chrono::floor<days>(first)}) : start;
      result.push_back({key_of(start, interval), label_of(shown, interval), from, to});
    }
    if (result.size() > kBucketsMax) {
      return refuse_field("analytics.bad_query", "/dimensions",
                          fmt::format("{} is too fine for this range.", to_text(interval)));
    }
    start = next;
  }
  return result;
}

std::string bucket_sql(std::string_view column, const TimeRange& range, Interval interval, const TimeZone& zone) {
  constexpr std::int64_t kMinute = 60'000'000;
  constexpr std::int64_t kDay = 24 * 60 * kMinute;
  const auto local = local_micros_sql(column, range, zone);
  switch (interval) {
    case Interval::kMinute: return fmt::format("({0} // {1} * {1})", local, kMinute);
    case Interval::kHour: return fmt::format("({0} // {1} * {1})", local, 60 * kMinute);
    case Interval::kAuto:
    case Interval::kDay: return fmt::format("({0} // {1} * {1})", local, kDay);
    // 1970-01-01 was a Thursday.
    case Interval::kWeek: return fmt::format("((({0} // {1} + 3) // 7 * 7 - 3) * {1})", local, kDay);
    case Interval::kMonth:
      return fmt::format("(year(make_timestamp({0})) * 12 + month(make_timestamp({0})) - 1)", local);
  }
  return local;
}

std::string local_date(Instant instant, const TimeZone& zone) {
  return label_of(zone.to_local(instant), Interval::kDay);
}

std::string to_local_text(Instant instant, const TimeZone& zone) {
  const auto offset = std::chrono::duration_cast<minutes>(zone.offset_at(instant).offset);
  auto text = to_rfc3339(Instant{zone.to_local(instant).time_since_epoch()});
  text.pop_back();
  const auto positive = std::chrono::abs(offset);
  return fmt::format("{}{}{:02}:{:02}", text, offset < minutes{0} ? '-' : '+', positive / hours{1},
                     (positive % hours{1}).count());
}

}  // namespace mainstay::analytics::query
