#include "modules/analytics/sites/store.h"

#include "modules/analytics/sites/describe.h"

namespace mainstay::analytics::store {
namespace {

constexpr std::string_view kSiteColumns =
    "id, domain, name, site_key, hosts, timezone, created_at, first_hit_at, script_path, excluded, collect, "
    "honour_dnt, honour_gpc, hash_routing, retention_days, version";

/// JSON that this file wrote. Anything else means that somebody edited the database.
template <class T>
T from_json(const std::string& text) {
  auto value = json::read<T>(text);
  if (!value) throw std::logic_error("analytics_sites holds settings this program did not write: " + text);
  return std::move(*value);
}

Site to_site(const sql::Row& row) {
  Site site;
  site.id = row.id<SiteId>(0);
  site.domain = row.text(1);
  site.name = row.text(2);
  site.key = row.text(3);
  site.hosts = from_json<std::vector<std::string>>(row.text(4));
  site.timezone = row.text(5);
  site.created_at = row.instant(6);
  if (!row.is_null(7)) site.first_hit_at = row.instant(7);
  site.script_path = row.text(8);
  site.excluded = from_json<Excluded>(row.text(9));
  site.collect = from_json<Collect>(row.text(10));
  site.honour_dnt = row.boolean(11);
  site.honour_gpc = row.boolean(12);
  site.hash_routing = row.boolean(13);
  if (!row.is_null(14)) site.retention_days = static_cast<std::int32_t>(row.integer(14));
  site.version = row.integer(15);
  return site;
}

Goal to_goal(const sql::Row& row) {
  const auto kind = json::from_value<GoalKind>(json::Value(boost::json::string{row.text(2)}));
  if (!kind) throw std::logic_error("analytics_goals holds an unknown kind: " + row.text(2));
  return {.id = row.integer(0),
          .site = SiteId{row.integer(1)},
          .kind = *kind,
          .event_name = row.text(3),
          .page_pattern = row.text(4),
          .scroll_depth = static_cast<std::int32_t>(row.integer(5)),
          .display_name = row.text(6)};
}

}  // namespace

std::vector<Site> all_sites(sql::Tx& tx) {
  std::vector<Site> sites;
  for (const auto& row : tx.query(fmt::format("select {} from analytics_sites", kSiteColumns))) {
    sites.push_back(to_site(row));
  }
  return sites;
}

std::optional<Site> find_site(sql::Tx& tx, SiteId site) {
  const auto row = tx.find(fmt::format("select {} from analytics_sites where id = $1", kSiteColumns), site);
  if (!row) return std::nullopt;
  return to_site(*row);
}

std::optional<SiteId> find_domain(sql::Tx& tx, std::string_view domain) {
  const auto row = tx.find("select id from analytics_sites where domain = $1", domain);
  if (!row) return std::nullopt;
  return row->id<SiteId>(0);
}

std::int64_t count_sites(sql::Tx& tx) { return tx.find("select count(*) from analytics_sites")->integer(0); }

void add_site(sql::Tx& tx, const Site& site) {
  tx.execute(
      "insert into analytics_sites (id, domain, name, site_key, hosts, timezone, created_at, script_path, excluded, "
      "collect, honour_dnt, honour_gpc, hash_routing, retention_days, version) "
      "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
      site.id, site.domain, site.name, site.key, json::write(site.hosts), site.timezone, site.created_at,
      site.script_path, json::write(site.excluded), json::write(site.collect), site.honour_dnt, site.honour_gpc,
      site.hash_routing, site.retention_days, site.version);
}

void update_site(sql::Tx& tx, const Site& site) {
  tx.execute(
      "update analytics_sites set domain = $2, name = $3, hosts = $4, timezone = $5, script_path = $6, excluded = $7, "
      "collect = $8, honour_dnt = $9, honour_gpc = $10, hash_routing = $11, retention_days = $12, version = $13, "
      "site_key = $14 "
      "where id = $1",
      site.id, site.domain, site.name, json::write(site.hosts), site.timezone, site.script_path,
      json::write(site.excluded), json::write(site.collect), site.honour_dnt, site.honour_gpc, site.hash_routing,
      site.retention_days, site.version, site.key);
}

void remove_site(sql::Tx& tx, SiteId site, Instant now) {
  tx.execute("insert into analytics_erasures (site_id, requested_at) values ($1, $2) on conflict (site_id) do nothing",
             site, now);
  tx.execute("delete from analytics_sites where id = $1", site);
}

std::vector<SiteId> pins_of(sql::Tx& tx, UserId user) {
  std::vector<SiteId> sites;
  for (const auto& row : tx.query("select site_id from analytics_pins where user_id = $1 order by place", user)) {
    sites.push_back(row.id<SiteId>(0));
  }
  return sites;
}

void replace_pins(sql::Tx& tx, UserId user, const std::vector<SiteId>& sites) {
  tx.execute("delete from analytics_pins where user_id = $1", user);
  std::int64_t place = 0;
  for (const auto site : sites) {
    tx.execute("insert into analytics_pins (user_id, site_id, place) values ($1, $2, $3)", user, site, place++);
  }
}

void set_first_hit(sql::Tx& tx, SiteId site, Instant at) {
  tx.execute("update analytics_sites set first_hit_at = $2 where id = $1 and first_hit_at is null", site, at);
}

std::vector<SiteId> erasures(sql::Tx& tx) {
  std::vector<SiteId> sites;
  for (const auto& row : tx.query("select site_id from analytics_erasures order by requested_at")) {
    sites.push_back(row.id<SiteId>(0));
  }
  return sites;
}

void end_erasure(sql::Tx& tx, SiteId site) { tx.execute("delete from analytics_erasures where site_id = $1", site); }

std::vector<Goal> goals_of(sql::Tx& tx, SiteId site) {
  const auto rows = tx.query(
      "select id, site_id, kind, event_name, page_pattern, scroll_depth, display_name from analytics_goals "
      "where site_id = $1 order by display_name collate \"C\"",
      site);
  std::vector<Goal> goals;
  goals.reserve(rows.size());
  for (const auto& row : rows) goals.push_back(to_goal(row));
  return goals;
}

std::unordered_map<SiteId, std::vector<Goal>> all_goals(sql::Tx& tx) {
  std::unordered_map<SiteId, std::vector<Goal>> goals;
  for (const auto& row : tx.query("select id, site_id, kind, event_name, page_pattern, scroll_depth, display_name "
                                  "from analytics_goals order by display_name collate \"C\"")) {
    auto goal = to_goal(row);
    goals[goal.site].push_back(std::move(goal));
  }
  return goals;
}

void add_goal(sql::Tx& tx, const Goal& goal) {
  const auto kind = json::to_value(goal.kind);
  tx.execute(
      "insert into analytics_goals (id, site_id, kind, event_name, page_pattern, scroll_depth, display_name) "
      "values ($1, $2, $3, $4, $5, $6, $7)",
      goal.id, goal.site, std::string{kind.get_string()}, goal.event_name, goal.page_pattern, goal.scroll_depth,
      goal.display_name);
}

void update_goal(sql::Tx& tx, const Goal& goal) {
  const auto kind = json::to_value(goal.kind);
  tx.execute(
      "update analytics_goals set kind = $3, event_name = $4, page_pattern = $5, scroll_depth = $6, display_name = $7 "
      "where id = $1 and site_id = $2",
      goal.id, goal.site, std::string{kind.get_string()}, goal.event_name, goal.page_pattern, goal.scroll_depth,
      goal.display_name);
}

bool remove_goal(sql::Tx& tx, SiteId site, GoalId goal) {
  return tx.execute("delete from analytics_goals where id = $1 and site_id = $2", goal, site) > 0;
}

std::vector<Annotation> annotations_of(sql::Tx& tx, SiteId site) {
  const auto rows = tx.query(
      "select id, happened_at, body from analytics_annotations where site_id = $1 order by happened_at, id", site);
  std::vector<Annotation> annotations;
  annotations.reserve(rows.size());
  for (const auto& row : rows) {
    annotations.push_back({.id = row.integer(0), .site = site, .at = row.instant(1), .text = row.text(2)});
  }
  return annotations;
}

std::int64_t count_annotations(sql::Tx& tx, SiteId site) {
  return tx.find("select count(*) from analytics_annotations where site_id = $1", site)->integer(0);
}

void add_annotation(sql::Tx& tx, const Annotation& annotation) {
  tx.execute("insert into analytics_annotations (id, site_id, happened_at, body) values ($1, $2, $3, $4)",
             annotation.id, annotation.site, annotation.at, annotation.text);
}

bool remove_annotation(sql::Tx& tx, SiteId site, AnnotationId annotation) {
  return tx.execute("delete from analytics_annotations where id = $1 and site_id = $2", annotation, site) > 0;
}

std::vector<StoredShare> all_shares(sql::Tx& tx) {
  std::vector<StoredShare> shares;
  for (const auto& row :
       tx.query("select id, site_id, name, token, password, grant_key, created_at from analytics_shares")) {
    shares.push_back({.share = {.id = row.integer(0),
                                .site = row.id<SiteId>(1),
                                .name = row.text(2),
                                .token = row.text(3),
                                .has_password = !row.text(4).empty(),
                                .created_at = row.instant(6)},
                      .password = row.text(4),
                      .grant_key = row.bytes(5)});
  }
  return shares;
}

std::vector<Share> shares_of(sql::Tx& tx, SiteId site) {
  const auto rows = tx.query(
      "select id, name, token, password, created_at from analytics_shares where site_id = $1 order by created_at, id",
      site);
  std::vector<Share> shares;
  shares.reserve(rows.size());
  for (const auto& row : rows) {
    shares.push_back({.id = row.integer(0),
                      .site = site,
                      .name = row.text(1),
                      .token = row.text(2),
                      .has_password = !row.text(3).empty(),
                      .created_at = row.instant(4)});
  }
  return shares;
}

void add_share(sql::Tx& tx, const StoredShare& stored) {
  tx.execute(
      "insert into analytics_shares (id, site_id, name, token, password, grant_key, created_at) "
      "values ($1, $2, $3, $4, $5, $6, $7)",
      stored.share.id, stored.share.site, stored.share.name, stored.share.token, stored.password, stored.grant_key,
      stored.share.created_at);
}

bool remove_share(sql::Tx& tx, SiteId site, ShareId share) {
  return tx.execute("delete from analytics_shares where id = $1 and site_id = $2", share, site) > 0;
}

}  // namespace mainstay::analytics::store
