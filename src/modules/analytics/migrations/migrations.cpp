#include "modules/analytics/migrations/migrations.h"

#include <array>

namespace mainstay::analytics {
namespace {

constexpr std::string_view kSites = R"sql(
create table analytics_sites (
  id bigint primary key not null,
  domain text not null unique,
  name text not null,
  site_key text not null unique,
  hosts text not null,
  timezone text not null,
  created_at bigint not null,
  first_hit_at bigint,
  script_path text not null,
  excluded text not null,
  collect text not null,
  honour_dnt bigint not null,
  honour_gpc bigint not null,
  hash_routing bigint not null,
  retention_days bigint,
  version bigint not null
);
create table analytics_erasures (
  site_id bigint primary key not null,
  requested_at bigint not null
);
create table analytics_goals (
  id bigint primary key not null,
  site_id bigint not null references analytics_sites (id) on delete cascade,
  kind text not null,
  event_name text not null,
  page_pattern text not null,
  scroll_depth bigint not null,
  display_name text not null,
  unique (site_id, display_name)
);
create table analytics_annotations (
  id bigint primary key not null,
  site_id bigint not null references analytics_sites (id) on delete cascade,
  happened_at bigint not null,
  body text not null
);
create index analytics_annotations_site on analytics_annotations (site_id, happened_at);
create table analytics_shares (
  id bigint primary key not null,
  site_id bigint not null references analytics_sites (id) on delete cascade,
  name text not null,
  token text not null unique,
  password text not null,
  grant_key {{blob}} not null,
  created_at bigint not null
);
create index analytics_shares_site on analytics_shares (site_id);
)sql";

constexpr std::string_view kSalts = R"sql(
create table analytics_salts (
  day bigint primary key not null,
  salt {{blob}} not null,
  created_at bigint not null
);
)sql";

/// A user's pinned sites, by place. A user is only a number here: identity keeps its own tables.
constexpr std::string_view kPins = R"sql(
create table analytics_pins (
  user_id bigint not null,
  site_id bigint not null references analytics_sites (id) on delete cascade,
  place bigint not null,
  primary key (user_id, site_id)
);
)sql";

constexpr std::array kMigrations{
    sql::Migration{.module = "analytics", .number = 1, .name = "sites", .text = kSites},
    sql::Migration{.module = "analytics", .number = 2, .name = "salts", .text = kSalts},
    sql::Migration{.module = "analytics", .number = 3, .name = "pins", .text = kPins},
};

}  // namespace

std::span<const sql::Migration> migrations() { return kMigrations; }

}  // namespace mainstay::analytics
