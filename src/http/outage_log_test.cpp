#include "http/outage_log.h"

#include <gtest/gtest.h>

namespace mainstay::http {
namespace {

using std::chrono::seconds;

TEST(OutageLog, the_first_is_told_and_then_one_a_minute_with_how_many_there_were) {
  OutageLog log;
  const OutageLog::Clock::time_point begin{};
  EXPECT_EQ(log.count(begin), 1U);
  EXPECT_EQ(log.count(begin), std::nullopt);
  EXPECT_EQ(log.count(begin + seconds{59}), std::nullopt);
  EXPECT_EQ(log.count(begin + seconds{60}), 3U);
  EXPECT_EQ(log.count(begin + seconds{61}), std::nullopt);
  EXPECT_EQ(log.count(begin + seconds{3600}), 2U) << "an outage that ended long ago";
}

}  // namespace
}  // namespace mainstay::http
