#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "ports/clock/clock.h"

/// What every clock promises. A clock's test instantiates `ClockContract` with a factory, in one source file.
namespace mainstay::clock {

class ClockContract : public ::testing::TestWithParam<std::function<std::unique_ptr<Clock>()>> {
 protected:
  std::unique_ptr<Clock> clock_ = GetParam()();
};

TEST_P(ClockContract, monotonic_time_never_steps_back) {
  auto before = clock_->monotonic();
  for (int i = 0; i < 10'000; ++i) {
    const auto now = clock_->monotonic();
    ASSERT_LE(before, now);
    before = now;
  }
}

TEST_P(ClockContract, civil_time_lies_in_this_era) {
  EXPECT_GT(clock_->now(), parse_rfc3339("2020-01-01T00:00:00Z").value());
  EXPECT_LT(clock_->now(), parse_rfc3339("2200-01-01T00:00:00Z").value());
}

}  // namespace mainstay::clock
