#pragma once

#include <memory>
#include <mutex>

#include "modules/analytics/sites/sites.h"

namespace mainstay::testing {

/// A directory of one site: number 7, example.com, until `show` says otherwise. Any thread.
class OneSite final : public analytics::SiteDirectory {
 public:
  OneSite() {
    analytics::Site site;
    site.id = SiteId{7};
    site.domain = "example.com";
    site.hosts = {"example.com"};
    show(site);
  }
  void show(const analytics::Site& site) {
    const auto shown = std::make_shared<const analytics::Site>(site);
    auto map = std::make_shared<analytics::SiteMap>();
    map->by_key_text = {{std::to_string(static_cast<std::int64_t>(site.id)), shown}, {site.domain, shown}};
    const std::scoped_lock lock(mutex_);
    map_ = map;
  }
  /// The site was deleted.
  void hide() {
    const std::scoped_lock lock(mutex_);
    map_ = std::make_shared<const analytics::SiteMap>();
  }
  [[nodiscard]] std::shared_ptr<const analytics::SiteMap> snapshot() const override {
    const std::scoped_lock lock(mutex_);
    return map_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const analytics::SiteMap> map_;
};

}  // namespace mainstay::testing
