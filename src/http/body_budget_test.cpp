#include "http/body_budget.h"

#include <gtest/gtest.h>

namespace mainstay::http {
namespace {

TEST(BodyBudget, shares_are_granted_up_to_the_limit_and_given_back) {
  BodyBudget budget(100);
  {
    BodyBudget::Share one(budget);
    BodyBudget::Share other(budget);
    EXPECT_TRUE(one.grow_to(60));
    EXPECT_FALSE(other.grow_to(41));
    EXPECT_EQ(budget.bytes(), 60U);
    EXPECT_TRUE(other.grow_to(40));
    EXPECT_TRUE(one.grow_to(10)) << "a share does not shrink";
    EXPECT_FALSE(one.grow_to(61));
    EXPECT_EQ(budget.bytes(), 100U);
    EXPECT_FALSE(budget.has_room_for(1));
  }
  EXPECT_EQ(budget.bytes(), 0U);
  EXPECT_TRUE(budget.has_room_for(100));
  EXPECT_FALSE(budget.has_room_for(101));
}

TEST(BodyBudget, a_moved_share_is_given_back_once) {
  BodyBudget budget(100);
  BodyBudget::Share one(budget);
  ASSERT_TRUE(one.grow_to(60));
  {
    BodyBudget::Share taker(std::move(one));
    EXPECT_EQ(budget.bytes(), 60U);
  }
  EXPECT_EQ(budget.bytes(), 0U);
}

TEST(BodyBudget, a_share_of_no_budget_is_granted_everything) {
  BodyBudget::Share share;
  EXPECT_TRUE(share.grow_to(std::size_t{1} << 40));
}

}  // namespace
}  // namespace mainstay::http
