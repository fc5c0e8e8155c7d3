#include "modules/analytics/sites/directory.h"

#include "base/time.h"
#include "modules/analytics/sites/store.h"

namespace mainstay::analytics {

Directory::Directory(sql::Database& database) : database_(database), snapshot_(std::make_shared<const SiteMap>()) {}

std::shared_ptr<const SiteMap> Directory::snapshot() const {
  const std::scoped_lock lock(mutex_);
  return snapshot_;
}

Task<> Directory::load() {
  std::uint64_t ticket = 0;
  {
    const std::scoped_lock lock(mutex_);
    ticket = ++begun_;
  }
  auto map = std::make_shared<SiteMap>();
  std::vector<Site> sites;
  co_await database_.read([&](sql::Tx& tx) {
    sites = store::all_sites(tx);
    map->goals = store::all_goals(tx);
  });
  // Read while there are descriptors: whoever asks for them later, the processor above all, finds them in memory.
  (void)TimeZone::utc();
  for (auto& site : sites) {
    (void)TimeZone::find(site.timezone);
    auto shared = std::make_shared<const Site>(std::move(site));
    map->by_key_text.emplace(std::to_string(static_cast<std::int64_t>(shared->id)), shared);
    map->by_key_text.emplace(shared->domain, shared);
  }
  const std::scoped_lock lock(mutex_);
  if (ticket < shown_) co_return;
  shown_ = ticket;
  snapshot_ = std::move(map);
}

}  // namespace mainstay::analytics
