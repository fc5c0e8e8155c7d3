#include "modules/analytics/sites/salts.h"

#include <sodium.h>

#include <algorithm>

namespace mainstay::analytics {
namespace {

/// Older than allowed; or from so far ahead that somebody must have set the clock back.
bool is_due(Instant created_at, Instant now) {
  return now - created_at >= Salts::kSaltAge || created_at - now >= Salts::kSaltAge;
}

void destroy_due(sql::Tx& tx, Instant now) {
  tx.execute("delete from analytics_salts where created_at <= $1 or created_at >= $2", now - Salts::kSaltAge,
             now + Salts::kSaltAge);
}

HashKey to_key(const sql::Bytes& bytes) {
  HashKey key{};
  if (bytes.size() != key.size()) throw std::logic_error("analytics_salts holds a salt of another size");
  std::ranges::copy(bytes, key.begin());
  return key;
}

std::shared_ptr<const DaySalts> without_before(const DaySalts& salts) {
  auto made = std::make_shared<DaySalts>();
  made->today = salts.today;
  return made;
}

}  // namespace

DaySalts::~DaySalts() {
  sodium_memzero(today.data(), today.size());
  if (before) sodium_memzero(before->data(), before->size());
}

Salts::Salts(sql::Database& database, clock::Clock& clock, random::Random& random)
    : database_(database), clock_(clock), random_(random) {}

std::shared_ptr<const DaySalts> Salts::cached(std::int32_t day) const {
  const std::scoped_lock lock(mutex_);
  const auto found = days_.find(day);
  return found == days_.end() ? nullptr : found->second.salts;
}

Task<std::shared_ptr<const DaySalts>> Salts::for_day(std::int32_t day) {
  const auto now = clock_.now();
  std::uint64_t pruned = 0;
  {
    const std::scoped_lock lock(mutex_);
    pruned = pruned_;
    const auto found = days_.find(day);
    if (found != days_.end() && !is_due(found->second.created_at, now)) co_return found->second.salts;
  }
  auto drawn = random_.bytes<sizeof(HashKey)>();
  const sql::Bytes fresh(drawn.begin(), drawn.end());
  const auto rows = co_await database_.write([&](sql::Tx& tx) {
    destroy_due(tx, now);
    tx.execute("insert into analytics_salts (day, salt, created_at) values ($1, $2, $3) on conflict (day) do nothing",
               day, fresh, now);
    return tx.query("select day, salt, created_at from analytics_salts where day = $1 or day = $2", day,
                    std::int64_t{day} - 1);
  });
  auto salts = std::make_shared<DaySalts>();
  Loaded loaded;
  for (const auto& row : rows) {
    if (row.integer(0) == day) {
      salts->today = to_key(row.bytes(1));
      loaded.created_at = row.instant(2);
    } else {
      salts->before = to_key(row.bytes(1));
      loaded.before_created_at = row.instant(2);
    }
  }
  loaded.salts = salts;
  const std::scoped_lock lock(mutex_);
  if (pruned == pruned_) keep(day, std::move(loaded));
  co_return salts;
}

void Salts::keep(std::int32_t day, Loaded loaded) {
  // The day after may have been asked for first; from now on it knows its day before.
  const auto next = days_.find(day + 1);
  if (next != days_.end() && !next->second.salts->before) {
    auto made = std::make_shared<DaySalts>();
    made->today = next->second.salts->today;
    made->before = loaded.salts->today;
    next->second.salts = std::move(made);
    next->second.before_created_at = loaded.created_at;
  }
  days_.insert_or_assign(day, std::move(loaded));
  if (days_.size() > kDaysMax) days_.erase(days_.begin());
}

Task<> Salts::prune(Instant now) {
  {
    const std::scoped_lock lock(mutex_);
    ++pruned_;
    std::erase_if(days_, [&](const auto& entry) { return is_due(entry.second.created_at, now); });
    for (auto& [day, loaded] : days_) {
      if (!loaded.before_created_at || !is_due(*loaded.before_created_at, now)) continue;
      loaded.before_created_at.reset();
      loaded.salts = without_before(*loaded.salts);
    }
  }
  co_await database_.write([&](sql::Tx& tx) { destroy_due(tx, now); });
}

}  // namespace mainstay::analytics
