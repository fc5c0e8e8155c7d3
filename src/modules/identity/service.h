#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.h"
#include "modules/identity/model.h"
#include "modules/identity/passwords.h"
#include "modules/identity/sessions.h"
#include "modules/identity/throttle.h"
#include "ports/clock/clock.h"
#include "ports/random/random.h"
#include "ports/sql/sql.h"

namespace mainstay::identity {

/// Who may use this installation: the owner's set-up, sign-in and sign-out, API tokens.
///
/// Every success and refusal of an authentication is logged, without secrets. Threads: any. Throws Unavailable.
class Service {
 public:
  static constexpr std::size_t kNameBytesMax = 100;
  static constexpr std::size_t kTokensPerUserMax = 100;

  Service(sql::Database& database, clock::Clock& clock, random::Random& random, Passwords& passwords,
          Sessions& sessions);

  /// True while nobody exists who could sign in.
  [[nodiscard]] Task<bool> setup_required();

  struct SignedIn {
    User user;
    NewSession session;
  };
  struct NewOwner {
    std::string name;
    std::string email;
    std::string password;
  };
  /// Makes the first user, the owner, and signs in. Of any number of parallel calls one succeeds. Refuses kConflict
  /// `identity.already_set_up`, kInvalid `identity.bad_email`, `identity.bad_name`, `identity.weak_password`,
  /// kUnavailable `identity.busy`.
  [[nodiscard]] Task<Result<SignedIn>> set_up(NewOwner owner, Caller caller);

  struct Credentials {
    std::string email;
    std::string password;
    Lifetime lifetime = Lifetime::kShort;
  };
  /// Opens a session with a new id and ends the caller's former one. Unknown account and wrong password answer and
  /// cost the same: kUnauthenticated `identity.bad_credentials`. Too many tries: kExhausted `identity.throttled`;
  /// too many hashes in flight: kUnavailable `identity.busy`.
  [[nodiscard]] Task<Result<SignedIn>> sign_in(Credentials credentials, Caller caller);
  /// Ends the caller's session at once. Fine without one.
  [[nodiscard]] Task<> sign_out(Caller caller);
  /// The user behind a principal: of a session, or the owner of a token. Refuses kNotFound `identity.unknown_user`.
  [[nodiscard]] Task<Result<User>> user_of(Principal principal);

  /// The principal's own tokens, oldest first.
  [[nodiscard]] Task<Result<std::vector<ApiToken>>> tokens(Principal principal);
  /// Makes a token with its owner's rights. Refuses kForbidden `identity.session_required` to who came with a token
  /// (a leaked token must not outlive its revocation), kInvalid `identity.bad_name` and `identity.bad_expiry`,
  /// kExhausted `identity.too_many_tokens`.
  [[nodiscard]] Task<Result<NewToken>> create_token(Principal principal, std::string name,
                                                    std::optional<Instant> expires_at);
  /// Takes effect before it returns. Refuses kNotFound `identity.unknown_token`, also for another user's token.
  [[nodiscard]] Task<Result<>> revoke_token(Principal principal, TokenId token);

  /// For the command line, whose right is access to the data directory: makes an owner, also beside another one, which
  /// is the way back in when a password is lost. Name defaults to the part of `email` before the "@". Refuses
  /// kConflict `identity.email_taken` and what `set_up` refuses of the fields.
  [[nodiscard]] Task<Result<User>> create_owner(std::string email, std::optional<std::string> name,
                                                std::string password);
  /// For the command line: a token of the user with that address. Refuses kNotFound `identity.unknown_user`.
  [[nodiscard]] Task<Result<NewToken>> create_token_for(std::string email, std::string name);

 private:
  enum class Others { kForbidden, kAllowed };
  [[nodiscard]] Task<Result<User>> add_owner(NewOwner owner, Others others);
  [[nodiscard]] Task<Result<NewToken>> add_token(UserId user, std::string name, std::optional<Instant> expires_at);
  [[nodiscard]] Task<> rehash(UserId user, std::string former, std::string password);

  sql::Database& database_;
  clock::Clock& clock_;
  random::Random& random_;
  Passwords& passwords_;
  Sessions& sessions_;
  Throttle throttle_;
  std::atomic<bool> set_up_{false};  ///< once true, always true: users are never all gone
};

}  // namespace mainstay::identity
