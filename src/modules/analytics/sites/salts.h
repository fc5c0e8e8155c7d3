#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "base/hash.h"
#include "base/time.h"
#include "ports/clock/clock.h"
#include "ports/random/random.h"
#include "ports/sql/sql.h"

namespace mainstay::analytics {

/// What visitor ids of one UTC day are keyed with. Overwritten in memory when the last holder lets go:
/// hold it for one hit or one batch, never longer.
struct DaySalts {
  HashKey today{};
  std::optional<HashKey> before;  ///< of the day before, only to carry a visit over midnight

  DaySalts() = default;
  ~DaySalts();
  DaySalts(const DaySalts&) = delete;
  DaySalts& operator=(const DaySalts&) = delete;
};

/// One random salt a UTC day, made when it is first asked for and destroyed `kSaltAge` later, whatever day it
/// is for: so neither we nor anybody with the database can tell who a visitor was. A later import of a day whose salt
/// is gone gets a new one. Threads: any. Throws Unavailable.
class Salts {
 public:
  static constexpr hours kSaltAge{48};
  static constexpr std::size_t kDaysMax =
      4096;  ///< kept in memory; beyond, the oldest day is read again when asked for

  Salts(sql::Database& database, clock::Clock& clock, random::Random& random);

  /// The salts of `day` (days since 1970-01-01 UTC); makes the day's if there is none. The day before's is never made
  /// here: it is there only if that day was seen. Two processes on one database agree.
  [[nodiscard]] Task<std::shared_ptr<const DaySalts>> for_day(std::int32_t day);

  /// The same without a database, or nullptr when `for_day` has not been asked for it. For the hot path: a lock is held
  /// for a look-up only.
  [[nodiscard]] std::shared_ptr<const DaySalts> cached(std::int32_t day) const;

  /// Destroys what is older than kSaltAge at `now`, on disk and in memory. Called each minute.
  [[nodiscard]] Task<> prune(Instant now);

 private:
  struct Loaded {
    Instant created_at;
    std::optional<Instant> before_created_at;
    std::shared_ptr<const DaySalts> salts;
  };
  void keep(std::int32_t day, Loaded loaded);

  sql::Database& database_;
  clock::Clock& clock_;
  random::Random& random_;
  mutable std::mutex mutex_;
  std::uint64_t pruned_ = 0;  ///< grows with each prune, so that what was read before it is not kept
  std::map<std::int32_t, Loaded> days_;
};

}  // namespace mainstay::analytics
