#include "modules/analytics/live_reports.h"

#include <gtest/gtest.h>

#include <random>

#include "base/json.h"
#include "ports/bus/local/local_bus.h"
#include "testing/one_site.h"
#include "testing/report_world.h"

namespace mainstay::analytics {
namespace {

constexpr SiteId kSite{7};
constexpr std::string_view kToday = R"({"metrics":["visitors","visits","pageviews","events"],"date_range":"day"})";

/// A site whose hits go into a store and into the live report alike.
class LiveReportsTest : public ::testing::Test {
 protected:
  LiveReportsTest() { directory.show(*world.site()); }

  /// As it is once all that is due was pushed, what only time changed included.
  json::Object model() {
    world.clock.advance(seconds{6});
    live->publish_due(world.clock.monotonic());
    return json::parse(live->json(kSite)).value().get_object();
  }
  /// "visitors visits pageviews events" as the live report has them.
  std::string totals() {
    const auto shown = model();
    const auto& today = shown.at("totals_today");
    if (today.is_null()) return "unknown";
    std::string text;
    for (const auto* name : {"visitors", "visits", "pageviews", "events"}) {
      text += fmt::format("{} ", today.at(name).as_int64());
    }
    return text;
  }
  /// The same as a report has them.
  std::string asked() {
    std::string text;
    const auto answer = world.ask(kToday);
    for (const auto& metric : answer.at("results").at(0).at("metrics").as_array()) {
      text += fmt::format("{} ", metric.as_int64());
    }
    return text;
  }
  void note(const Hit& hit, bool first = false) {
    const auto assigned = sessioniser.assign(hit);
    if (assigned.visit == nullptr) return;
    live->note({.fate = Taken::Fate::kAccepted, .hit = &hit, .assigned = assigned, .first_of_site = first});
  }
  void note_all() {
    for (const auto& hit : world.hits()) note(hit);
  }
  void restart() {
    live = std::make_unique<LiveReports>(bus, world.clock, directory);
    live->restore({}, world.columns());
  }

  testing::ReportWorld world{"Europe/Vienna"};
  testing::OneSite directory;
  bus::local::LocalBus bus;
  std::uint64_t next_visit = 1;
  Sessioniser sessioniser{[](std::int32_t) { return std::vector<std::uint64_t>{}; },
                          [this] { return next_visit += 2; }};
  std::unique_ptr<LiveReports> live = std::make_unique<LiveReports>(bus, world.clock, directory);
};

// The clock stands at 2026-11-21T06:00Z, which is 07:00 in Vienna.
TEST_F(LiveReportsTest, todays_totals_are_those_of_a_report_of_the_day) {
  std::mt19937 random(11);
  const Instant from = world.clock.now() - hours{12};
  for (int i = 0; i < 400; ++i) {
    const auto at = to_rfc3339(from + seconds{random() % (12 * 3600)});
    const auto visitor = random() % 60;
    switch (random() % 4) {
      case 0: world.event(visitor, at, "Signup"); break;
      case 1: world.event(visitor, at, "engagement", [](Hit& hit) { hit.engagement_ms = 10; }); break;
      default: world.view(visitor, at, fmt::format("/{}", random() % 9));
    }
  }
  world.write();
  note_all();
  EXPECT_EQ(totals(), asked());
  restart();
  EXPECT_EQ(totals(), asked());
}

TEST_F(LiveReportsTest, a_day_ends_at_midnight_of_the_sites_zone) {
  world.view(1, "2026-11-20T22:59:59Z", "/yesterday");
  world.view(2, "2026-11-20T23:00:00Z", "/today");
  note_all();
  EXPECT_EQ(totals(), "1 1 1 1 ");
  world.clock.set(parse_rfc3339("2026-11-21T23:00:00Z").value());
  EXPECT_EQ(totals(), "0 0 0 0 ");
  EXPECT_EQ(model().at("hits_total").as_int64(), 2);
}

TEST_F(LiveReportsTest, a_new_zone_makes_today_unknown_until_tomorrow) {
  world.view(1, "2026-11-21T05:59:00Z", "/");
  note_all();
  auto moved = *world.site();
  moved.timezone = "Asia/Tokyo";
  directory.show(moved);
  live->publish_due(world.clock.monotonic());
  EXPECT_EQ(totals(), "unknown");
  world.clock.set(parse_rfc3339("2026-11-21T15:00:00Z").value());
  EXPECT_EQ(totals(), "0 0 0 0 ");
}

TEST_F(LiveReportsTest, the_first_hit_is_told_at_once_and_never_forgotten) {
  EXPECT_TRUE(model().at("first_hit_at").is_null());
  EXPECT_EQ(model().at("hits_total").as_int64(), 0);
  world.view(1, "2026-11-21T05:58:00Z", "/");
  world.view(1, "2026-11-21T05:59:00Z", "/again");
  note(world.hits()[0], true);
  note(world.hits()[1]);
  EXPECT_EQ(model().at("first_hit_at").as_string(), "2026-11-21T05:58:00Z");
  world.write();
  auto known = *world.site();
  known.first_hit_at = parse_rfc3339("2026-11-21T05:58:00Z");
  directory.show(known);
  restart();
  EXPECT_EQ(model().at("first_hit_at").as_string(), "2026-11-21T05:58:00Z");
  EXPECT_EQ(model().at("hits_total").as_int64(), 2);
}

TEST_F(LiveReportsTest, hits_that_are_kept_no_longer_are_not_counted) {
  world.view(1, "2026-11-21T05:58:00Z", "/");
  world.view(1, "2026-11-21T05:59:00Z", "/again");
  note_all();
  EXPECT_EQ(model().at("hits_total").as_int64(), 2);
  live->removed(kSite, 1);
  EXPECT_EQ(model().at("hits_total").as_int64(), 1);
}

TEST_F(LiveReportsTest, the_model_is_pushed_when_a_day_begins) {
  world.view(1, "2026-11-21T05:59:00Z", "/");
  note_all();
  std::string pushed;
  const auto subscription =
      bus.subscribe("events.analytics.live.7", [&pushed](const bus::Message& message) { pushed = *message.payload; });
  live->publish_due(world.clock.monotonic());
  world.clock.advance(hours{17});
  pushed.clear();
  live->publish_due(world.clock.monotonic());
  EXPECT_NE(pushed.find(R"("totals_today":{"visitors":0,)"), std::string::npos) << pushed;
}

}  // namespace
}  // namespace mainstay::analytics
