#include "http/detail/timer_wheel.h"

#include <gtest/gtest.h>

namespace mainstay::http::detail {
namespace {

using namespace std::chrono_literals;

struct Alarm final : TimerWheel::Entry {
  void expire() override { ++rings; }
  int rings = 0;
};

int ticks_until(TimerWheel& wheel, const Alarm& alarm) {
  for (int ticks = 1; ticks < 5000; ++ticks) {
    wheel.advance();
    if (alarm.rings > 0) return ticks;
  }
  return -1;
}

TEST(TimerWheel, never_rings_early_and_at_most_two_ticks_late) {
  for (const auto after : {1ms, 100ms, 101ms, 5'000ms, 102'400ms, 300'000ms}) {
    TimerWheel wheel;
    Alarm alarm;
    wheel.arm(alarm, after);
    const auto passed = ticks_until(wheel, alarm) * TimerWheel::kTick;
    EXPECT_GE(passed, after);
    EXPECT_LE(passed, after + 2 * TimerWheel::kTick);
    EXPECT_TRUE(wheel.empty());
  }
}

TEST(TimerWheel, a_deadline_can_be_moved_back_and_forth) {
  TimerWheel wheel;
  Alarm alarm;
  wheel.arm(alarm, 1'000ms);
  wheel.arm(alarm, 60'000ms);
  for (int i = 0; i < 590; ++i) wheel.advance();
  EXPECT_EQ(alarm.rings, 0);
  wheel.arm(alarm, 100ms);
  EXPECT_LE(ticks_until(wheel, alarm), 2);
  for (int i = 0; i < 2000; ++i) wheel.advance();
  EXPECT_EQ(alarm.rings, 1);
}

TEST(TimerWheel, what_is_disarmed_or_gone_does_not_ring) {
  TimerWheel wheel;
  Alarm disarmed;
  wheel.arm(disarmed, 100ms);
  {
    Alarm gone;
    wheel.arm(gone, 100ms);
  }
  wheel.disarm(disarmed);
  EXPECT_TRUE(wheel.empty());
  for (int i = 0; i < 10; ++i) wheel.advance();
  EXPECT_EQ(disarmed.rings, 0);
}

struct Ender final : TimerWheel::Entry {
  std::unique_ptr<Alarm> other = std::make_unique<Alarm>();
  void expire() override { other.reset(); }
};

TEST(TimerWheel, one_that_rings_may_end_another) {
  TimerWheel wheel;
  Ender enders[3];
  for (auto& ender : enders) wheel.arm(*ender.other, 200ms);
  for (auto& ender : enders) wheel.arm(ender, 200ms);
  for (int i = 0; i < 5; ++i) wheel.advance();
  EXPECT_TRUE(wheel.empty());
}

}  // namespace
}  // namespace mainstay::http::detail
