#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/principal.h"
#include "base/time.h"

namespace mainstay::identity {

enum class TokenId : std::int64_t {};

/// Somebody who may sign in.
struct User {
  UserId id{};
  std::string email;  ///< lower case; unique
  std::string name;
  Role role = Role::kNone;
  Instant created_at;
};

/// What a program signs in with. The secret itself is shown once and never stored.
struct ApiToken {
  TokenId id{};
  UserId user{};
  std::string name;
  std::string prefix;  ///< the first characters of the secret, to tell tokens apart
  Instant created_at;
  std::optional<Instant> last_used_at;  ///< true to a minute
  std::optional<Instant> expires_at;
};

struct NewToken {
  ApiToken token;
  std::string secret;  ///< "ms_…"
};

/// How long a sign-in is meant to last.
enum class Lifetime { kShort, kRemembered };

/// A session just opened. Only SHA-256 of `secret` is stored.
struct NewSession {
  std::string secret;  ///< 256 bits in base32: the cookie's value
  Lifetime lifetime = Lifetime::kShort;
  Instant expires_at;
};

/// Who knocks, for throttling and the log.
struct Caller {
  std::string address;  ///< of the client
  std::string request_id;
  std::string session;  ///< the session cookie the request came with, or ""
};

}  // namespace mainstay::identity
