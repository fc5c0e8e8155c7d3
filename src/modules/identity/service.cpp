#include "modules/identity/service.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "modules/identity/fields.h"
#include "modules/identity/store.h"

namespace mainstay::identity {
namespace {

constexpr std::size_t kPrefixLetters = 8;  // "ms_" and 25 bits

/// Random, positive, and exact in a double: they pass through JavaScript.
std::int64_t new_id(random::Random& random) {
  constexpr std::uint64_t kFrom = std::uint64_t{1} << 40;
  constexpr std::uint64_t kTo = std::uint64_t{1} << 53;
  return static_cast<std::int64_t>(kFrom + random.number() % (kTo - kFrom));
}

std::string to_text(UserId user) { return std::to_string(static_cast<std::int64_t>(user)); }

void merge(std::optional<Failure>& into, const Failure& more) {
  if (!into) {
    into = more;
    return;
  }
  into->message = "Several fields are wrong.";
  into->errors.insert(into->errors.end(), more.errors.begin(), more.errors.end());
}

std::unexpected<Failure> bad_credentials() {
  return refuse(Refusal::kUnauthenticated, "identity.bad_credentials", "E-mail address or password is wrong.");
}

std::unexpected<Failure> already_set_up() {
  return refuse(Refusal::kConflict, "identity.already_set_up", "This installation has an owner. Sign in instead.");
}

std::unexpected<Failure> unknown_user() {
  return refuse(Refusal::kNotFound, "identity.unknown_user", "There is no such user.");
}

/// The owner's fields in their normal form, or everything that is wrong with them.
Result<Service::NewOwner> normal_owner(Service::NewOwner owner) {
  std::optional<Failure> failure;
  if (auto name = normal_name(owner.name, Service::kNameBytesMax)) {
    owner.name = std::move(*name);
  } else {
    merge(failure, name.error());
  }
  if (auto email = normal_email(owner.email)) {
    owner.email = std::move(*email);
  } else {
    merge(failure, email.error());
  }
  const auto rules = Passwords::check_rules(owner.password, "/password");
  if (!rules) {
    merge(failure, rules.error());
  } else if (to_lower_ascii(owner.password) == owner.email) {
    merge(failure, refuse_field("identity.weak_password", "/password", "The address is no password.").error());
  }
  if (failure) return std::unexpected(std::move(*failure));
  return owner;
}

}  // namespace

Service::Service(sql::Database& database, clock::Clock& clock, random::Random& random, Passwords& passwords,
                 Sessions& sessions)
    : database_(database),
      clock_(clock),
      random_(random),
      passwords_(passwords),
      sessions_(sessions),
      throttle_(clock) {}

Task<bool> Service::setup_required() {
  if (set_up_) co_return false;
  const bool somebody = co_await database_.read([](sql::Tx& tx) { return store::anybody(tx); });
  if (somebody) set_up_ = true;
  co_return !somebody;
}

Task<Result<Service::SignedIn>> Service::set_up(NewOwner owner, Caller caller) {
  const bool required = co_await setup_required();
  if (!required) co_return already_set_up();
  auto user = co_await add_owner(std::move(owner), Others::kForbidden);
  if (!user) co_return refuse(user);
  log::info("owner set up", {{"user", to_text(user->id)}, {"request", caller.request_id}});
  auto session = co_await sessions_.open(user->id, Lifetime::kShort, caller.session);
  co_return SignedIn{.user = std::move(*user), .session = std::move(session)};
}

Task<Result<User>> Service::add_owner(NewOwner owner, Others others) {
  auto normal = normal_owner(std::move(owner));
  if (!normal) co_return refuse(normal);
  const auto hash = co_await passwords_.hash(std::move(normal->password));
  if (!hash) co_return refuse(hash);
  const User user{.id = static_cast<UserId>(new_id(random_)),
                  .email = normal->email,
                  .name = normal->name,
                  .role = Role::kOwner,
                  .created_at = clock_.now()};
  auto added = co_await database_.write([&](sql::Tx& tx) -> Result<User> {
    if (others == Others::kForbidden && store::anybody(tx)) return already_set_up();
    if (store::find_account(tx, user.email)) {
      return refuse(Refusal::kConflict, "identity.email_taken", "There is a user with this e-mail address.");
    }
    store::add_user(tx, user, *hash);
    return user;
  });
  if (added) set_up_ = true;
  co_return added;
}

Task<Result<Service::SignedIn>> Service::sign_in(Credentials credentials, Caller caller) {
  const auto email = normal_email(credentials.email);
  const auto& subject = email ? *email : credentials.email;
  const auto refused = [&](std::string_view why, const std::string& user) {
    log::warning(
        "sign-in refused",
        {{"reason", std::string{why}}, {"user", user}, {"address", caller.address}, {"request", caller.request_id}});
  };
  if (const auto taken = throttle_.take(subject, caller.address); !taken) {
    refused("throttled", "");
    co_return refuse(taken);
  }
  std::optional<store::Account> account;
  if (email) account = co_await database_.read([&](sql::Tx& tx) { return store::find_account(tx, *email); });
  // Too long a password is nobody's; it is judged as an empty one, at the same cost.
  if (credentials.password.size() > Passwords::kBytesMax) credentials.password.clear();
  const auto verdict = co_await passwords_.verify(account ? account->password : "", credentials.password);
  if (!verdict) {
    throttle_.give_back(subject, caller.address);
    refused("busy", "");
    co_return refuse(verdict);
  }
  if (*verdict == Passwords::Verdict::kWrong || !account) {
    refused("bad_credentials", account ? to_text(account->user.id) : "unknown");
    co_return bad_credentials();
  }
  throttle_.succeeded(subject, caller.address);
  if (*verdict == Passwords::Verdict::kRightButWeak) {
    co_await rehash(account->user.id, account->password, std::move(credentials.password));
  }
  auto session = co_await sessions_.open(account->user.id, credentials.lifetime, caller.session);
  log::info("signed in",
            {{"user", to_text(account->user.id)}, {"address", caller.address}, {"request", caller.request_id}});
  co_return SignedIn{.user = std::move(account->user), .session = std::move(session)};
}

Task<> Service::rehash(UserId user, std::string former, std::string password) {
  const auto hash = co_await passwords_.hash(std::move(password));
  if (!hash) co_return;  // too busy: the next sign-in does it
  co_await database_.write([&](sql::Tx& tx) { store::replace_password(tx, user, former, *hash); });
}

Task<> Service::sign_out(Caller caller) {
  const auto user = co_await sessions_.close(caller.session);
  if (user) log::info("signed out", {{"user", to_text(*user)}, {"request", caller.request_id}});
}

Task<Result<User>> Service::user_of(Principal principal) {
  auto user = co_await database_.read([&](sql::Tx& tx) { return store::find_user(tx, principal.user); });
  if (!user) co_return unknown_user();
  co_return std::move(*user);
}

Task<Result<std::vector<ApiToken>>> Service::tokens(Principal principal) {
  if (!principal.may(Permission::kSignedIn)) {
    co_return refuse(Refusal::kUnauthenticated, "identity.sign_in_required", "Sign in first.");
  }
  co_return co_await database_.read([&](sql::Tx& tx) { return store::tokens_of(tx, principal.user); });
}

Task<Result<NewToken>> Service::create_token(Principal principal, std::string name, std::optional<Instant> expires_at) {
  if (principal.kind != Principal::Kind::kUser || !principal.may(Permission::kSignedIn)) {
    co_return refuse(Refusal::kForbidden, "identity.session_required",
                     "Tokens are made by a signed-in person, not by another token.");
  }
  co_return co_await add_token(principal.user, std::move(name), expires_at);
}

Task<Result<NewToken>> Service::add_token(UserId user, std::string name, std::optional<Instant> expires_at) {
  auto normal = normal_name(name, kNameBytesMax);
  if (!normal) co_return refuse(normal);
  const auto now = clock_.now();
  if (expires_at && *expires_at <= now) {
    co_return refuse_field("identity.bad_expiry", "/expires_at", "A token cannot end in the past.");
  }
  const auto secret = new_token_secret(random_);
  const ApiToken token{.id = static_cast<TokenId>(new_id(random_)),
                       .user = user,
                       .name = std::move(*normal),
                       .prefix = secret.substr(0, kPrefixLetters),
                       .created_at = now,
                       .expires_at = expires_at};
  auto made = co_await database_.write([&](sql::Tx& tx) -> Result<NewToken> {
    if (!store::find_user(tx, user)) return unknown_user();
    if (store::count_tokens(tx, user) >= static_cast<std::int64_t>(kTokensPerUserMax)) {
      return refuse(Refusal::kExhausted, "identity.too_many_tokens", "Revoke tokens that are not needed first.");
    }
    store::add_token(tx, token, sha256_hex(secret));
    return NewToken{.token = token, .secret = secret};
  });
  if (made) log::info("API token made", {{"user", to_text(user)}, {"prefix", token.prefix}});
  co_return made;
}

Task<Result<>> Service::revoke_token(Principal principal, TokenId token) {
  auto removed = co_await database_.write([&](sql::Tx& tx) -> Result<> {
    if (!principal.may(Permission::kSignedIn) || !store::remove_token(tx, principal.user, token)) {
      return refuse(Refusal::kNotFound, "identity.unknown_token", "There is no such token.");
    }
    return {};
  });
  if (!removed) co_return removed;
  sessions_.end_token(token);
  log::info("API token revoked", {{"user", to_text(principal.user)}});
  co_return removed;
}

Task<Result<User>> Service::create_owner(std::string email, std::optional<std::string> name, std::string password) {
  NewOwner owner{
      .name = name.value_or(email.substr(0, email.find('@'))), .email = email, .password = std::move(password)};
  auto user = co_await add_owner(std::move(owner), Others::kAllowed);
  if (user) log::info("owner made", {{"user", to_text(user->id)}});
  co_return user;
}

Task<Result<NewToken>> Service::create_token_for(std::string email, std::string name) {
  const auto normal = normal_email(email);
  if (!normal) co_return refuse(normal);
  const auto account = co_await database_.read([&](sql::Tx& tx) { return store::find_account(tx, *normal); });
  if (!account) co_return unknown_user();
  co_return co_await add_token(account->user.id, std::move(name), std::nullopt);
}

}  // namespace mainstay::identity
