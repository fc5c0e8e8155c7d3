#include "modules/analytics/query/rollups.h"

#include <gmock/gmock.h>

#include <map>
#include <random>

#include "testing/report_world.h"

namespace mainstay::analytics {
namespace {

using testing::ReportWorld;

/// People who come and go for a week, some of them over midnight, with attributes that change between visits.
void populate(ReportWorld& world, unsigned seed) {
  std::mt19937 random(seed);
  const auto draw = [&](unsigned below) { return static_cast<unsigned>(random()) % below; };
  const Instant first = testing::ManualClock::kStart - days{9};
  for (int visit = 0; visit < 300; ++visit) {
    Hit hit;
    hit.visitor = draw(60) + 1;
    hit.at = first + minutes{draw(9 * 24 * 60)};
    hit.country = std::array{"DE", "FR", ""}[draw(3)];
    hit.city = std::array{"Berlin", "Lyon", ""}[draw(3)];
    hit.source = std::array{"Google", "Bing", ""}[draw(3)];
    hit.browser = std::array{"Firefox", "Chrome"}[hit.visitor % 2];
    const auto length = draw(6) + 1;
    for (unsigned i = 0; i < length; ++i) {
      hit.name = std::array{"pageview", "pageview", "pageview", "Signup", "engagement"}[i == 0 ? 0 : draw(5)];
      hit.path = std::array{"/", "/a", "/b", "/c"}[draw(4)];
      hit.engagement_ms = hit.name == "engagement" ? 1000 : 0;
      world.add(hit);
      hit.at += minutes{draw(29) + 1};
    }
  }
  world.write();
}

void build_all(ReportWorld& world) {
  RollupKeeper keeper(world.columns(), world.directory());
  while (keeper.build_one(world.clock.now())) {
  }
}

std::int64_t rollup_rows(ReportWorld& world) {
  const auto answer = world.columns().query_blocking({"select count(*) from rollup_days where local_day = -1", {}}, {});
  return std::get<std::int64_t>(answer->rows[0][0]);
}

std::vector<std::string> questions(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::string> result;
  const std::vector<std::string> dimensions{"",
                                            "visit:source",
                                            "visit:country",
                                            "event:page",
                                            "visit:entry_page",
                                            "visit:exit_page",
                                            "time:hour",
                                            "time:day",
                                            "time:week",
                                            "time:month",
                                            "event:hostname",
                                            "visit:browser",
                                            "visit:city_name\",\"visit:country",
                                            "visit:country_name"};
  for (const auto& dimension : dimensions) {
    for (int i = 0; i < 2; ++i) {
      const auto from = static_cast<int>(random() % 9);
      const auto to = from + static_cast<int>(random() % 9);
      const auto date = [](int day) {
        return to_rfc3339(testing::ManualClock::kStart - days{9} + days{day}).substr(0, 10);
      };
      auto range = fmt::format(R"(["{}","{}"])", date(from), date(to));
      if (i == 1) range = fmt::format(R"(["{}T05:30:00","{}T22:10:00"])", date(from), date(to + 1));
      const auto list = dimension.empty() ? std::string{} : fmt::format(R"("{}")", dimension);
      result.push_back(fmt::format(
          R"({{"metrics":["visitors","visits","pageviews","events","bounce_rate","visit_duration","views_per_visit",)"
          R"("percentage"],"dimensions":[{}],"date_range":{}}})",
          list, range));
    }
  }
  return result;
}

class RollupsTest : public ::testing::TestWithParam<const char*> {};

TEST_P(RollupsTest, answers_are_the_same_with_and_without_rollups) {
  ReportWorld world(GetParam());
  populate(world, 42);
  std::map<std::string, std::vector<std::string>> before;
  for (const auto& question : questions(7)) before[question] = world.rows(question);
  build_all(world);
  EXPECT_GE(rollup_rows(world), 8);
  for (const auto& [question, rows] : before) {
    SCOPED_TRACE(question);
    EXPECT_EQ(world.rows(question), rows);
  }
}

INSTANTIATE_TEST_SUITE_P(Zones, RollupsTest, ::testing::Values("Europe/Berlin", "America/St_Johns"));

TEST(Rollups, days_with_open_visits_wait) {
  ReportWorld world;
  world.view(1, "2026-11-19T10:00:00Z", "/");
  world.view(2, "2026-11-21T05:55:00Z", "/");
  world.write();
  build_all(world);
  EXPECT_EQ(rollup_rows(world), 1);
}

TEST(Rollups, an_invalidated_day_is_read_from_its_rows_and_built_again) {
  ReportWorld world;
  world.view(1, "2026-11-18T10:00:00Z", "/");
  world.write();
  build_all(world);
  ASSERT_EQ(rollup_rows(world), 1);
  const auto question = R"({"metrics":["visitors","visits"],"date_range":["2026-11-18","2026-11-18"]})";
  EXPECT_EQ(world.rows(question), std::vector<std::string>{"1,1"});
  const auto day = utc_day(parse_rfc3339("2026-11-18T00:00:00Z").value());
  auto steps = invalidate_rollup(SiteId{7}, day);
  steps.emplace_back(columns::Statement{"delete from visits", {}});
  steps.emplace_back(columns::Statement{"delete from events", {}});
  world.columns().commit(steps);
  EXPECT_EQ(world.rows(question), std::vector<std::string>{"0,0"});
}

TEST(Rollups, a_report_over_closed_days_reads_nothing_else) {
  ReportWorld world;
  world.view(1, "2026-11-18T10:00:00Z", "/");
  world.view(1, "2026-11-17T10:00:00Z", "/");
  world.write();
  build_all(world);
  world.columns().commit(std::vector<columns::Step>{columns::Statement{"delete from visits", {}},
                                                    columns::Statement{"delete from events", {}}});
  EXPECT_EQ(world.rows(R"({"metrics":["visitors","pageviews"],"date_range":["2026-11-17","2026-11-18"]})"),
            std::vector<std::string>{"2,2"});
  EXPECT_EQ(
      world.rows(R"({"metrics":["visitors"],"dimensions":["time:day"],"date_range":["2026-11-18","2026-11-18"]})"),
      std::vector<std::string>{"2026-11-18: 1"});
}

TEST(Rollups, a_rollup_of_another_time_zone_is_not_used) {
  columns::Answer answer;
  answer.rows = {
      {std::int64_t{20'000}, std::int64_t{-1}, std::string{"UTC"}, std::int64_t{5}, std::monostate{}, std::monostate{}},
      {std::int64_t{20'000}, std::int64_t{20'000}, std::string{"UTC"}, std::int64_t{5}, std::monostate{},
       std::monostate{}}};
  EXPECT_TRUE(query::coverage_of(answer, "Europe/Berlin").days.empty());
  EXPECT_EQ(query::coverage_of(answer, "UTC").days.size(), 1U);
}

constexpr auto kGoalQuestion =
    R"({"metrics":["visitors","events"],"dimensions":["event:goal"],"date_range":["2026-11-17","2026-11-18"]})";

TEST(Rollups, goals_of_closed_days_are_not_counted_on_rows) {
  ReportWorld world;
  world.goal({.kind = GoalKind::kPage, .page_pattern = "/blog/*", .display_name = "Read"});
  world.goal({.kind = GoalKind::kPage, .page_pattern = "/never", .display_name = "Never"});
  world.goal({.kind = GoalKind::kEvent, .event_name = "Signup", .display_name = "Signed up"});
  world.view(1, "2026-11-17T10:00:00Z", "/blog/1");
  world.view(1, "2026-11-17T10:01:00Z", "/blog/2");
  world.event(1, "2026-11-18T10:00:00Z", "Signup");
  world.write();
  build_all(world);
  world.columns().commit(std::vector<columns::Step>{columns::Statement{"delete from visits", {}},
                                                    columns::Statement{"delete from events", {}}});
  EXPECT_THAT(world.rows(kGoalQuestion), ::testing::UnorderedElementsAre("Read: 1,2", "Signed up: 1,1"));
}

TEST(Rollups, a_goal_that_comes_later_is_counted_on_rows_until_it_is_rolled_up) {
  ReportWorld world;
  world.view(1, "2026-11-17T10:00:00Z", "/blog/1");
  world.write();
  build_all(world);
  world.goal({.kind = GoalKind::kPage, .page_pattern = "/blog/*", .display_name = "Read"});
  EXPECT_THAT(world.rows(kGoalQuestion), ::testing::ElementsAre("Read: 1,1"));
  build_all(world);
  world.columns().commit(std::vector<columns::Step>{columns::Statement{"delete from events", {}}});
  EXPECT_THAT(world.rows(kGoalQuestion), ::testing::ElementsAre("Read: 1,1"));
}

std::string property_question(std::string_view property) {
  return fmt::format(R"({{"metrics":["visitors","events"],"dimensions":["event:props:{}"],"date_range":)"
                     R"(["2026-11-17","2026-11-18"],"filters":[["is","event:name",["Signup"]]]}})",
                     property);
}

TEST(Rollups, properties_of_the_events_of_one_name_are_not_counted_on_rows) {
  ReportWorld world;
  world.event(1, "2026-11-17T10:00:00Z", "Signup", [](Hit& hit) { hit.properties = {{"plan", "free"}}; });
  world.event(2, "2026-11-17T10:00:00Z", "Signup");
  world.event(3, "2026-11-17T10:00:00Z", "Download", [](Hit& hit) { hit.properties = {{"plan", "pro"}}; });
  world.write();
  build_all(world);
  world.columns().commit(std::vector<columns::Step>{columns::Statement{"delete from visits", {}},
                                                    columns::Statement{"delete from events", {}}});
  EXPECT_THAT(world.rows(property_question("plan")), ::testing::UnorderedElementsAre("free: 1,1", "(not set): 1,1"));
}

TEST(Rollups, properties_that_are_too_many_are_counted_on_rows) {
  ReportWorld world;
  constexpr int kProperties = 25;
  world.event(1, "2026-11-17T10:00:00Z", "Signup", [](Hit& hit) {
    for (int i = 0; i < kProperties; ++i) hit.properties.emplace_back(fmt::format("p{}", i), "x");
  });
  world.write();
  build_all(world);
  for (int i = 0; i < kProperties; ++i) {
    EXPECT_THAT(world.rows(property_question(fmt::format("p{}", i))), ::testing::ElementsAre("x: 1,1"));
  }
  const auto days = world.columns().query_blocking(
      {"select count(*) from rollups where starts_with(dimension, 'event:props:') and local_day = -1", {}}, {});
  EXPECT_EQ(std::get<std::int64_t>(days->rows[0][0]), 20);
}

TEST(Rollups, a_filter_on_one_value_reads_nothing_else) {
  ReportWorld world;
  world.view(1, "2026-11-17T10:00:00Z", "/", [](Hit& hit) { hit.country = "DE"; });
  world.view(2, "2026-11-18T10:00:00Z", "/", [](Hit& hit) { hit.country = "FR"; });
  world.write();
  build_all(world);
  world.columns().commit(std::vector<columns::Step>{columns::Statement{"delete from visits", {}},
                                                    columns::Statement{"delete from events", {}}});
  const auto ask = [&](std::string_view dimension) {
    return world.rows(fmt::format(R"({{"metrics":["visitors","bounce_rate"],"dimensions":[{}],"date_range":)"
                                  R"(["2026-11-17","2026-11-18"],"filters":[["is","visit:country",["DE"]]]}})",
                                  dimension));
  };
  EXPECT_THAT(ask(""), ::testing::ElementsAre("1,100"));
  EXPECT_THAT(ask(R"("visit:country")"), ::testing::ElementsAre("DE: 1,100"));
  EXPECT_THAT(ask(R"("time:day")"), ::testing::ElementsAre("2026-11-17: 1,100"));
}

}  // namespace
}  // namespace mainstay::analytics
