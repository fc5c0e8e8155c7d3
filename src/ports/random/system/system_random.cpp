#include "ports/random/system/system_random.h"

#include <sodium.h>

#include "base/failure.h"

namespace mainstay::random::system {

SystemRandom::SystemRandom() {
  if (sodium_init() < 0) throw Unavailable("the kernel's random number generator does not answer");
}

void SystemRandom::fill(std::span<std::byte> bytes) {
  if (!bytes.empty()) randombytes_buf(bytes.data(), bytes.size());
}

}  // namespace mainstay::random::system
