#include "modules/identity/throttle.h"

#include <gtest/gtest.h>

#include "testing/manual_clock.h"

namespace mainstay::identity {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

struct ThrottleTest : ::testing::Test {
  testing::ManualClock clock;
  Throttle throttle{clock};

  int tries_until_refused(const std::string& subject, const std::string& address, int limit) {
    for (int i = 0; i < limit; ++i) {
      if (!throttle.take(subject, address)) return i;
    }
    return limit;
  }
  /// `count` networks that have tried nothing yet.
  static std::string network(int number) { return fmt::format("10.{}.{}.1", number / 250, number % 250); }
};

TEST_F(ThrottleTest, each_further_failure_doubles_the_wait_up_to_an_hour) {
  EXPECT_EQ(tries_until_refused("ana", "192.0.2.1", 10), 5);
  milliseconds expected = seconds{30};
  for (int i = 0; i < 12; ++i) {
    const auto refused = throttle.take("ana", "192.0.2.1");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().retry_after, expected);
    clock.advance(expected);
    ASSERT_TRUE(throttle.take("ana", "192.0.2.1")) << i;
    expected = std::min<milliseconds>(expected * 2, hours{1});
  }
}

TEST_F(ThrottleTest, a_success_forgets_the_failures_of_that_pair) {
  tries_until_refused("ana", "192.0.2.1", 5);
  throttle.succeeded("ana", "192.0.2.1");
  EXPECT_EQ(tries_until_refused("ana", "192.0.2.1", 10), 5);
}

TEST_F(ThrottleTest, one_network_tries_twenty_accounts_then_waits) {
  int tried = 0;
  for (int i = 0; i < 30; ++i) tried += throttle.take(fmt::format("user{}", i), "192.0.2.1") ? 1 : 0;
  EXPECT_EQ(tried, 20);
  EXPECT_TRUE(throttle.take("user", "192.0.2.2"));
  clock.advance(seconds{30});
  EXPECT_TRUE(throttle.take("more", "192.0.2.1"));
  EXPECT_FALSE(throttle.take("evenmore", "192.0.2.1"));
}

TEST_F(ThrottleTest, the_64_bits_of_an_ipv6_network_count_as_one_and_mapped_ipv4_as_ipv4) {
  EXPECT_EQ(network_of("2001:db8:1:2::1"), network_of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  EXPECT_NE(network_of("2001:db8:1:2::1"), network_of("2001:db8:1:3::1"));
  EXPECT_EQ(network_of("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(network_of(std::string(1000, 'x')).size(), 64U);
  EXPECT_EQ(tries_until_refused("ana", "2001:db8::1", 10), 5);
  EXPECT_FALSE(throttle.take("ana", "2001:db8::2"));
}

TEST_F(ThrottleTest, many_networks_cannot_guess_one_account_without_end_nor_lock_its_owner_out) {
  ASSERT_TRUE(throttle.take("ana", "192.0.2.1"));
  throttle.succeeded("ana", "192.0.2.1");
  int tried = 0;
  for (int i = 0; i < 300; ++i) tried += throttle.take("ana", network(i)) ? 1 : 0;
  EXPECT_EQ(tried, 100);
  EXPECT_FALSE(throttle.take("ana", "198.51.100.1"));
  EXPECT_TRUE(throttle.take("ana", "192.0.2.1")) << "the owner's own network";
}

TEST_F(ThrottleTest, a_try_that_was_not_judged_does_not_count) {
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(throttle.take("ana", "192.0.2.1")) << i;
    throttle.give_back("ana", "192.0.2.1");
  }
}

TEST_F(ThrottleTest, failures_are_forgotten_after_a_day) {
  tries_until_refused("ana", "192.0.2.1", 5);
  clock.advance(hours{24});
  EXPECT_EQ(tries_until_refused("ana", "192.0.2.1", 10), 5);
}

TEST_F(ThrottleTest, a_flood_of_names_and_networks_keeps_the_trusted_pair) {
  tries_until_refused("ana", "192.0.2.1", 1);
  throttle.succeeded("ana", "192.0.2.1");
  const auto flood = static_cast<int>(Throttle::kEntriesMax) + 100;
  for (int i = 0; i < flood; ++i) {
    static_cast<void>(
        throttle.take(fmt::format("user{}", i), fmt::format("10.{}.{}.{}", i >> 16, (i >> 8) & 255, i & 255)));
  }
  for (int i = 0; i < 300; ++i) static_cast<void>(throttle.take("ana", network(i)));
  EXPECT_TRUE(throttle.take("ana", "192.0.2.1"));
}

}  // namespace
}  // namespace mainstay::identity
