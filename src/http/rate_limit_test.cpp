#include "http/rate_limit.h"

#include <gtest/gtest.h>

#include "testing/manual_clock.h"

namespace mainstay::http {
namespace {

using namespace std::chrono_literals;

TEST(RateLimit, admits_a_burst_then_one_at_a_time) {
  testing::ManualClock clock;
  RateLimit limit(clock, {.tokens_per_second = 2, .burst_tokens = 3});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limit.admit("a"));
  const auto refused = limit.admit("a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Refusal::kExhausted);
  EXPECT_EQ(refused.error().code, "http.rate_limited");
  EXPECT_EQ(refused.error().retry_after, 500ms);
  clock.advance(499ms);
  EXPECT_FALSE(limit.admit("a"));
  clock.advance(1ms);
  EXPECT_TRUE(limit.admit("a"));
  EXPECT_FALSE(limit.admit("a"));
}

TEST(RateLimit, a_refusal_costs_nothing) {
  testing::ManualClock clock;
  RateLimit limit(clock, {.tokens_per_second = 1, .burst_tokens = 1});
  EXPECT_TRUE(limit.admit("a"));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(limit.admit("a"));
  clock.advance(1s);
  EXPECT_TRUE(limit.admit("a"));
}

TEST(RateLimit, several_tokens_are_taken_together_or_not_at_all) {
  testing::ManualClock clock;
  RateLimit limit(clock, {.tokens_per_second = 10, .burst_tokens = 10});
  EXPECT_TRUE(limit.admit("a", 6));
  const auto refused = limit.admit("a", 6);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().retry_after, 200ms);
  EXPECT_TRUE(limit.admit("a", 4)) << "the refusal took none";
  EXPECT_FALSE(limit.admit("a"));
  clock.advance(600ms);
  EXPECT_TRUE(limit.admit("a", 6));
}

TEST(RateLimit, more_tokens_than_a_bucket_holds_are_a_full_bucket) {
  testing::ManualClock clock;
  RateLimit limit(clock, {.tokens_per_second = 10, .burst_tokens = 10});
  EXPECT_TRUE(limit.admit("a", 1'000'000));
  EXPECT_FALSE(limit.admit("a", 1'000'000));
  clock.advance(1s);
  EXPECT_TRUE(limit.admit("a", 1'000'000));
}

TEST(RateLimit, a_bucket_never_holds_more_than_its_size) {
  testing::ManualClock clock;
  RateLimit limit(clock, {.tokens_per_second = 1, .burst_tokens = 2});
  clock.advance(24h);
  EXPECT_TRUE(limit.admit("a"));
  EXPECT_TRUE(limit.admit("a"));
  EXPECT_FALSE(limit.admit("a"));
}

TEST(RateLimit, keys_do_not_share_a_bucket) {
  testing::ManualClock clock;
  RateLimit limit(clock, {.tokens_per_second = 1, .burst_tokens = 1});
  EXPECT_TRUE(limit.admit("a"));
  EXPECT_TRUE(limit.admit("b"));
  EXPECT_FALSE(limit.admit("a"));
}

TEST(RateLimit, memory_is_bounded_and_the_fullest_buckets_are_forgotten) {
  testing::ManualClock clock;
  RateLimit limit(clock, {.tokens_per_second = 0.001, .burst_tokens = 1, .keys_max = 160});
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(limit.admit("client " + std::to_string(i)));
  EXPECT_LE(limit.size(), 160U);
  EXPECT_FALSE(limit.admit("client 9999"));
  EXPECT_TRUE(limit.admit("client 0"));
}

TEST(RateLimit, who_has_asked_most_is_not_forgotten_for_others) {
  testing::ManualClock clock;
  RateLimit limit(clock, {.tokens_per_second = 1, .burst_tokens = 10, .keys_max = 160});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(limit.admit("flood"));
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(limit.admit("client " + std::to_string(i)));
  EXPECT_FALSE(limit.admit("flood"));
  clock.advance(1h);
  EXPECT_EQ(limit.size(), 0U);
}

TEST(RateLimit, absurd_options_are_refused) {
  testing::ManualClock clock;
  EXPECT_THROW(RateLimit(clock, {.tokens_per_second = 0}), std::invalid_argument);
  EXPECT_THROW(RateLimit(clock, {.tokens_per_second = -1}), std::invalid_argument);
  EXPECT_THROW(RateLimit(clock, {.burst_tokens = 0}), std::invalid_argument);
  EXPECT_THROW(RateLimit(clock, {.keys_max = 0}), std::invalid_argument);
}

}  // namespace
}  // namespace mainstay::http
