#include "modules/analytics/collector/collector.h"

#include <gtest/gtest.h>

#include "modules/analytics/migrations/migrations.h"
#include "modules/analytics/query/rollups.h"
#include "modules/analytics/tables.h"
#include "ports/bus/local/local_bus.h"
#include "ports/columns/duckdb/duckdb_columns.h"
#include "ports/stream/embedded/embedded.h"
#include "testing/country_file.h"
#include "testing/engines.h"
#include "testing/fixed_random.h"
#include "testing/manual_clock.h"
#include "testing/one_site.h"
#include "testing/run_task.h"
#include "testing/temporary_folder.h"

namespace mainstay::analytics {
namespace {

constexpr std::string_view kKey = "sk_of_the_site";

class CollectorTest : public ::testing::Test {
 protected:
  CollectorTest() {
    Site site = *sites_.snapshot()->find("7");
    site.key = kKey;
    sites_.show(site);
    columns_->create(tables());
    columns_->create(rollup_tables());
    processor_.start();
  }
  ~CollectorTest() override { processor_.stop(); }

  /// So many page views in one request; the code of the refusal, or "".
  std::string send(std::size_t events, const std::string& client, std::string_view key = "") {
    http::Request request;
    request.client_address = client;
    request.headers.add("Origin", "https://example.com");
    if (!key.empty()) request.headers.add("X-Site-Key", key);
    std::vector<BeaconEvent> sent(events);
    for (auto& event : sent) {
      event.site = "7";
      event.url = "https://example.com/";
    }
    const auto taken = testing::run(collector_.take(request, std::move(sent)));
    return taken ? "" : std::string{taken.error().code};
  }

  testing::TemporaryFolder folder_;
  testing::FixedRandom random_;
  testing::ManualClock clock_;
  metrics::Registry metrics_;
  bus::local::LocalBus bus_;
  testing::OneSite sites_;
  testing::TestDatabase place_{testing::Engine::kSqlite};
  std::unique_ptr<sql::Database> database_ = place_.open(analytics::migrations());
  Salts salts_{*database_, clock_, random_};
  Agents agents_;
  Places places_{testing::country_file()};
  Generaliser generaliser_{agents_, places_, random_};
  std::unique_ptr<columns::Columns> columns_ =
      columns::duckdb::open({.folder = folder_.path() / "columns", .export_folder = {}});
  std::unique_ptr<stream::Stream> stream_ =
      stream::embedded::open({.folder = folder_.path() / "queue", .clock = &clock_});
  Processor processor_{{.stream = *stream_,
                        .columns = *columns_,
                        .bus = bus_,
                        .clock = clock_,
                        .random = random_,
                        .metrics = metrics_,
                        .sites = sites_,
                        .on_first_hit = {}},
                       {.flush_every = std::chrono::hours{1}}};
  Collector collector_{{.stream = *stream_,
                        .clock = clock_,
                        .random = random_,
                        .metrics = metrics_,
                        .sites = sites_,
                        .salts = salts_,
                        .processor = processor_,
                        .generaliser = generaliser_},
                       {.events_per_second = 10, .events_burst = 100}};
};

TEST_F(CollectorTest, events_of_one_address_are_limited_and_a_request_is_taken_whole_or_costs_nothing) {
  EXPECT_EQ(send(60, "198.51.100.1"), "");
  EXPECT_EQ(send(41, "198.51.100.1"), "http.rate_limited");
  EXPECT_EQ(send(40, "198.51.100.1"), "") << "the refusal took none";
  EXPECT_EQ(send(1, "198.51.100.1"), "http.rate_limited");
  EXPECT_EQ(send(1, "198.51.100.2"), "") << "another address";
  clock_.advance(std::chrono::seconds{4});
  EXPECT_EQ(send(40, "198.51.100.1"), "");
  EXPECT_EQ(send(1, "198.51.100.1"), "http.rate_limited");
  EXPECT_NE(metrics_.render().find("mainstay_analytics_hits_total 141\n"), std::string::npos)
      << "of a refused request nothing is stored";
}

TEST_F(CollectorTest, this_machine_and_who_has_the_key_are_not_limited) {
  for (const auto* client : {"127.0.0.1", "127.8.9.10", "::1"}) {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(send(100, client), "") << client;
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(send(100, "198.51.100.1", kKey), "");
  EXPECT_EQ(send(100, "198.51.100.1"), "") << "events with the key took none";
}

TEST_F(CollectorTest, a_wrong_key_is_told_from_a_missing_one) {
  EXPECT_EQ(send(1, "198.51.100.1", "sk_of_another"), "analytics.wrong_site_key");
  http::Request request;
  request.client_address = "198.51.100.1";
  BeaconEvent event;
  event.site = "7";
  event.url = "https://example.com/";
  const auto taken = testing::run(collector_.take(request, {event}));
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, "analytics.site_key_required");
}

}  // namespace
}  // namespace mainstay::analytics
