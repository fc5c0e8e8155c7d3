#include "modules/analytics/collector/collector.h"

#include <gtest/gtest.h>

#include "testing/collector_fixture.h"

namespace mainstay::analytics {
namespace {

constexpr std::string_view kKey = "sk_of_the_site";

class CollectorTest : public testing::CollectorFixture {
 protected:
  CollectorTest() {
    Site site = *sites_.snapshot()->find("7");
    site.key = kKey;
    sites_.show(site);
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

  Processor processor_{processor_ports(*queue_), kWriteWhenAsked};
  Collector collector_{{.stream = *queue_,
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
