#include "modules/analytics/query/service.h"

#include <gmock/gmock.h>

#include "testing/report_world.h"
#include "testing/run_task.h"

namespace mainstay::analytics {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ReportWorld;
using Rows = std::vector<std::string>;

/// Three people on 2026-11-19 and -20 (the clock stands at 2026-11-21T06:00Z).
class ReportsTest : public ::testing::Test {
 protected:
  ReportsTest() {
    const auto german = [](Hit& hit) {
      hit.country = "DE";
      hit.source = "Google";
      hit.channel = "Organic Search";
      hit.browser = "Firefox";
    };
    const auto french = [](Hit& hit) { hit.country = "FR"; };
    world_.view(1, "2026-11-19T10:00:00Z", "/", german);
    world_.view(1, "2026-11-19T10:05:00Z", "/pricing", german);
    world_.event(1, "2026-11-19T10:06:00Z", "Signup", [&](Hit& hit) {
      german(hit);
      hit.path = "/pricing";
      hit.revenue = 20;
      hit.currency = "EUR";
      hit.properties = {{"plan", "pro"}};
    });
    world_.view(1, "2026-11-20T08:00:00Z", "/", german);
    world_.view(2, "2026-11-20T09:00:00Z", "/blog/a", french);
    world_.add([&] {
      Hit hit;
      hit.at = parse_rfc3339("2026-11-20T09:01:00Z").value();
      hit.visitor = 2;
      hit.name = "engagement";
      hit.path = "/blog/a";
      hit.country = "FR";
      hit.engagement_ms = 30'000;
      hit.scroll_depth = 80;
      return hit;
    }());
    world_.view(2, "2026-11-20T15:00:00Z", "/pricing", french);
    world_.view(3, "2026-11-20T23:50:00Z", "/", {});
    world_.view(3, "2026-11-21T00:10:00Z", "/pricing", {});
    world_.goal({.kind = GoalKind::kEvent, .event_name = "Signup", .page_pattern = {}, .display_name = "Signed up"});
    world_.goal({.kind = GoalKind::kPage, .event_name = {}, .page_pattern = "/blog/**", .display_name = "Read blog"});
    world_.goal({.kind = GoalKind::kScroll,
                 .event_name = {},
                 .page_pattern = "/blog/*",
                 .scroll_depth = 75,
                 .display_name = "Finished"});
    world_.write();
  }

  std::string refusal(std::string_view query) {
    try {
      world_.ask(query);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "answered";
  }

  ReportWorld world_;
};

struct Case {
  const char* name;
  const char* query;
  Rows rows;
};

TEST_F(ReportsTest, questions_have_their_answers) {
  const std::string days = R"("date_range":["2026-11-19","2026-11-20"])";
  const std::vector<Case> cases{
      {"totals", R"("metrics":["visitors","visits","pageviews","events","views_per_visit"])", {"4,5,6,7,1.2"}},
      {"bounces and durations", R"("metrics":["bounce_rate","visit_duration"])", {"60,324"}},
      {"by country",
       R"("metrics":["visitors","percentage"],"dimensions":["visit:country"])",
       {"DE: 2,50", "(not set): 1,25", "FR: 1,25"}},
      {"by country name",
       R"("metrics":["visitors"],"dimensions":["visit:country_name"])",
       {"Germany: 2", "(not set): 1", "France: 1"}},
      {"by source", R"("metrics":["visits"],"dimensions":["visit:source"])", {"Direct / None: 3", "Google: 2"}},
      {"by page",
       R"("metrics":["visitors","pageviews","bounce_rate"],"dimensions":["event:page"])",
       {"/: 3,3,33.3", "/pricing: 2,2,100", "/blog/a: 1,1,100"}},
      {"by exit page",
       R"("metrics":["visits","exit_rate"],"dimensions":["visit:exit_page"])",
       {"/pricing: 3,150", "/: 1,33.3", "/blog/a: 1,100"}},
      {"by day",
       R"("metrics":["visitors","visits","pageviews"],"dimensions":["time:day"])",
       {"2026-11-19: 1,1,2", "2026-11-20: 3,4,4"}},
      {"by hour",
       R"("metrics":["pageviews"],"dimensions":["time:hour"],"filters":[["is","visit:country",["FR"]]])",
       {"2026-11-20 09:00:00: 1", "2026-11-20 15:00:00: 1"}},
      {"by week", R"("metrics":["visitors"],"dimensions":["time:week"])", {"2026-11-19: 4"}},
      {"by month", R"("metrics":["visitors"],"dimensions":["time:month"])", {"2026-11-01: 4"}},
      {"by goal",
       R"("metrics":["visitors","events","conversion_rate"],"dimensions":["event:goal"])",
       {"Signed up: 1,1,25", "Read blog: 1,1,25", "Finished: 1,null,25"}},
      {"of a goal",
       R"("metrics":["visitors","conversion_rate","total_revenue","average_revenue"],
        "filters":[["is","event:goal",["Signed up"]]])",
       {"1,25,20,20"}},
      {"of a scroll goal",
       R"("metrics":["visitors","events"],"filters":[["is","event:goal",["Finished"]]])",
       {"1,null"}},
      {"by country of a goal",
       R"("metrics":["visitors","group_conversion_rate"],"dimensions":["visit:country"],
        "filters":[["contains","event:goal",["Signed"]]])",
       {"DE: 1,50"}},
      {"by property",
       R"("metrics":["visitors","events"],"dimensions":["event:props:plan"],
        "filters":[["is","event:name",["Signup"]]])",
       {"pro: 1,1"}},
      {"engagement of a page",
       R"("metrics":["scroll_depth","time_on_page"],"dimensions":["event:page"],
        "filters":[["is","event:page",["/blog/a"]]])",
       {"/blog/a: 80,30"}},
      {"limit",
       R"("metrics":["visitors"],"dimensions":["visit:country"],"pagination":{"limit":1,"offset":1})",
       {"(not set): 1"}},
      {"order",
       R"("metrics":["visitors"],"dimensions":["visit:country"],"order_by":[["visit:country","desc"]])",
       {"FR: 1", "DE: 2", "(not set): 1"}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(world_.rows("{" + days + "," + c.query + "}"), c.rows);
  }
}

TEST_F(ReportsTest, filters_choose_visitors) {
  const std::vector<std::pair<std::string, const char*>> cases{
      {R"(["is","visit:country",["DE"]])", "2"},
      {R"(["is_not","visit:country",["DE"]])", "2"},
      {R"q(["is","visit:country",["(not set)"]])q", "1"},
      {R"(["is","visit:source",["Direct / None"]])", "2"},
      {R"(["contains","visit:source",["direct"],{"case_sensitive":false}])", "2"},
      {R"(["contains","visit:source",["direct"]])", "0"},
      {R"(["is","visit:browser",["firefox"],{"case_sensitive":false}])", "2"},
      {R"(["is","visit:country_name",["Germany","France"]])", "3"},
      {R"(["matches","visit:country_name",["^Ger"]])", "2"},
      {R"(["contains_not","event:page",["blog"]])", "4"},
      {R"(["matches","event:page",["^/blog/.$"]])", "1"},
      {R"(["matches_not","event:page",["^/(pricing)?$"]])", "1"},
      {R"(["or",[["is","visit:country",["FR"]],["is","event:name",["Signup"]]]])", "2"},
      {R"(["not",["is","visit:country",["FR"]]])", "3"},
      {R"(["and",[["is","visit:country",["DE"]],["is","event:page",["/pricing"]]]])", "1"},
      {R"(["has_done",["is","event:goal",["Signed up"]]])", "1"},
      {R"(["has_not_done",["is","event:page",["/pricing"]]])", "3"},
      {R"(["is","visit:exit_page",["/pricing"]])", "3"},
      {R"(["is","event:props:plan",["pro","free"]])", "1"},
      {R"(["is","event:page",["'; drop table events; --"]])", "0"},
  };
  for (const auto& [filter, visitors] : cases) {
    SCOPED_TRACE(filter);
    EXPECT_THAT(
        world_.rows(R"({"date_range":["2026-11-19","2026-11-20"],"metrics":["visitors"],"filters":[)" + filter + "]}"),
        ElementsAre(visitors));
  }
}

TEST_F(ReportsTest, filters_made_of_others_go_with_a_dimension) {
  const std::vector<std::pair<std::string, Rows>> cases{
      {R"(["or",[["is","visit:country",["FR"]],["is","visit:country",["DE"]]]])", {"DE: 2", "FR: 1"}},
      {R"(["and",[["is","visit:country",["DE"]],["is","event:page",["/pricing"]]]])", {"DE: 1"}},
      {R"(["not",["is","visit:country",["DE"]]])", {"(not set): 1", "FR: 1"}},
      {R"(["has_done",["is","event:page",["/pricing"]]])", {"DE: 1", "FR: 1"}},
      {R"(["has_not_done",["is","event:page",["/pricing"]]])", {"(not set): 1", "DE: 1", "FR: 1"}},
  };
  for (const auto& [filter, rows] : cases) {
    SCOPED_TRACE(filter);
    EXPECT_EQ(world_.rows(R"({"date_range":["2026-11-19","2026-11-20"],"metrics":["visitors"],
                "dimensions":["visit:country"],"filters":[)" +
                          filter + "]}"),
              rows);
  }
}

TEST(GoalsTest, a_star_stays_within_its_segment_in_every_script) {
  ReportWorld world;
  world.view(1, "2026-11-19T10:00:00Z", "/日本語/a");
  world.view(2, "2026-11-19T11:00:00Z", "/日本語/a/b");
  world.goal({.kind = GoalKind::kPage, .page_pattern = "/日本語/*", .display_name = "Read"});
  world.write();
  EXPECT_EQ(
      world.rows(R"({"date_range":["2026-11-19","2026-11-20"],"metrics":["visitors"],"dimensions":["event:goal"]})"),
      Rows{"Read: 1"});
}

TEST_F(ReportsTest, a_goal_of_scrolling_without_a_page_is_reached_on_any) {
  world_.goal({.kind = GoalKind::kScroll, .page_pattern = {}, .scroll_depth = 75, .display_name = "Anywhere"});
  EXPECT_EQ(world_.rows(R"({"date_range":["2026-11-19","2026-11-20"],"metrics":["visitors"],
              "filters":[["is","event:goal",["Anywhere"]]]})"),
            Rows{"1"});
}

TEST_F(ReportsTest, wrong_questions_name_the_field_at_fault) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"({"metrics":["visitors"]})", "/date_range Must be there."},
      {R"({"metrics":[],"date_range":"day"})", "/metrics Must be a list"},
      {R"({"metrics":["visitor"],"date_range":"day"})", "Did you mean visitors?"},
      {R"({"metrics":["visits","visits"],"date_range":"day"})", "/metrics/1 Is asked for twice."},
      {R"({"metrics":["visits"],"date_range":"8d"})", "/date_range Must be one of"},
      {R"({"metrics":["visits"],"date_range":["2026-02-30","2026-03-01"]})", "/date_range/0"},
      {R"({"metrics":["visits"],"date_range":["2026-03-02","2026-03-01"]})", "/date_range/1"},
      {R"({"metrics":["visits"],"date_range":"day","filter":[]})", "/filter No such field. Did you mean filters?"},
      {R"({"metrics":["visits"],"date_range":"day","dimensions":["visit:sauce"]})", "Did you mean visit:source?"},
      {R"({"metrics":["visits"],"date_range":"day","filters":[["like","visit:source",["a"]]]})", "/filters/0/0"},
      {R"({"metrics":["visits"],"date_range":"day","filters":[["is","time:day",["a"]]]})", "/filters/0/1"},
      {R"({"metrics":["visits"],"date_range":"day","filters":[["is","visit:source",[]]]})", "/filters/0/2"},
      {R"({"metrics":["visits"],"date_range":"day","filters":[["matches","event:page",["("]]]})", "/filters/0/2/0"},
      {R"({"metrics":["visits"],"date_range":"day","filters":[["matches","event:page",["a","([0-9a-f]{60}){9}"]]]})",
       "/filters/0/2/1 Is too complex"},
      {R"({"metrics":["visits"],"date_range":"day","pagination":{"limit":10001}})", "/pagination/limit"},
      {R"({"metrics":["visits"],"date_range":"day","pagination":{"limit":-1}})", "/pagination/limit"},
      {R"({"metrics":["scroll_depth"],"date_range":"day"})", "needs a filter or dimension event:page"},
      {R"({"metrics":["conversion_rate"],"date_range":"day"})", "needs a filter or dimension event:goal"},
      {R"({"metrics":["exit_rate"],"date_range":"day"})", "visit:exit_page"},
      {R"({"metrics":["bounce_rate"],"date_range":"day","dimensions":["event:name"]})", "cannot be broken down"},
      {R"({"metrics":["visits"],"date_range":"day","include":{"time_labels":true}})", "/include/time_labels"},
      {R"({"metrics":["visits"],"date_range":"all","dimensions":["time:minute"]})", "too fine"},
      {R"({"metrics":["visits"],"date_range":"all","include":{"comparisons":{"mode":"previous_period"}}})",
       "nothing before"},
  };
  for (const auto& [query, expected] : cases) {
    SCOPED_TRACE(query);
    const auto message = refusal(query);
    if (!expected.contains("too fine")) EXPECT_THAT(message, HasSubstr("analytics.bad_query"));
    if (!expected.contains("too fine")) EXPECT_THAT(message, HasSubstr(expected));
  }
}

TEST_F(ReportsTest, filters_nest_no_deeper_than_the_limit) {
  std::string filter = R"(["is","visit:country",["DE"]])";
  for (int i = 0; i < 8; ++i) filter = R"(["not",)" + filter + "]";
  EXPECT_THAT(refusal(R"({"metrics":["visits"],"date_range":"day","filters":[)" + filter + "]}"), HasSubstr("nest"));
}

TEST(RevenueTest, it_is_of_each_row_in_its_own_currency) {
  ReportWorld world;
  const auto order = [&world](std::string_view name, double amount, std::string_view currency) {
    world.event(1, "2026-11-20T11:00:00Z", name, [&](Hit& hit) {
      hit.revenue = amount;
      hit.currency = currency;
    });
  };
  order("Order", 7, "USD");
  order("Signup", 20, "EUR");
  order("Mixed", 1, "EUR");
  order("Mixed", 2, "USD");
  world.view(1, "2026-11-20T11:00:00Z", "/");
  world.write();
  const auto answer = world.ask(R"({"metrics":["total_revenue","average_revenue"],"date_range":"30d",
    "dimensions":["event:name"],"order_by":[["event:name","asc"]],"include":{"total_rows":true}})");
  EXPECT_EQ(boost::json::serialize(answer.at("results")),
            R"([{"metrics":[null,null],"dimensions":["Mixed"]},)"
            R"({"currency":"USD","metrics":[7,7],"dimensions":["Order"]},)"
            R"({"currency":"EUR","metrics":[20,20],"dimensions":["Signup"]},)"
            R"({"metrics":[null,null],"dimensions":["pageview"]}])");
  EXPECT_TRUE(answer.at("meta").as_object().contains("metric_warnings"));
  EXPECT_EQ(world.rows(R"({"metrics":["total_revenue"],"date_range":"30d"})"), Rows{"null"});
  for (const auto* name : {"Order", "Signup", "Mixed", "Never"}) {
    world.goal({.kind = GoalKind::kEvent, .event_name = name, .page_pattern = {}, .display_name = name});
  }
  const auto by_goal = world.ask(R"({"metrics":["total_revenue"],"date_range":"30d","dimensions":["event:goal"],
    "order_by":[["event:goal","asc"]]})");
  EXPECT_EQ(boost::json::serialize(by_goal.at("results")),
            R"([{"currency":"USD","metrics":[7],"dimensions":["Order"]},)"
            R"({"currency":"EUR","metrics":[20],"dimensions":["Signup"]},)"
            R"({"metrics":[null],"dimensions":["Mixed"]}])");
}

TEST_F(ReportsTest, values_of_all_filters_together_have_a_limit) {
  std::string values = R"("a")";
  for (int i = 1; i < 1'000; ++i) values += fmt::format(R"(,"{}")", i);
  std::string filters;
  for (int i = 0; i < 6; ++i) filters += fmt::format(R"({}["is","event:page",[{}]])", i == 0 ? "" : ",", values);
  const auto message = refusal(R"({"metrics":["visits"],"date_range":"day","filters":[)" + filters + "]}");
  EXPECT_THAT(message, HasSubstr("/filters/5/2 There can be 5000 values"));
}

TEST_F(ReportsTest, a_goal_of_what_is_below_a_page_is_reached_on_the_page_itself) {
  world_.goal({.kind = GoalKind::kPage, .page_pattern = "/pricing/**", .display_name = "Prices"});
  world_.goal({.kind = GoalKind::kPage, .page_pattern = "/*/a/**", .display_name = "Any a"});
  const auto reached = [this](std::string_view goal) {
    return world_.rows(
        fmt::format(R"({{"metrics":["visitors"],"date_range":"30d","filters":[["is","event:goal",["{}"]]]}})", goal));
  };
  EXPECT_EQ(reached("Prices"), Rows{"3"});
  EXPECT_EQ(reached("Any a"), Rows{"1"});
}

TEST_F(ReportsTest, the_case_of_a_goals_letters_does_not_matter_where_it_is_said_so) {
  world_.goal({.kind = GoalKind::kPage, .page_pattern = "/pricing", .display_name = "Besuch Übersicht [1]"});
  for (const auto* filter : {R"(["is","event:goal",["besuch übersicht [1]"],{"case_sensitive":false}])",
                             R"(["contains","event:goal",["ÜBERSICHT [1]"],{"case_sensitive":false}])"}) {
    EXPECT_EQ(world_.rows(fmt::format(R"({{"metrics":["visitors"],"date_range":"30d","filters":[{}]}})", filter)),
              Rows{"3"})
        << filter;
  }
}

TEST_F(ReportsTest, a_comparison_stands_beside_each_row) {
  const auto answer = world_.ask(R"({"metrics":["visitors","bounce_rate"],"date_range":["2026-11-20","2026-11-20"],
    "dimensions":["visit:country"],"include":{"comparisons":{"mode":"previous_period"},"total_rows":true}})");
  const auto& results = answer.at("results").get_array();
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(boost::json::serialize(results[1].at("comparison")),
            R"({"metrics":[1,0],"dimensions":["DE"],"change":[0,100]})");
  EXPECT_EQ(answer.at("meta").at("total_rows"), 3);
  EXPECT_EQ(boost::json::serialize(answer.at("query").at("comparison_date_range")),
            R"(["2026-11-19T00:00:00+00:00","2026-11-19T23:59:59+00:00"])");
}

TEST_F(ReportsTest, a_series_has_the_buckets_that_only_the_compared_range_has) {
  const auto series = [this](std::string_view order) {
    const auto answer = world_.ask(fmt::format(
        R"({{"metrics":["pageviews"],"date_range":["2026-11-20","2026-11-20"],"dimensions":["time:hour"],
        "order_by":[["time:hour","{}"]],"include":{{"comparisons":{{"mode":"previous_period"}}}}}})",
        order));
    Rows shown;
    for (const auto& result : answer.at("results").get_array()) {
      const std::string_view label = result.at("dimensions").at(0).as_string();
      shown.push_back(fmt::format("{}: {} after {}", label.substr(11, 2), result.at("metrics").at(0).as_int64(),
                                  result.at("comparison").at("metrics").at(0).as_int64()));
    }
    return shown;
  };
  Rows rows{"08: 1 after 0", "09: 1 after 0", "10: 0 after 2", "15: 1 after 0", "23: 1 after 0"};
  EXPECT_EQ(series("asc"), rows);
  std::ranges::reverse(rows);
  EXPECT_EQ(series("desc"), rows);
}

TEST_F(ReportsTest, what_is_said_of_all_rows_is_said_past_the_last_one_too) {
  const auto answer = world_.ask(R"({"metrics":["visitors","total_revenue"],"date_range":["2026-11-19","2026-11-20"],
    "dimensions":["visit:country"],"include":{"total_rows":true},"pagination":{"limit":2,"offset":50}})");
  EXPECT_TRUE(answer.at("results").get_array().empty());
  EXPECT_EQ(answer.at("meta").at("total_rows"), 3);
  EXPECT_EQ(answer.at("meta").at("currency"), "EUR");
  EXPECT_EQ(boost::json::serialize(answer.at("query").at("pagination")), R"({"limit":2,"offset":50})");
}

TEST_F(ReportsTest, the_query_as_it_was_understood_says_in_which_order_nobody_asked_for) {
  const auto order = [this](std::string_view dimensions) {
    const auto answer =
        world_.ask(fmt::format(R"({{"metrics":["visits","visitors"],"date_range":"7d","dimensions":{}}})", dimensions));
    return boost::json::serialize(answer.at("query").at("order_by"));
  };
  EXPECT_EQ(order(R"(["visit:country"])"), R"([["visits","desc"]])");
  EXPECT_EQ(order(R"(["visit:country","time:day"])"), R"([["time:day","asc"],["visits","desc"]])");
}

TEST_F(ReportsTest, a_running_day_shows_which_bucket_is_unfinished) {
  const auto answer =
      world_.ask(R"({"metrics":["visitors"],"date_range":"day","dimensions":["time"],"include":{"time_labels":true}})");
  EXPECT_EQ(answer.at("meta").at("partial_time_label"), "2026-11-21 06:00:00");
  EXPECT_EQ(answer.at("meta").at("time_labels").get_array().size(), 24U);
  EXPECT_EQ(answer.at("meta").at("as_of"), "2026-11-21T06:00:00Z");
  EXPECT_EQ(boost::json::serialize(answer.at("results")), R"([{"metrics":[1],"dimensions":["2026-11-21 00:00:00"]}])");
}

TEST_F(ReportsTest, a_report_says_how_much_of_the_newest_time_it_lacks) {
  const auto ask = [this] { return world_.ask(R"({"metrics":["visitors"],"date_range":"day"})"); };
  EXPECT_FALSE(ask().at("meta").as_object().contains("freshness_warning"));
  world_.missing = std::chrono::milliseconds{1'500};
  const auto answer = ask();
  const auto& warning = answer.at("meta").at("freshness_warning");
  EXPECT_EQ(warning.at("code"), "behind");
  EXPECT_EQ(warning.at("missing_ms"), 1'500);
}

TEST_F(ReportsTest, a_report_asks_for_permission) {
  auto request = world_.request(R"({"site_id":"example.com","metrics":["visitors"],"date_range":"all"})");
  EXPECT_TRUE(testing::run(world_.reports().answer(request)).has_value());
  request.principal = {};
  auto refused = testing::run(world_.reports().answer(request));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, "analytics.no_access");
  world_.share_allows = true;
  EXPECT_TRUE(testing::run(world_.reports().answer(request)).has_value());
}

}  // namespace
}  // namespace mainstay::analytics
