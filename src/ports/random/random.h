#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace mainstay::random {

/// Port: unpredictable bytes (a CSPRNG), replaceable in tests. Any thread.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::byte> bytes) = 0;

  template <std::size_t kSize>
  [[nodiscard]] std::array<std::byte, kSize> bytes() {
    std::array<std::byte, kSize> result{};
    fill(result);
    return result;
  }
  [[nodiscard]] std::uint64_t number() {
    std::uint64_t result = 0;
    const auto drawn = bytes<sizeof result>();
    std::memcpy(&result, drawn.data(), sizeof result);
    return result;
  }
};

}  // namespace mainstay::random
