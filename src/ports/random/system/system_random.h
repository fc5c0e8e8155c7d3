#pragma once

#include "ports/random/random.h"

namespace mainstay::random::system {

/// The kernel's generator, through libsodium (`getrandom`). Any thread.
class SystemRandom final : public Random {
 public:
  /// Throws Unavailable when the kernel has no randomness to give.
  SystemRandom();
  void fill(std::span<std::byte> bytes) override;
};

}  // namespace mainstay::random::system
