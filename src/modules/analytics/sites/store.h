#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "modules/analytics/model.h"
#include "modules/analytics/sites/markers.h"
#include "modules/analytics/sites/shares.h"
#include "ports/sql/sql.h"

/// The SQL of sites and what belongs to them. Each function runs inside the caller's transaction.
namespace mainstay::analytics::store {

[[nodiscard]] std::vector<Site> all_sites(sql::Tx& tx);
[[nodiscard]] std::optional<Site> find_site(sql::Tx& tx, SiteId site);
[[nodiscard]] std::optional<SiteId> find_domain(sql::Tx& tx, std::string_view domain);
[[nodiscard]] std::int64_t count_sites(sql::Tx& tx);
void add_site(sql::Tx& tx, const Site& site);
/// Writes what an edit may change, and the version.
void update_site(sql::Tx& tx, const Site& site);
/// Deletes the site with all that belongs to it, and notes that its data must go.
void remove_site(sql::Tx& tx, SiteId site, Instant now);
void set_first_hit(sql::Tx& tx, SiteId site, Instant at);
[[nodiscard]] std::vector<SiteId> erasures(sql::Tx& tx);
void end_erasure(sql::Tx& tx, SiteId site);

/// In their order.
[[nodiscard]] std::vector<SiteId> pins_of(sql::Tx& tx, UserId user);
void replace_pins(sql::Tx& tx, UserId user, const std::vector<SiteId>& sites);

[[nodiscard]] std::vector<Goal> goals_of(sql::Tx& tx, SiteId site);
[[nodiscard]] std::unordered_map<SiteId, std::vector<Goal>> all_goals(sql::Tx& tx);
void add_goal(sql::Tx& tx, const Goal& goal);
void update_goal(sql::Tx& tx, const Goal& goal);
[[nodiscard]] bool remove_goal(sql::Tx& tx, SiteId site, GoalId goal);

[[nodiscard]] std::vector<Annotation> annotations_of(sql::Tx& tx, SiteId site);
[[nodiscard]] std::int64_t count_annotations(sql::Tx& tx, SiteId site);
void add_annotation(sql::Tx& tx, const Annotation& annotation);
[[nodiscard]] bool remove_annotation(sql::Tx& tx, SiteId site, AnnotationId annotation);

/// A share with its secrets.
struct StoredShare {
  Share share;
  std::string password;  ///< PHC string, or ""
  sql::Bytes grant_key;
};
[[nodiscard]] std::vector<StoredShare> all_shares(sql::Tx& tx);
[[nodiscard]] std::vector<Share> shares_of(sql::Tx& tx, SiteId site);
void add_share(sql::Tx& tx, const StoredShare& share);
[[nodiscard]] bool remove_share(sql::Tx& tx, SiteId site, ShareId share);

}  // namespace mainstay::analytics::store
