#include "modules/identity/migrations.h"

#include <array>

namespace mainstay::identity {
namespace {

constexpr std::string_view kUsers = R"sql(
create table identity_users (
  id bigint primary key not null,
  email text not null unique,
  name text not null,
  role text not null,
  password text not null,
  created_at bigint not null,
  password_changed_at bigint not null
);
create table identity_sessions (
  id_hash text primary key not null,
  user_id bigint not null references identity_users (id) on delete cascade,
  remembered bigint not null,
  created_at bigint not null,
  seen_at bigint not null,
  expires_at bigint not null
);
create index identity_sessions_user on identity_sessions (user_id, seen_at);
create index identity_sessions_expiry on identity_sessions (expires_at);
create table identity_tokens (
  id bigint primary key not null,
  user_id bigint not null references identity_users (id) on delete cascade,
  name text not null,
  prefix text not null,
  secret_hash text not null unique,
  created_at bigint not null,
  last_used_at bigint,
  expires_at bigint
);
create index identity_tokens_user on identity_tokens (user_id);
)sql";

constexpr std::array kMigrations{
    sql::Migration{.module = "identity", .number = 1, .name = "users", .text = kUsers},
};

}  // namespace

std::span<const sql::Migration> migrations() { return kMigrations; }

}  // namespace mainstay::identity
