#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "http/router.h"
#include "modules/identity/model.h"
#include "ports/bus/bus.h"
#include "ports/clock/clock.h"
#include "ports/random/random.h"
#include "ports/sql/sql.h"

namespace mainstay::identity {

/// A session that nobody uses for so long ends; also once it is this old (NIST SP 800-63B §4.2.3, AAL2).
inline constexpr minutes kSessionIdle{30};
inline constexpr hours kSessionAge{12};
/// "Remember me": both limits (§4.1.3, AAL1).
inline constexpr days kRememberedAge{30};

/// The cookie's name, or nothing where no cookie is safe. Over TLS `__Host-mainstay` (Secure); over plain http from a
/// client on this machine to a loopback host by name (localhost, *.localhost, 127.0.0.0/8, [::1]) `mainstay-session`.
[[nodiscard]] std::optional<std::string_view> cookie_name(const http::Request& request);
/// The request's session cookie, or "".
[[nodiscard]] std::string_view session_cookie(const http::Request& request);
/// The value of Set-Cookie that starts, or (for `std::nullopt`) removes, a session. HttpOnly, SameSite=Lax, Path=/.
[[nodiscard]] std::string set_cookie(std::string_view name, const std::optional<NewSession>& session);

/// What is known of a live session or token.
struct Credential {
  Principal principal;
  std::optional<TokenId> token;  ///< of a token
  Instant seen_at;
  Instant written_at;  ///< `seen_at` as the database has it
  Instant expires_at;
  microseconds idle{};

  [[nodiscard]] bool alive(Instant now) const { return now < expires_at && now - seen_at < idle; }
  /// When it ends if it is not used again.
  [[nodiscard]] Instant ends_at() const { return expires_at - seen_at < idle ? expires_at : seen_at + idle; }
};

/// Says who makes a request, from the session cookie or `Authorization: Bearer ms_…`, and keeps the sessions.
///
/// What it learned is kept in memory for `kRecheck`, at most `kCacheMax` entries, so that a busy dashboard does not
/// ask the database each time. Sign-out and revocation in this process take effect at once; in another process on
/// the same database within `kRecheck`. `seen_at` and `last_used_at` are written at most once in `kWriteEvery`.
/// The end of a session or token ends the live streams it opened. A bearer token goes before the cookie. Threads: any.
/// Throws Unavailable.
class Sessions final : public http::Authenticator {
 public:
  static constexpr std::size_t kCacheMax = 4096;
  static constexpr seconds kRecheck{15};
  static constexpr seconds kWriteEvery{60};
  static constexpr std::size_t kPerUserMax = 100;  ///< opening one more ends the one unused for longest

  Sessions(sql::Database& database, clock::Clock& clock, random::Random& random, bus::Bus& bus);

  /// A wrong, expired or revoked token is kUnauthenticated `identity.bad_token`; a dead cookie is anonymous.
  Task<Result<Principal>> who_asks(const http::Request& request) override;

  /// Opens a session and ends `replaced` (the id is new at each sign-in).
  [[nodiscard]] Task<NewSession> open(UserId user, Lifetime lifetime, std::string replaced);
  /// Ends the session of that cookie. Whose it was, or nothing when there is none.
  [[nodiscard]] Task<std::optional<UserId>> close(std::string secret);
  /// Forgets what is known of a token that is gone, and ends its live streams; call after its row went.
  void end_token(TokenId token);

 private:
  struct Entry {
    Credential credential;
    microseconds checked_at{};  ///< against the database; monotonic
  };
  enum class Kind { kSession, kToken };
  enum class Write { kNo, kYes };
  struct Known {
    std::optional<Principal> principal;
    Write write = Write::kNo;
  };
  [[nodiscard]] Task<std::optional<Principal>> resolve(Kind kind, std::string hash);
  [[nodiscard]] std::optional<Known> recall(const std::string& hash, Instant now);
  [[nodiscard]] Known learn(const std::string& hash, Credential credential, Instant now, std::uint64_t epoch);
  /// Notes a use of a credential that is alive: the principal, valid until the credential ends if it is not used again.
  [[nodiscard]] static Known use(Credential& credential, Instant now);
  [[nodiscard]] Task<> touch(Kind kind, std::string hash, Instant now);
  [[nodiscard]] std::uint64_t epoch();
  void end_session(const std::string& hash);
  template <class Predicate>
  void forget_if(Predicate predicate);

  sql::Database& database_;
  clock::Clock& clock_;
  random::Random& random_;
  bus::Bus& bus_;
  std::mutex mutex_;
  std::uint64_t epoch_ = 0;  ///< grows with each end of a session, so that a read from before it is not kept
  std::unordered_map<std::string, Entry> entries_;  ///< by SHA-256 of the secret
};

/// "ms_", 160 bits in base32 and a checksum, so that a mistyped token is told without a database.
[[nodiscard]] std::string new_token_secret(random::Random& random);
[[nodiscard]] bool is_token_shaped(std::string_view secret);

}  // namespace mainstay::identity
