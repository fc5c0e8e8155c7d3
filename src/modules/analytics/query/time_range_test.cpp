#include "modules/analytics/query/time_range.h"

#include <gmock/gmock.h>

namespace mainstay::analytics::query {
namespace {

using ::testing::ElementsAre;

Calendar calendar(std::string_view zone, std::string_view now) {
  return {.zone = TimeZone::find(zone).value(),
          .now = parse_rfc3339(now).value(),
          .earliest = parse_rfc3339("2026-03-05T12:00:00Z").value()};
}

std::string text(const Result<TimeRange>& range) {
  if (!range) return range.error().errors.front().field;
  return to_rfc3339(range->from) + " " + to_rfc3339(range->to);
}

std::vector<std::string> labels(const std::vector<Bucket>& buckets) {
  std::vector<std::string> result;
  for (const auto& bucket : buckets) result.push_back(bucket.label);
  return result;
}

TEST(TimeRange, named_ranges_are_local_days) {
  const auto berlin = calendar("Europe/Berlin", "2026-11-20T23:30:00Z");  // the 21st in Berlin
  const std::vector<std::pair<const char*, const char*>> cases{
      {"day", "2026-11-20T23:00:00Z 2026-11-21T23:00:00Z"},  {"7d", "2026-11-14T23:00:00Z 2026-11-21T23:00:00Z"},
      {"30d", "2026-10-22T22:00:00Z 2026-11-21T23:00:00Z"},  {"month", "2026-10-31T23:00:00Z 2026-11-30T23:00:00Z"},
      {"6mo", "2026-05-31T22:00:00Z 2026-11-30T23:00:00Z"},  {"12mo", "2025-11-30T23:00:00Z 2026-11-30T23:00:00Z"},
      {"year", "2025-12-31T23:00:00Z 2026-12-31T23:00:00Z"}, {"all", "2026-03-04T23:00:00Z 2026-11-21T23:00:00Z"},
      {"24h", "2026-11-19T23:30:00Z 2026-11-20T23:30:00Z"},  {"realtime", "2026-11-20T23:01:00Z 2026-11-20T23:31:00Z"},
  };
  for (const auto& [name, expected] : cases) {
    EXPECT_EQ(text(resolve({.name = name, .from = {}, .to = {}}, "", berlin)), expected) << name;
  }
  EXPECT_EQ(text(resolve({.name = "7d", .from = {}, .to = {}}, "2026-11-10", berlin)),
            "2026-11-03T23:00:00Z 2026-11-10T23:00:00Z");
}

TEST(TimeRange, days_of_change_have_23_and_25_hours) {
  const auto berlin = calendar("Europe/Berlin", "2026-11-20T12:00:00Z");
  const auto spring = resolve({.name = {}, .from = "2026-03-29", .to = "2026-03-29"}, "", berlin).value();
  EXPECT_EQ(spring.to - spring.from, hours{23});
  const auto spring_hours = buckets(spring, Interval::kHour, berlin.zone).value();
  EXPECT_EQ(spring_hours.size(), 23U);
  EXPECT_THAT(labels(spring_hours), ::testing::Not(::testing::Contains("2026-03-29 02:00:00")));
  const auto autumn = resolve({.name = {}, .from = "2026-10-25", .to = "2026-10-25"}, "", berlin).value();
  EXPECT_EQ(autumn.to - autumn.from, hours{25});
  const auto autumn_hours = buckets(autumn, Interval::kHour, berlin.zone).value();
  EXPECT_EQ(autumn_hours.size(), 24U);
  EXPECT_EQ(autumn_hours[2].to - autumn_hours[2].from, hours{2}) << "02:00 is shown twice";
}

TEST(TimeRange, written_ends_may_be_dates_or_date_times) {
  const auto berlin = calendar("Europe/Berlin", "2026-11-20T12:00:00Z");
  const std::vector<std::array<const char*, 3>> cases{
      {"2026-06-01", "2026-06-02", "2026-05-31T22:00:00Z 2026-06-02T22:00:00Z"},
      {"2026-06-01T10:00:00+02:00", "2026-06-01T12:00:00Z", "2026-06-01T08:00:00Z 2026-06-01T12:00:00Z"},
      {"2026-06-01T10:00", "2026-06-01T12:00", "2026-06-01T08:00:00Z 2026-06-01T10:00:00Z"},
      {"2026-06-01T10:00:00", "2026-06-01T11:59:59", "2026-06-01T08:00:00Z 2026-06-01T10:00:00Z"},
      {"2026-06-31", "2026-07-01", "/date_range/0"},
      {"2026-06-01", "yesterday", "/date_range/1"},
      {"2026-06-02", "2026-06-01", "/date_range/1"},
      {"1980-01-01", "2026-06-01", "/date_range/1"},
  };
  for (const auto& [from, to, expected] : cases) {
    EXPECT_EQ(text(resolve({.name = {}, .from = from, .to = to}, "", berlin)), expected) << from;
  }
}

TEST(TimeRange, weeks_begin_on_monday_and_months_on_the_first) {
  const auto utc = calendar("UTC", "2026-11-20T12:00:00Z");
  const auto range = resolve({.name = {}, .from = "2026-10-28", .to = "2026-11-10"}, "", utc).value();
  EXPECT_THAT(labels(buckets(range, Interval::kWeek, utc.zone).value()),
              ElementsAre("2026-10-28", "2026-11-02", "2026-11-09"));
  EXPECT_THAT(labels(buckets(range, Interval::kMonth, utc.zone).value()), ElementsAre("2026-10-01", "2026-11-01"));
}

TEST(TimeRange, too_many_buckets_are_refused) {
  const auto utc = calendar("UTC", "2026-11-20T12:00:00Z");
  const auto range = resolve({.name = "year", .from = {}, .to = {}}, "", utc).value();
  EXPECT_FALSE(buckets(range, Interval::kMinute, utc.zone).has_value());
  EXPECT_TRUE(buckets(range, Interval::kHour, utc.zone).has_value());
}

TEST(TimeRange, comparisons_cover_the_same_stretch_before) {
  const auto berlin = calendar("Europe/Berlin", "2026-11-20T12:00:00Z");
  using Mode = Comparison::Mode;
  const auto compare = [&](Mode mode, bool weekday, const char* from, const char* to) {
    const auto range = resolve({.name = {}, .from = from, .to = to}, "", berlin).value();
    return text(resolve({.mode = mode, .custom = {}, .match_day_of_week = weekday}, range, berlin));
  };
  EXPECT_EQ(compare(Mode::kPreviousPeriod, false, "2026-11-10", "2026-11-12"),
            "2026-11-06T23:00:00Z 2026-11-09T23:00:00Z");
  EXPECT_EQ(compare(Mode::kPreviousPeriod, true, "2026-11-10", "2026-11-12"),
            "2026-11-02T23:00:00Z 2026-11-05T23:00:00Z");
  EXPECT_EQ(compare(Mode::kYearOverYear, false, "2026-11-10", "2026-11-12"),
            "2025-11-09T23:00:00Z 2025-11-12T23:00:00Z");
  EXPECT_EQ(compare(Mode::kYearOverYear, true, "2026-11-10", "2026-11-12"),
            "2025-11-10T23:00:00Z 2025-11-13T23:00:00Z");
  EXPECT_EQ(compare(Mode::kYearOverYear, false, "2024-02-29", "2024-02-29"),
            "2023-02-27T23:00:00Z 2023-02-28T23:00:00Z");
}

TEST(TimeRange, a_running_period_is_compared_up_to_the_same_time) {
  const auto berlin = calendar("Europe/Berlin", "2026-11-20T12:00:00Z");
  const auto range = resolve({.name = "day", .from = {}, .to = {}}, "", berlin).value();
  const auto before = resolve({.mode = Comparison::Mode::kPreviousPeriod, .custom = {}}, range, berlin);
  EXPECT_EQ(text(before), "2026-11-18T23:00:00Z 2026-11-19T12:00:00Z");
}

TEST(TimeRange, bucket_sql_is_arithmetic_with_each_offset_in_force) {
  const auto berlin = calendar("Europe/Berlin", "2026-11-20T12:00:00Z");
  const auto year = resolve({.name = {}, .from = "2026-02-01", .to = "2026-11-19"}, "", berlin).value();
  EXPECT_EQ(bucket_sql("x", year, Interval::kDay, berlin.zone),
            "((epoch_us(x) + case when epoch_us(x) < 1774746000000000 then 3600000000 when epoch_us(x) < "
            "1792890000000000 then 7200000000 else 3600000000 end) // 86400000000 * 86400000000)");
}

TEST(TimeRange, local_text_reads_back_as_the_same_range) {
  const auto kathmandu = calendar("Asia/Kathmandu", "2026-11-20T12:00:00Z");
  const auto day = resolve({.name = "day", .from = {}, .to = {}}, "", kathmandu).value();
  EXPECT_EQ(to_local_text(day.from, kathmandu.zone), "2026-11-20T00:00:00+05:45");
  const auto again = resolve({.name = {},
                              .from = to_local_text(day.from, kathmandu.zone),
                              .to = to_local_text(day.to - seconds{1}, kathmandu.zone)},
                             "", kathmandu);
  EXPECT_EQ(again.value(), day);
}

}  // namespace
}  // namespace mainstay::analytics::query
