#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modules/identity/model.h"
#include "modules/identity/sessions.h"
#include "ports/sql/sql.h"

/// The SQL of this module. Each function runs inside the caller's transaction.
namespace mainstay::identity::store {

struct Account {
  User user;
  std::string password;  ///< PHC string
};

[[nodiscard]] bool anybody(sql::Tx& tx);
[[nodiscard]] std::optional<Account> find_account(sql::Tx& tx, std::string_view email);
[[nodiscard]] std::optional<User> find_user(sql::Tx& tx, UserId user);
/// Throws sql::UniqueViolation when the address is taken.
void add_user(sql::Tx& tx, const User& user, std::string_view password);
/// Replaces the hash only while it is still `former`.
void replace_password(sql::Tx& tx, UserId user, std::string_view former, std::string_view password);

struct Session {
  UserId user{};
  Lifetime lifetime = Lifetime::kShort;
  Instant created_at;
  Instant expires_at;
};
void add_session(sql::Tx& tx, std::string_view id_hash, const Session& session);
/// Whose session it was; nothing when there is none.
[[nodiscard]] std::optional<UserId> remove_session(sql::Tx& tx, std::string_view id_hash);
void remove_dead_sessions(sql::Tx& tx, Instant now);
/// Keeps the `keep` sessions of `user` that were used last; the ids of the others.
[[nodiscard]] std::vector<std::string> trim_sessions(sql::Tx& tx, UserId user, std::size_t keep);
[[nodiscard]] std::optional<Credential> find_session(sql::Tx& tx, std::string_view id_hash);
void touch_session(sql::Tx& tx, std::string_view id_hash, Instant now);

[[nodiscard]] std::vector<ApiToken> tokens_of(sql::Tx& tx, UserId user);
[[nodiscard]] std::int64_t count_tokens(sql::Tx& tx, UserId user);
void add_token(sql::Tx& tx, const ApiToken& token, std::string_view secret_hash);
/// False when `user` has no such token.
[[nodiscard]] bool remove_token(sql::Tx& tx, UserId user, TokenId token);
[[nodiscard]] std::optional<Credential> find_token(sql::Tx& tx, std::string_view secret_hash);
void touch_token(sql::Tx& tx, std::string_view secret_hash, Instant now);

}  // namespace mainstay::identity::store
