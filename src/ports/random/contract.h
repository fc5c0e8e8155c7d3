#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "ports/random/random.h"

/// What every source of randomness promises. Its test instantiates `RandomContract` with a factory, in one source file.
namespace mainstay::random {

class RandomContract : public ::testing::TestWithParam<std::function<std::unique_ptr<Random>()>> {
 protected:
  std::unique_ptr<Random> random_ = GetParam()();
};

TEST_P(RandomContract, fills_every_byte_and_not_one_more) {
  // A byte that is never written keeps its mark in all of 64 rounds; by chance that happens once in 2^512.
  std::array<bool, 33> changed{};
  for (int round = 0; round < 64; ++round) {
    std::array<std::byte, 35> bytes{};
    bytes.fill(std::byte{0xA5});
    random_->fill(std::span(bytes).subspan(1, 33));
    EXPECT_EQ(bytes.front(), std::byte{0xA5});
    EXPECT_EQ(bytes.back(), std::byte{0xA5});
    for (std::size_t i = 0; i < changed.size(); ++i)
      changed.at(i) = changed.at(i) || bytes.at(i + 1) != std::byte{0xA5};
  }
  for (const bool was_changed : changed) EXPECT_TRUE(was_changed);
}

TEST_P(RandomContract, an_empty_request_is_fine) { random_->fill({}); }

TEST_P(RandomContract, numbers_do_not_repeat_across_threads) {
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kEach = 2'000;
  std::vector<std::vector<std::uint64_t>> drawn(kThreads);
  std::vector<std::thread> threads;
  for (auto& numbers : drawn) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < kEach; ++i) numbers.push_back(random_->number());
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::uint64_t> all;
  for (const auto& numbers : drawn) all.insert(numbers.begin(), numbers.end());
  EXPECT_EQ(all.size(), kThreads * kEach);
}

}  // namespace mainstay::random
