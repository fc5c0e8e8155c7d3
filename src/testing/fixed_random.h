#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>

#include "ports/random/random.h"

namespace mainstay::testing {

/// Draws the same bytes in every run (SplitMix64, Steele et al. 2014); another seed, other bytes. Any thread.
class FixedRandom final : public random::Random {
 public:
  explicit FixedRandom(std::uint64_t seed = 1) : state_(seed) {}

  void fill(std::span<std::byte> bytes) override {
    const std::scoped_lock lock(mutex_);
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (i % sizeof word == 0) word = next();
      bytes[i] = static_cast<std::byte>(word >> (8 * (i % sizeof word)));
    }
  }

 private:
  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }

  std::mutex mutex_;
  std::uint64_t state_;
};

}  // namespace mainstay::testing
