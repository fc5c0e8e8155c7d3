#include "modules/analytics/day_sets.h"

#include <gtest/gtest.h>

namespace mainstay::analytics {
namespace {

class DaySetsTest : public ::testing::Test {
 protected:
  /// So many different hashes of a day.
  void insert(std::int32_t day, std::uint64_t count) {
    for (std::uint64_t hash = 1; hash <= count; ++hash) sets_.insert(day, hash);
  }
  int loaded_ = 0;
  DaySets sets_{[this](std::int32_t day) {
                  ++loaded_;
                  return day == 9 ? std::vector<std::uint64_t>{1, 2, 3} : std::vector<std::uint64_t>{};
                },
                2};
};

TEST_F(DaySetsTest, a_hash_is_new_once_whether_it_was_inserted_or_stored) {
  EXPECT_TRUE(sets_.insert(1, 7));
  EXPECT_FALSE(sets_.insert(1, 7));
  EXPECT_TRUE(sets_.insert(2, 7)) << "of another day";
  EXPECT_FALSE(sets_.insert(9, 3)) << "the store has it";
}

TEST_F(DaySetsTest, what_is_not_marked_stays_and_the_rest_goes_oldest_first) {
  for (std::int32_t day = 1; day <= 3; ++day) insert(day, 1);
  sets_.trim();
  insert(1, 1);
  EXPECT_EQ(loaded_, 3) << "none went: they are not in the store yet";
  sets_.mark();
  sets_.trim();
  insert(2, 1);
  EXPECT_EQ(loaded_, 4) << "the day used longest ago went";
}

TEST_F(DaySetsTest, few_days_free_nothing_however_many_hashes_they_have) {
  insert(1, 100);
  insert(2, 100);
  EXPECT_EQ(sets_.hashes_to_free(), 0U);
}

TEST_F(DaySetsTest, of_many_days_all_but_the_largest_are_to_be_freed) {
  insert(1, 100);
  insert(2, 10);
  insert(3, 50);
  insert(9, 1);  // which is one of three
  EXPECT_EQ(sets_.hashes_to_free(), 13U);
  sets_.mark();
  EXPECT_EQ(sets_.hashes_to_free(), 0U) << "none of them waits for the store any more";
  sets_.trim();
  insert(4, 5);
  EXPECT_EQ(sets_.hashes_to_free(), 0U);
}

}  // namespace
}  // namespace mainstay::analytics
