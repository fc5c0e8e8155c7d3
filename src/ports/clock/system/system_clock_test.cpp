#include "ports/clock/system/system_clock.h"

#include <ctime>

#include "ports/clock/contract.h"

namespace mainstay::clock::system {
namespace {

INSTANTIATE_TEST_SUITE_P(System, ClockContract, ::testing::Values([] { return std::make_unique<SystemClock>(); }));

TEST(SystemClock, agrees_with_the_operating_system) {
  SystemClock clock;
  const std::time_t before = std::time(nullptr);
  const auto shown = std::chrono::system_clock::to_time_t(clock.now());
  const std::time_t after = std::time(nullptr);
  EXPECT_LE(before - 1, shown);
  EXPECT_LE(shown, after + 1);
}

}  // namespace
}  // namespace mainstay::clock::system
