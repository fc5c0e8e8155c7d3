#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/failure.h"
#include "base/hash.h"
#include "ports/clock/clock.h"

namespace mainstay::http {

/// Limits how often one client may ask: one token bucket per key.
///
/// Lifetime: one per listener or purpose, made by app/ or a module. Threads: any; locks briefly.
/// Memory: at most `keys_max` buckets; the fullest of a few makes room for a new one, so it can admit too much,
/// never too little. Source: RFC 6585 §4 (429), RFC 9110 §10.2.3 (Retry-After).
class RateLimit {
 public:
  struct Options {
    double tokens_per_second = 10;   ///< refill, > 0
    double burst_tokens = 20;        ///< bucket size, >= 1
    std::size_t keys_max = 100'000;  ///< >= 1; 16 bytes each
    HashKey hash_key{};              ///< random, so that nobody can choose names that share another one's bucket
  };
  /// Throws std::invalid_argument when an option is outside its range.
  RateLimit(clock::Clock& clock, Options options);
  ~RateLimit();
  RateLimit(const RateLimit&) = delete;
  RateLimit& operator=(const RateLimit&) = delete;

  /// Takes `tokens` from the bucket of `key` (an address or a token id; not kept as text), or none of them: a refusal
  /// costs nothing. More than a bucket holds count as a full one.
  /// Refuses: kExhausted `http.rate_limited`, with `retry_after` until there are so many.
  [[nodiscard]] Result<> admit(std::string_view key, std::size_t tokens = 1);

  /// Buckets that are not full.
  [[nodiscard]] std::size_t size() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::http
