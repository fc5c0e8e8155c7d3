#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/text.h"
#include "modules/analytics/model.h"

namespace mainstay::analytics {

/// What the hot paths need to know about all sites: an immutable snapshot, swapped whole after each change.
struct SiteMap {
  using ByText = std::unordered_map<std::string, std::shared_ptr<const Site>, TextHash, std::equal_to<>>;
  ByText by_key_text;                                   ///< by decimal id and by domain
  std::unordered_map<SiteId, std::vector<Goal>> goals;  ///< by display name; none: no entry
  [[nodiscard]] std::shared_ptr<const Site> find(std::string_view id_or_domain) const {
    const auto found = by_key_text.find(id_or_domain);
    return found == by_key_text.end() ? nullptr : found->second;
  }
  [[nodiscard]] std::shared_ptr<const Site> find(SiteId site) const {
    return find(std::to_string(static_cast<std::int64_t>(site)));
  }
  [[nodiscard]] std::vector<Goal> goals_of(SiteId site) const {
    const auto found = goals.find(site);
    return found == goals.end() ? std::vector<Goal>{} : found->second;
  }
};

/// The directory of sites and their goals that collector, processor and query read without a database. Any thread.
class SiteDirectory {
 public:
  virtual ~SiteDirectory() = default;
  [[nodiscard]] virtual std::shared_ptr<const SiteMap> snapshot() const = 0;
};

}  // namespace mainstay::analytics
