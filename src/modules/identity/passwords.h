#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/failure.h"
#include "runtime/blocking_pool.h"

namespace mainstay::identity {

/// Hashes and verifies passwords with argon2id (RFC 9106), in PHC string form.
///
/// Default cost: 64 MiB, 3 passes, 1 lane, 16 bytes of salt, 32 of tag. At most `threads` hashes run at a time
/// and `kInFlightMax` are accepted; one more is refused rather than queued, so memory stays under
/// threads × memory. libsodium maps that memory for each hash and unmaps it after, so the process does not stay big.
/// Threads: any; the work is done on a pool of its own.
class Passwords {
 public:
  static constexpr std::size_t kBytesMin = 8;
  static constexpr std::size_t kBytesMax = 1024;
  static constexpr int kInFlightMax = 8;

  struct Cost {
    unsigned long long passes = 3;
    std::size_t memory_bytes = 64 << 20;
    std::size_t threads = 2;
  };
  Passwords();
  explicit Passwords(Cost cost);

  /// Refuses kInvalid `identity.weak_password` on `field`: shorter than kBytesMin, longer than kBytesMax, or among
  /// the most common ones. There are no other rules (NIST SP 800-63B §5.1.1.2); it is taken exactly as it comes.
  [[nodiscard]] static Result<> check_rules(std::string_view password, std::string field);

  /// The PHC string to store. Refuses kUnavailable `identity.busy`.
  [[nodiscard]] Task<Result<std::string>> hash(std::string password);

  enum class Verdict { kWrong, kRight, kRightButWeak };  ///< weak: hashed at a lower cost, hash again
  /// Compares with a stored PHC string. With an empty one (no such account) it does the same work and says kWrong.
  /// Refuses kUnavailable `identity.busy`.
  [[nodiscard]] Task<Result<Verdict>> verify(std::string stored, std::string password);

 private:
  [[nodiscard]] Verdict judge(const std::string& stored, const std::string& password) const;

  const Cost cost_;
  const std::string decoy_;  ///< a hash of nothing anybody knows, at this cost
  std::atomic<int> in_flight_{0};
  BlockingPool pool_;
};

}  // namespace mainstay::identity
