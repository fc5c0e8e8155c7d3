#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/failure.h"
#include "ports/clock/clock.h"

namespace mainstay::identity {

/// Slows down guessing of passwords, without letting an attacker lock the owner out.
///
/// A try is counted before the password is looked at, so that parallel tries count too. Three rules, all must agree:
/// - one subject (account, share) from one network: `tries_free` tries, then a wait of `wait_first`, doubled with
///   each further failure up to `wait_max`; forgotten after `memory` without a failure;
/// - one network (IPv4 /32, IPv6 /64) over all subjects: `network_tries`, one comes back each `network_refill`;
/// - one subject over all networks: `subject_tries`, one comes back each `subject_refill`. Not asked where the
///   subject has been let in from the same network before: so who owns the account stays in.
///
/// Names that do not exist count like those that do. State is in memory only, at most `kEntriesMax` of each kind;
/// a restart forgets it. Threads: any.
class Throttle {
 public:
  struct Limits {
    int tries_free = 5;
    std::chrono::microseconds wait_first = std::chrono::seconds{30};
    std::chrono::microseconds wait_max = std::chrono::hours{1};
    std::chrono::microseconds memory = std::chrono::hours{24};
    double network_tries = 20;
    std::chrono::microseconds network_refill = std::chrono::seconds{30};
    double subject_tries = 100;
    std::chrono::microseconds subject_refill = std::chrono::seconds{36};
  };
  static constexpr std::size_t kEntriesMax = 10'000;

  explicit Throttle(clock::Clock& clock);
  Throttle(clock::Clock& clock, Limits limits);

  /// Takes one try. Refuses kExhausted `identity.throttled` with `retry_after`; a refused try costs nothing.
  [[nodiscard]] Result<> take(std::string_view subject, std::string_view address);
  /// The try was right: forgets the failures of this subject from this network, and trusts the pair from now on.
  void succeeded(std::string_view subject, std::string_view address);
  /// The try was not judged (the server was too busy): it does not count.
  void give_back(std::string_view subject, std::string_view address);

 private:
  using Time = std::chrono::microseconds;  ///< of the monotonic clock
  struct Failures {
    int count = 0;
    Time last{};
    bool trusted = false;
  };
  struct Bucket {
    double spent = 0;
    Time at{};
  };
  using Buckets = std::unordered_map<std::string, Bucket>;

  [[nodiscard]] Time wait_of(const Failures& failures, Time now) const;
  [[nodiscard]] static Time wait_of(Buckets& buckets, const std::string& key, double tries, Time refill, Time now);
  static void refund(Buckets& buckets, const std::string& key);
  void make_room(Time now);

  clock::Clock& clock_;
  const Limits limits_;
  std::mutex mutex_;
  std::unordered_map<std::string, Failures> pairs_;
  Buckets networks_;
  Buckets subjects_;
};

/// The network an address is counted under: IPv4 whole, IPv6 by its first 64 bits, anything else as it is.
[[nodiscard]] std::string network_of(std::string_view address);

}  // namespace mainstay::identity
