#include "modules/analytics/collector/log_intake.h"

#include <gtest/gtest.h>

#include "modules/analytics/intake.h"
#include "testing/country_file.h"
#include "testing/fixed_random.h"

namespace mainstay::analytics {
namespace {

class LogIntakeTest : public ::testing::Test {
 protected:
  LogIntakeTest() {
    Site site;
    site.id = SiteId{7};
    site.domain = "example.com";
    site.hosts = {"example.com", "*.example.com"};
    site_ = std::make_shared<const Site>(site);
  }
  LogIntake intake(std::optional<LogFormat> format = std::nullopt) {
    return LogIntake(site_, format, generaliser_, [this](std::int32_t) { return salts_; });
  }
  static std::string line(std::string_view target, int status = 200, std::string_view address = "203.0.113.9",
                          std::string_view method = "GET", std::string_view second = "00") {
    return fmt::format(
        "{} - - [01/Mar/2026:12:00:{} +0000] \"{} {} HTTP/1.1\" {} 512 \"https://news.example.org/\" "
        "\"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\"\n",
        address, second, method, target, status);
  }
  Agents agents_;
  Places places_{testing::country_file()};
  testing::FixedRandom random_;
  Generaliser generaliser_{agents_, places_, random_};
  std::shared_ptr<const DaySalts> salts_ = std::make_shared<DaySalts>();
  std::shared_ptr<const Site> site_;
  std::vector<Hit> hits_;
};

TEST_F(LogIntakeTest, every_line_is_counted_once_and_only_pages_become_hits) {
  auto intake = this->intake();
  const auto text = line("/a") + line("/b?utm_source=x") + line("/style.css") + line("/gone", 404) + line("/old", 301) +
                    line("/broken", 500) + line("/form", 200, "203.0.113.9", "POST") + line("/paper.pdf") +
                    "this is no log line\n";
  ASSERT_TRUE(intake.feed(text, hits_).has_value());
  const auto& summary = intake.summary();
  EXPECT_EQ(summary.lines, 9U);
  EXPECT_EQ(summary.unparsable, 1U);
  EXPECT_EQ(summary.accepted, 4U);
  EXPECT_EQ(summary.bytes, 8 * 512U);
  EXPECT_EQ(summary.status.at(200), 5U);
  EXPECT_EQ(summary.status.at(404), 1U);
  const std::map<std::string, std::uint64_t> refused{
      {"error_status", 1}, {"method", 1}, {"redirect", 1}, {"static_file", 1}};
  EXPECT_EQ(summary.refused, refused);
  ASSERT_EQ(hits_.size(), 4U);
  EXPECT_EQ(hits_[0].name, "pageview");
  EXPECT_EQ(hits_[1].utm_source, "x");
  EXPECT_EQ(hits_[2].name, "404");
  EXPECT_EQ(hits_[3].name, "File Download");
}

TEST_F(LogIntakeTest, between_two_blocks_no_salts_are_held) {
  auto intake = this->intake();
  ASSERT_TRUE(intake.feed(line("/a"), hits_).has_value());
  ASSERT_EQ(hits_.size(), 1U);
  EXPECT_EQ(salts_.use_count(), 1);
}

TEST_F(LogIntakeTest, a_format_without_agents_makes_nobody_a_bot) {
  const std::string common = "203.0.113.9 - - [01/Mar/2026:12:00:00 +0000] \"GET /a HTTP/1.1\" 200 512";
  auto without = intake();
  ASSERT_TRUE(without.feed(common + "\n", hits_).has_value());
  EXPECT_EQ(without.summary().accepted, 1U);
  auto with = intake();
  ASSERT_TRUE(with.feed(common + " \"-\" \"-\"\n", hits_).has_value());
  EXPECT_EQ(with.summary().bots, 1U);
}

TEST_F(LogIntakeTest, logs_of_several_formats_may_follow_each_other) {
  auto intake = this->intake();
  ASSERT_TRUE(
      intake.feed("203.0.113.9 - - [01/Mar/2026:12:00:00 +0000] \"GET /a HTTP/1.1\" 200 512\n", hits_).has_value());
  ASSERT_TRUE(intake.feed(line("/b"), hits_).has_value());
  ASSERT_TRUE(intake.feed("example.com:443 " + line("/c"), hits_).has_value());
  ASSERT_EQ(hits_.size(), 3U);
  EXPECT_EQ(hits_[0].browser, "");
  for (std::size_t i = 1; i < hits_.size(); ++i) EXPECT_EQ(hits_[i].browser, "Firefox");
  ASSERT_TRUE(intake.feed("[error] of no format\n", hits_).has_value());
  EXPECT_EQ(intake.summary().unparsable, 1U);
}

TEST_F(LogIntakeTest, the_same_lines_give_the_same_ids_and_alike_lines_stay_apart) {
  const auto text = line("/a") + line("/a") + line("/a");
  std::vector<Hit> again;
  auto one = intake();
  auto two = intake();
  ASSERT_TRUE(one.feed(text, hits_).has_value());
  ASSERT_TRUE(two.feed(line("/a"), again).has_value());
  ASSERT_TRUE(two.feed(line("/a") + line("/a"), again).has_value());
  ASSERT_EQ(hits_.size(), 3U);
  ASSERT_EQ(again.size(), 3U);
  std::set<std::uint64_t> ids;
  for (std::size_t i = 0; i < hits_.size(); ++i) {
    EXPECT_EQ(hits_[i].event_id, again[i].event_id);
    EXPECT_NE(hits_[i].event_id & kStableId, 0U);
    ids.insert(hits_[i].event_id);
  }
  EXPECT_EQ(ids.size(), 3U);
}

TEST_F(LogIntakeTest, a_log_that_runs_backwards_has_stable_ids_and_is_not_kept_in_memory) {
  const auto minute_of = [](int minute) {
    std::string text;
    for (const auto* target : {"/a", "/a", "/b"}) {
      text += fmt::format(
          "203.0.113.9 - - [01/Mar/2026:{:02}:{:02}:07 +0000] \"GET {} HTTP/1.1\" 200 512 \"-\" \"Firefox\"\n",
          minute / 60, minute % 60, target);
    }
    return text;
  };
  constexpr int kMinutes = 600;
  auto backwards = intake(LogFormat::kCombined);
  auto forwards = intake(LogFormat::kCombined);
  std::vector<Hit> again;
  for (int minute = kMinutes; minute-- > 0;) {
    ASSERT_TRUE(backwards.feed(minute_of(minute), hits_).has_value());
    ASSERT_LE(backwards.alike_held(), 6U);
  }
  for (int minute = 0; minute < kMinutes; ++minute) {
    ASSERT_TRUE(forwards.feed(minute_of(minute), again).has_value());
    ASSERT_LE(forwards.alike_held(), 6U);
  }
  const auto ids = [](const std::vector<Hit>& hits) {
    std::set<std::uint64_t> all;
    for (const auto& hit : hits) all.insert(hit.event_id);
    return all;
  };
  EXPECT_EQ(ids(hits_).size(), 3U * kMinutes);
  EXPECT_EQ(ids(hits_), ids(again));
}

TEST_F(LogIntakeTest, lines_of_mixed_formats_have_the_same_ids_wherever_a_block_begins) {
  std::vector<std::string> lines;
  for (int i = 0; i < 12; ++i) {
    const auto page = line(fmt::format("/{}", i));
    const auto common = page.substr(0, page.find(" \"https")) + "\n";
    lines.push_back((i % 6 == 5 ? "example.com:443 " : "") + (i % 3 == 0 ? page : common));
  }
  auto whole = intake();
  std::string text;
  for (const auto& each : lines) text += each;
  ASSERT_TRUE(whole.feed(text, hits_).has_value());
  std::vector<Hit> again;
  auto in_parts = intake();
  for (const auto& each : lines) ASSERT_TRUE(in_parts.feed(each, again).has_value());
  ASSERT_EQ(hits_.size(), lines.size());
  ASSERT_EQ(again.size(), lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(hits_[i].event_id, again[i].event_id) << lines[i];
    EXPECT_EQ(hits_[i].visitor, again[i].visitor) << lines[i];
  }
}

TEST_F(LogIntakeTest, a_late_line_does_not_make_alike_ones_the_same) {
  auto intake = this->intake(LogFormat::kCombined);
  const std::string late =
      "203.0.113.9 - - [01/Mar/2026:11:00:00 +0000] \"GET /late HTTP/1.1\" 200 512 \"-\" \"Firefox\"\n";
  ASSERT_TRUE(intake.feed(line("/a") + late + line("/a") + late + line("/a"), hits_).has_value());
  std::set<std::uint64_t> ids;
  for (const auto& hit : hits_) ids.insert(hit.event_id);
  EXPECT_EQ(ids.size(), 5U);
}

TEST_F(LogIntakeTest, what_identifies_a_person_does_not_reach_the_queue) {
  auto intake = this->intake();
  ASSERT_TRUE(intake.feed(line("/a", 200, "198.51.100.23"), hits_).has_value());
  const auto bytes = encode(hits_);
  EXPECT_EQ(bytes.find("198.51.100"), std::string::npos);
  EXPECT_EQ(bytes.find("Mozilla"), std::string::npos);
  EXPECT_EQ(hits_.at(0).browser, "Firefox");
  EXPECT_NE(hits_.at(0).visitor, 0U);
}

TEST_F(LogIntakeTest, a_text_of_no_known_format_is_refused) {
  auto intake = this->intake();
  EXPECT_EQ(intake.feed("hello\nworld\n", hits_).error().code, "analytics.unknown_log_format");
  EXPECT_TRUE(hits_.empty());
}

}  // namespace
}  // namespace mainstay::analytics
