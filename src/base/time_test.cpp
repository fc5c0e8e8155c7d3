#include "base/time.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/failure.h"

namespace mainstay {
namespace {

TEST(Time, rfc3339_reads_offsets_and_fractions_and_refuses_days_that_do_not_exist) {
  EXPECT_EQ(to_rfc3339(parse_rfc3339("2026-03-29T03:30:00.25+02:00").value()), "2026-03-29T01:30:00.250000Z");
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00Z"), from_micros(0));
  for (const auto* bad : {"", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01",
                          "2026-01-01T00:00:00", "2026-01-01T00:00:00Zx", "2026-01-01T00:00:00.Z"}) {
    EXPECT_FALSE(parse_rfc3339(bad).has_value()) << bad;
  }
}

TEST(TimeZone, clocks_that_skip_and_repeat_an_hour_are_told_apart) {
  const auto berlin = TimeZone::find("Europe/Berlin").value();
  using std::chrono::local_days;
  const auto skipped =
      std::chrono::local_time<microseconds>{local_days{std::chrono::year{2026} / 3 / 29}} + hours{2} + minutes{30};
  EXPECT_EQ(to_rfc3339(berlin.to_utc(skipped)), "2026-03-29T01:00:00Z");
  const auto twice =
      std::chrono::local_time<microseconds>{local_days{std::chrono::year{2026} / 10 / 25}} + hours{2} + minutes{30};
  EXPECT_EQ(to_rfc3339(berlin.to_utc(twice)), "2026-10-25T00:30:00Z");
  const auto offset = berlin.offset_at(parse_rfc3339("2026-07-01T00:00:00Z").value());
  EXPECT_EQ(offset.offset, hours{2});
  EXPECT_EQ(to_rfc3339(offset.until), "2026-10-25T01:00:00Z");
  EXPECT_FALSE(TimeZone::find("Mars/Olympus").has_value());
  EXPECT_FALSE(TimeZone::find("../../etc/passwd").has_value());
}

TEST(TimeZone, that_was_found_needs_no_file_any_more) {
  const auto chatham = TimeZone::find("Pacific/Chatham").value();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_EQ(chatham.offset_at(parse_rfc3339("2026-07-01T00:00:00Z").value()).offset, hours{12} + minutes{45});
  EXPECT_THROW((void)TimeZone::find("Asia/Kathmandu"), Unavailable);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(TimeZone::find("Asia/Kathmandu").has_value());
}

}  // namespace
}  // namespace mainstay
