#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.h"
#include "base/principal.h"
#include "modules/analytics/model.h"
#include "modules/analytics/sites/directory.h"
#include "ports/bus/bus.h"
#include "ports/clock/clock.h"
#include "ports/random/random.h"
#include "ports/sql/sql.h"

namespace mainstay::analytics {

/// What holds the hits of sites; fulfilled by app/ over column store and processor.
class SiteData {
 public:
  virtual ~SiteData() = default;
  /// Deletes everything measured for `site`. May be asked again for the same one.
  virtual Task<> erase(SiteId site) = 0;
};

/// What a new site needs; the rest has defaults (model.h). Hosts default to the domain and its sub-domains.
struct NewSite {
  std::string domain;
  std::string timezone;
  std::optional<std::string> name;  ///< defaults to the domain
};

/// Edits; what is absent stays.
struct ExcludedChange {
  std::optional<std::vector<std::string>> networks;
  std::optional<std::vector<std::string>> paths;
  std::optional<std::vector<std::string>> hosts;
  std::optional<std::vector<std::string>> countries;
};
struct CollectChange {
  std::optional<bool> referrer;
  std::optional<bool> campaign;
  std::optional<PlaceDetail> place;
  std::optional<bool> agent;
  std::optional<bool> screen;
  std::optional<bool> language;
  std::optional<bool> engagement;
  std::optional<bool> properties;
  std::optional<bool> vitals;
};
struct SiteChange {
  std::optional<std::string> domain;
  std::optional<std::string> name;
  std::optional<std::vector<std::string>> hosts;  ///< when only the domain changes, its default hosts are added
  std::optional<std::string> timezone;
  std::optional<std::string> script_path;
  ExcludedChange excluded;
  CollectChange collect;
  std::optional<bool> honour_dnt;
  std::optional<bool> honour_gpc;
  std::optional<bool> hash_routing;
  std::optional<std::optional<std::int32_t>> retention_days;  ///< the inner nothing: keep for ever
};

/// What to paste into a page.
struct Snippet {
  std::string html;
  std::string noscript;
};

/// The sites and their settings. Reading needs kReadReports, changing kManageSites (kForbidden `analytics.forbidden`);
/// `Site::key` is empty for who may not manage. Every change is in the directory's snapshot before it returns.
/// Threads: any. Throws Unavailable.
class SiteService {
 public:
  static constexpr std::size_t kSitesMax = 10'000;
  static constexpr std::size_t kPinsMax = 100;

  /// All references outlive the service.
  SiteService(sql::Database& database, clock::Clock& clock, random::Random& random, Directory& directory,
              SiteData& data, bus::Bus& bus);

  /// Refuses kInvalid `analytics.bad_site` with the fields at fault, kConflict `analytics.domain_taken`,
  /// kExhausted `analytics.too_many_sites`.
  [[nodiscard]] Task<Result<Site>> create(Principal principal, NewSite site);
  /// Those that the principal's user has pinned, in that order, then the others by domain.
  struct Listed {
    Site site;
    bool pinned = false;
  };
  [[nodiscard]] Task<Result<std::vector<Listed>>> list(Principal principal);
  /// Pins `sites`, in this order, in place of those that were. Refuses kInvalid `analytics.bad_pins` for one that is
  /// named twice or is none, or for more than kPinsMax.
  [[nodiscard]] Task<Result<>> pin(Principal principal, std::vector<SiteId> sites);
  /// Refuses kNotFound `analytics.unknown_site`.
  [[nodiscard]] Task<Result<Site>> get(Principal principal, SiteId site);
  /// True while there is such a site. Asks no permission; costs no database.
  [[nodiscard]] bool exists(SiteId site) const;
  /// By decimal id or domain.
  [[nodiscard]] Task<Result<Site>> find(Principal principal, std::string id_or_domain);
  /// Applies all of `change` or nothing. With `expected_version`, refuses kConflict `analytics.version_mismatch` when
  /// the site was changed since. Otherwise refuses as `create` and `get`.
  [[nodiscard]] Task<Result<Site>> change(Principal principal, SiteId site, SiteChange change,
                                          std::optional<std::int64_t> expected_version);
  /// Gives the site a new key; the one before is refused from the moment it returns. Refuses as `get`.
  [[nodiscard]] Task<Result<Site>> renew_key(Principal principal, SiteId site);
  /// Deletes the site, what belongs to it, and its data. `confirm` repeats the domain; otherwise kInvalid
  /// `analytics.confirm_mismatch`. Live streams of it end, and hits are refused from the moment it returns, also when
  /// erasing the data is finished later by `finish_erasures`.
  [[nodiscard]] Task<Result<>> remove(Principal principal, SiteId site, std::string confirm);
  /// Erases the data of deleted sites that an outage or a stop left behind. Called at start and each minute.
  [[nodiscard]] Task<> finish_erasures();

  /// Remembers when the first hit came; later calls change nothing. For the processor: asks no permission.
  [[nodiscard]] Task<> mark_first_hit(SiteId site, Instant at);
  /// Remembers the first hits that an outage kept `mark_first_hit` from. Called each minute.
  [[nodiscard]] Task<> finish_first_hits();

  /// `origin` is where browsers reach this server: "https://stats.example.org".
  [[nodiscard]] Task<Result<Snippet>> snippet(Principal principal, SiteId site, std::string origin);

 private:
  [[nodiscard]] Task<> erase(SiteId site);

  sql::Database& database_;
  clock::Clock& clock_;
  random::Random& random_;
  Directory& directory_;
  SiteData& data_;
  bus::Bus& bus_;
  std::mutex first_hits_mutex_;
  std::map<SiteId, Instant> first_hits_;  ///< that are not in the database yet
};

}  // namespace mainstay::analytics
