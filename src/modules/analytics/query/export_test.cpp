#include "modules/analytics/query/export.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <filesystem>
#include <thread>

#include "modules/analytics/query/csv.h"
#include "modules/analytics/query/ledger.h"
#include "modules/analytics/query/pieces.h"
#include "testing/report_world.h"
#include "testing/run_task.h"

namespace mainstay::analytics {
namespace {

using ::testing::HasSubstr;
using testing::ReportWorld;
using testing::run;
using ::testing::StartsWith;

class Gathered final : public http::BodyWriter {
 public:
  explicit Gathered(std::size_t limit = SIZE_MAX) : limit_(limit) {}
  Task<> write(std::string_view bytes) override {
    if (text.size() > limit_) throw Unavailable("the client is gone");
    text += bytes;
    co_return;
  }
  std::string text;

 private:
  std::size_t limit_;
};

class ExportTest : public ::testing::Test {
 protected:
  ExportTest() {
    world_.view(1, "2026-11-19T10:00:00Z", "/=1+1", [](Hit& hit) { hit.country = "DE"; });
    world_.view(2, "2026-11-19T11:00:00Z", "/a,b", [](Hit& hit) {
      hit.country = "FR";
      hit.properties = {{"plan", "pro"}};
    });
    world_.write();
  }

  Result<http::Response> exported(std::vector<std::pair<std::string, std::string>> parameters,
                                  Role role = Role::kViewer) {
    auto request = world_.request();
    request.path_parameters = {{"site_id", "7"}};
    request.query_parameters = std::move(parameters);
    if (role == Role::kNone) request.principal = {};
    return run(export_rows(world_.reports(), request));
  }

  static std::string body_of(const http::Response& response) {
    Gathered gathered;
    run(std::get<http::StreamBody>(response.body).produce(gathered));
    return gathered.text;
  }

  ReportWorld world_;
};

TEST_F(ExportTest, csv_of_a_query_holds_what_the_query_shows) {
  const auto response = exported({{"query", R"({"metrics":["visitors","bounce_rate"],"date_range":"30d",
    "dimensions":["visit:country_name"]})"}});
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(body_of(*response), "visit:country_name,visitors,bounce_rate\r\nGermany,1,100\r\nFrance,1,100\r\n");
}

TEST_F(ExportTest, a_file_is_named_by_what_is_in_it_and_of_which_days) {
  const std::pair<std::string, std::string> names[] = {
      {R"("date_range":"day")", "totals-2026-11-21.csv"},
      {R"("date_range":["2026-11-01","2026-11-20"],"dimensions":["event:page"])", "page-2026-11-01-2026-11-20.csv"},
      {R"("date_range":"7d","dimensions":["visit:utm_source","time:day"])",
       "utm_source-time-day-2026-11-15-2026-11-21.csv"},
      {R"("date_range":"day","dimensions":["event:props:a \"b\"\r\n/ü"])", "props-a--b-------2026-11-21.csv"},
  };
  for (const auto& [rest, name] : names) {
    const auto response = exported({{"query", R"({"metrics":["visitors"],)" + rest + "}"}});
    ASSERT_TRUE(response.has_value()) << rest << response.error().message;
    EXPECT_EQ(response->headers.get("Content-Disposition"), "attachment; filename=\"example.com-" + name + "\"");
  }
  EXPECT_EQ(exported({{"rows", "events"}, {"query", R"({"date_range":"day"})"}})->headers.get("Content-Disposition"),
            "attachment; filename=\"example.com-events-2026-11-21.csv\"");
}

TEST_F(ExportTest, a_report_is_as_long_as_its_limit_and_whole_without_one) {
  world_.columns().commit(std::vector<columns::Step>{columns::Statement{
      "insert into events by name select e.* replace (r as event_id, '/' || r as path) from events e, "
      "range(100, 11100) t(r) where e.event_id = 1",
      {}}});
  const auto rows_with = [this](std::string_view pagination) {
    const auto response = exported({{"query", fmt::format(R"({{"metrics":["pageviews"],"date_range":"30d",
      "dimensions":["event:page"]{}}})",
                                                          pagination)}});
    return response ? std::ranges::count(body_of(*response), '\n') - 1 : -1;
  };
  EXPECT_EQ(rows_with(R"(,"pagination":{"limit":10000})"), 10'000);
  EXPECT_EQ(rows_with(R"(,"pagination":{"offset":1})"), 11'001);
  EXPECT_EQ(rows_with(""), 11'002);
}

TEST_F(ExportTest, raw_events_come_with_their_ids_and_meet_the_filters) {
  const auto response = exported({{"rows", "events"}, {"query", R"({"filters":[["is","visit:country",["FR"]]]})"}});
  ASSERT_TRUE(response.has_value());
  const auto text = body_of(*response);
  EXPECT_THAT(text, StartsWith("event_id,at,visit_id,"));
  EXPECT_THAT(text, HasSubstr("\r\n2,2026-11-19T11:00:00Z,"));
  EXPECT_THAT(text, HasSubstr("\"/a,b\""));
  EXPECT_THAT(text, HasSubstr(R"("{""plan"":""pro""}")"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 2);
}

TEST_F(ExportTest, a_parquet_file_is_sent_and_gone) {
  const auto response = exported({{"rows", "events"}, {"format", "parquet"}});
  ASSERT_TRUE(response.has_value());
  const auto bytes = body_of(*response);
  EXPECT_THAT(bytes, StartsWith("PAR1"));
  EXPECT_TRUE(bytes.ends_with("PAR1"));
  EXPECT_TRUE(std::filesystem::is_empty(world_.export_folder()));
}

TEST_F(ExportTest, a_client_that_leaves_ends_the_export) {
  const auto response = exported({{"rows", "events"}});
  ASSERT_TRUE(response.has_value());
  Gathered gone(10);
  EXPECT_THROW(run(std::get<http::StreamBody>(response->body).produce(gone)), Unavailable);
}

TEST_F(ExportTest, clients_that_leave_long_exports_leave_nothing_running) {
  const std::vector<columns::Step> many{columns::Statement{
      "insert into events by name select e.* replace (r as event_id) from events e, range(100, 20000) t(r)", {}}};
  world_.columns().commit(many);
  for (std::size_t client = 0; client < 20; ++client) {  // more than the store has threads
    const auto response = exported({{"rows", "events"}});
    ASSERT_TRUE(response.has_value());
    Gathered gone(client * 100'000);
    EXPECT_THROW(run(std::get<http::StreamBody>(response->body).produce(gone)), Unavailable);
  }
  const auto whole = exported({{"rows", "events"}});
  ASSERT_TRUE(whole.has_value());
  EXPECT_EQ(std::ranges::count(body_of(*whole), '\n'), 1 + 2 + 2 * 19'900);
}

TEST_F(ExportTest, too_many_at_once_are_refused_before_their_body) {
  std::vector<Result<http::Response>> running;
  auto next = exported({{"rows", "events"}});
  while (next && running.size() < 1'000) {
    running.push_back(std::move(next));
    next = exported({{"rows", "events"}});
  }
  ASSERT_FALSE(next.has_value());
  EXPECT_EQ(next.error().kind, Refusal::kUnavailable);
  EXPECT_EQ(next.error().code, "analytics.too_many_exports");
  ASSERT_FALSE(running.empty());
  running.pop_back();
  EXPECT_TRUE(exported({{"rows", "events"}}).has_value());
}

TEST(Pieces, a_receiver_that_leaves_lets_the_sender_go) {
  for (int round = 0; round < 200; ++round) {
    boost::asio::io_context context;
    query::Pieces pieces(context.get_executor(), std::chrono::hours{1});
    std::atomic<int> taken = 0;
    std::thread sender([&] {
      while (pieces.put("piece")) ++taken;
    });
    while (taken < round % 3) std::this_thread::yield();
    pieces.leave();
    sender.join();
    EXPECT_LE(taken, 2);
    EXPECT_FALSE(pieces.has_stalled());
  }
}

TEST(Pieces, a_receiver_that_stalls_lets_the_sender_go) {
  boost::asio::io_context context;
  query::Pieces pieces(context.get_executor(), std::chrono::milliseconds{1});
  int taken = 0;
  while (pieces.put("piece")) ++taken;
  EXPECT_EQ(taken, 2);
  EXPECT_TRUE(pieces.has_stalled());
}

TEST(Pieces, all_that_is_put_arrives_in_order) {
  std::string received;
  std::string expected;
  for (int i = 0; i < 1'000; ++i) expected += fmt::format("{},", i);
  const auto receive = [&]() -> Task<> {
    query::Pieces pieces(co_await boost::asio::this_coro::executor, std::chrono::hours{1});
    std::jthread sender([&pieces] {
      for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(pieces.put(fmt::format("{},", i)));
      EXPECT_TRUE(pieces.put("end"));
    });
    while (const auto piece = co_await pieces.next()) {
      if (*piece == "end")
        pieces.end();
      else
        received += *piece;
    }
  };
  run(receive());
  EXPECT_EQ(received, expected);
}

TEST_F(ExportTest, wrong_exports_are_refused) {
  EXPECT_EQ(exported({}).error().code, "analytics.bad_export");
  EXPECT_EQ(exported({{"rows", "visits"}}).error().code, "analytics.bad_export");
  EXPECT_EQ(exported({{"format", "xlsx"}, {"rows", "events"}}).error().code, "analytics.bad_export");
  EXPECT_EQ(exported({{"query", R"({"metrics":["visitors"]})"}}).error().code, "analytics.bad_query");
  world_.share_allows = true;
  EXPECT_EQ(exported({{"rows", "events"}}, Role::kNone).error().code, "analytics.no_access");
}

TEST(Csv, text_cannot_be_taken_for_a_formula_or_break_out_of_its_cell) {
  query::CsvWriter csv;
  for (const auto* cell : {"plain", "=1+1", "@x", "-1", "a\"b", "two\r\nlines", ""}) csv.text(cell);
  csv.plain("-5");
  csv.end_row();
  EXPECT_EQ(csv.take(), "plain,\"'=1+1\",\"'@x\",\"'-1\",\"a\"\"b\",\"two\r\nlines\",,-5\r\n");
}

TEST_F(ExportTest, the_ledger_counts_what_was_kept_and_what_was_not) {
  world_.columns().commit(std::vector<columns::Step>{
      columns::Statement{"insert into refusals (site_id, \"at\", source, reason, count, asked_host) values "
                         "(7, timestamp '2026-11-19 10:00:00', 'collector', 'foreign_origin', 2, 'a.example'), "
                         "(7, timestamp '2026-11-19 10:01:00', 'collector', 'foreign_origin', 3, 'a.example'), "
                         "(7, timestamp '2026-11-19 10:02:00', 'collector', 'foreign_origin', 1, 'b.example'), "
                         "(7, timestamp '2026-11-19 10:02:00', 'collector', 'gpc', 4, null), "
                         "(8, timestamp '2026-11-19 10:00:00', 'collector', 'foreign_origin', 9, 'a.example')",
                         {}},
      columns::Statement{
          "insert into bots (site_id, \"at\", event_id, name, category, reason, hostname, path, country, "
          "status) values (7, timestamp '2026-11-19 10:00:00', 1, 'GPTBot', 'ai_crawler', 'list', "
          "'example.com', '/', 'US', 200), (7, timestamp '2026-11-19 11:00:00', 2, 'GPTBot', "
          "'ai_crawler', 'list', 'example.com', '/b', 'US', 200)",
          {}}});
  auto request = world_.request();
  request.path_parameters = {{"site_id", "7"}};
  EXPECT_EQ(
      run(ledger(world_.reports(), request)).value(),
      R"({"accepted":2,"refused":[{"reason":"foreign_origin","source":"collector","host":"a.example","count":5},)"
      R"({"reason":"gpc","source":"collector","host":"","count":4},)"
      R"({"reason":"foreign_origin","source":"collector","host":"b.example","count":1}],)"
      R"("bots":[{"name":"GPTBot","category":"ai_crawler","reason":"list","hits":2}],"set_aside":0,"as_of":"2026-11-21T06:00:00Z"})");
  request.query_parameters = {{"limit", "1"}};
  const auto first = json::parse(run(recent_bots(world_.reports(), request)).value()).value();
  EXPECT_EQ(first.at("items").at(0).at("path"), "/b");
  request.query_parameters.emplace_back("cursor", first.at("next_cursor").get_string());
  const auto second = json::parse(run(recent_bots(world_.reports(), request)).value()).value();
  EXPECT_EQ(second.at("items").at(0).at("path"), "/");
}

TEST_F(ExportTest, a_ledger_names_the_commonest_hosts_and_counts_the_others_too) {
  world_.columns().commit(std::vector<columns::Step>{
      columns::Statement{"insert into refusals (site_id, \"at\", source, reason, count, asked_host) "
                         "select 7, timestamp '2026-11-19 10:00:00', 'collector', 'foreign_origin', range + 2, "
                         "'h' || range || '.example' from range(1500)",
                         {}},
      columns::Statement{"insert into refusals (site_id, \"at\", source, reason, count) "
                         "values (7, timestamp '2026-11-19 10:00:00', 'collector', 'gpc', 1)",
                         {}}});
  auto request = world_.request();
  request.path_parameters = {{"site_id", "7"}};
  const auto refused = json::parse(run(ledger(world_.reports(), request)).value())->at("refused").as_array();
  std::int64_t total = 0;
  for (const auto& row : refused) total += row.at("count").as_int64();
  EXPECT_EQ(total, 1 + 1499 * 1500 / 2 + 2 * 1500);
  ASSERT_EQ(refused.size(), 22U);
  EXPECT_EQ(refused[0].at("host"), "") << "1480 of them";
  EXPECT_EQ(refused[1].at("host"), "h1499.example");
  EXPECT_EQ(refused[21].at("reason"), "gpc");
}

}  // namespace
}  // namespace mainstay::analytics
