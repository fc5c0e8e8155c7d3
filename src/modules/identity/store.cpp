#include "modules/identity/store.h"

namespace mainstay::identity::store {
namespace {

constexpr std::string_view kUserColumns = "id, email, name, role, created_at";

std::string_view to_text(Role role) {
  switch (role) {
    case Role::kNone: return "none";
    case Role::kViewer: return "viewer";
    case Role::kOwner: return "owner";
  }
  return "none";
}

/// What this program does not know has no rights.
Role to_role(std::string_view text) {
  if (text == "owner") return Role::kOwner;
  if (text == "viewer") return Role::kViewer;
  return Role::kNone;
}

User to_user(const sql::Row& row) {
  return {.id = row.id<UserId>(0),
          .email = row.text(1),
          .name = row.text(2),
          .role = to_role(row.text(3)),
          .created_at = row.instant(4)};
}

std::optional<Instant> optional_instant(const sql::Row& row, std::size_t column) {
  if (row.is_null(column)) return std::nullopt;
  return row.instant(column);
}

}  // namespace

bool anybody(sql::Tx& tx) { return tx.find("select 1 from identity_users limit 1").has_value(); }

std::optional<Account> find_account(sql::Tx& tx, std::string_view email) {
  const auto row =
      tx.find(fmt::format("select {}, password from identity_users where email = $1", kUserColumns), email);
  if (!row) return std::nullopt;
  return Account{.user = to_user(*row), .password = row->text(5)};
}

std::optional<User> find_user(sql::Tx& tx, UserId user) {
  const auto row = tx.find(fmt::format("select {} from identity_users where id = $1", kUserColumns), user);
  if (!row) return std::nullopt;
  return to_user(*row);
}

void add_user(sql::Tx& tx, const User& user, std::string_view password) {
  tx.execute(
      "insert into identity_users (id, email, name, role, password, created_at, password_changed_at) "
      "values ($1, $2, $3, $4, $5, $6, $6)",
      user.id, user.email, user.name, to_text(user.role), password, user.created_at);
}

void replace_password(sql::Tx& tx, UserId user, std::string_view former, std::string_view password) {
  tx.execute("update identity_users set password = $3 where id = $1 and password = $2", user, former, password);
}

void add_session(sql::Tx& tx, std::string_view id_hash, const Session& session) {
  tx.execute(
      "insert into identity_sessions (id_hash, user_id, remembered, created_at, seen_at, expires_at) "
      "values ($1, $2, $3, $4, $4, $5)",
      id_hash, session.user, session.lifetime == Lifetime::kRemembered, session.created_at, session.expires_at);
}

std::optional<UserId> remove_session(sql::Tx& tx, std::string_view id_hash) {
  const auto row = tx.find("delete from identity_sessions where id_hash = $1 returning user_id", id_hash);
  if (!row) return std::nullopt;
  return row->id<UserId>(0);
}

void remove_dead_sessions(sql::Tx& tx, Instant now) {
  tx.execute("delete from identity_sessions where expires_at <= $1 or (remembered = 0 and seen_at <= $2)", now,
             now - kSessionIdle - Sessions::kWriteEvery);
}

std::vector<std::string> trim_sessions(sql::Tx& tx, UserId user, std::size_t keep) {
  const auto rows = tx.query(
      "delete from identity_sessions where user_id = $1 and id_hash not in "
      "(select id_hash from identity_sessions where user_id = $1 order by seen_at desc, id_hash limit $2) "
      "returning id_hash",
      user, keep);
  std::vector<std::string> ended;
  for (const auto& row : rows) ended.push_back(row.text(0));
  return ended;
}

std::optional<Credential> find_session(sql::Tx& tx, std::string_view id_hash) {
  const auto row = tx.find(
      "select u.id, u.email, u.role, s.seen_at, s.expires_at, s.remembered "
      "from identity_sessions s join identity_users u on u.id = s.user_id where s.id_hash = $1",
      id_hash);
  if (!row) return std::nullopt;
  Credential found;
  found.principal = {
      .kind = Principal::Kind::kUser, .user = row->id<UserId>(0), .role = to_role(row->text(2)), .name = row->text(1)};
  found.seen_at = row->instant(3);
  found.written_at = found.seen_at;
  found.expires_at = row->instant(4);
  found.idle = row->boolean(5) ? microseconds{kRememberedAge} : microseconds{kSessionIdle};
  return found;
}

void touch_session(sql::Tx& tx, std::string_view id_hash, Instant now) {
  tx.execute("update identity_sessions set seen_at = $2 where id_hash = $1 and seen_at < $2", id_hash, now);
}

std::vector<ApiToken> tokens_of(sql::Tx& tx, UserId user) {
  const auto rows = tx.query(
      "select id, user_id, name, prefix, created_at, last_used_at, expires_at from identity_tokens "
      "where user_id = $1 order by created_at, id",
      user);
  std::vector<ApiToken> tokens;
  tokens.reserve(rows.size());
  for (const auto& row : rows) {
    tokens.push_back({.id = row.id<TokenId>(0),
                      .user = row.id<UserId>(1),
                      .name = row.text(2),
                      .prefix = row.text(3),
                      .created_at = row.instant(4),
                      .last_used_at = optional_instant(row, 5),
                      .expires_at = optional_instant(row, 6)});
  }
  return tokens;
}

std::int64_t count_tokens(sql::Tx& tx, UserId user) {
  return tx.find("select count(*) from identity_tokens where user_id = $1", user)->integer(0);
}

void add_token(sql::Tx& tx, const ApiToken& token, std::string_view secret_hash) {
  tx.execute(
      "insert into identity_tokens (id, user_id, name, prefix, secret_hash, created_at, expires_at) "
      "values ($1, $2, $3, $4, $5, $6, $7)",
      token.id, token.user, token.name, token.prefix, secret_hash, token.created_at, token.expires_at);
}

bool remove_token(sql::Tx& tx, UserId user, TokenId token) {
  return tx.execute("delete from identity_tokens where id = $1 and user_id = $2", token, user) > 0;
}

std::optional<Credential> find_token(sql::Tx& tx, std::string_view secret_hash) {
  const auto row = tx.find(
      "select u.id, u.role, t.id, t.name, t.last_used_at, t.expires_at "
      "from identity_tokens t join identity_users u on u.id = t.user_id where t.secret_hash = $1",
      secret_hash);
  if (!row) return std::nullopt;
  Credential found;
  found.principal = {
      .kind = Principal::Kind::kToken, .user = row->id<UserId>(0), .role = to_role(row->text(1)), .name = row->text(3)};
  found.token = row->id<TokenId>(2);
  found.seen_at = optional_instant(*row, 4).value_or(Instant{});
  found.written_at = found.seen_at;
  found.expires_at = optional_instant(*row, 5).value_or(Instant::max());
  found.idle = microseconds::max();
  return found;
}

void touch_token(sql::Tx& tx, std::string_view secret_hash, Instant now) {
  tx.execute("update identity_tokens set last_used_at = $2 where secret_hash = $1 and coalesce(last_used_at, 0) < $2",
             secret_hash, now);
}

}  // namespace mainstay::identity::store
