#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/failure.h"
#include "base/principal.h"
#include "modules/analytics/model.h"
#include "modules/analytics/sites/directory.h"
#include "modules/identity/passwords.h"
#include "modules/identity/throttle.h"
#include "ports/bus/bus.h"
#include "ports/clock/clock.h"
#include "ports/random/random.h"
#include "ports/sql/sql.h"

namespace mainstay::analytics {

enum class ShareId : std::int64_t {};

/// What a live stream's right to watch hangs on (http/live.h).
[[nodiscard]] std::string live_right_of(ShareId share);

inline constexpr hours kGrantAge{12};

/// Links that show one site's report to people without an account.
///
/// A share without a password is opened by its token (160 bits). One with a password is opened by a grant, which
/// `unlock` gives for the password: share and end time under HMAC-SHA-256 with a random key of the share's own, so that
/// deleting the share ends its grants. Tokens are stored readable, because the owner must be able to copy the link
/// again; passwords as argon2id. All shares are kept in memory, so that checking one costs no database. Managing needs
/// kManageSites (kForbidden `analytics.forbidden`). Threads: any. Throws Unavailable.
class Shares {
 public:
  static constexpr std::size_t kPerSiteMax = 100;
  static constexpr std::size_t kNameBytesMax = 100;

  Shares(sql::Database& database, clock::Clock& clock, random::Random& random, identity::Passwords& passwords,
         const SiteDirectory& directory, bus::Bus& bus);

  /// Reads all shares. At start, after each change, and each minute where processes share a database.
  [[nodiscard]] Task<> load();

  [[nodiscard]] Task<Result<std::vector<Share>>> list(Principal principal, SiteId site);
  /// Refuses kInvalid `analytics.bad_share` or `identity.weak_password`, kExhausted `analytics.too_many_shares`,
  /// kUnavailable `identity.busy`, kNotFound `analytics.unknown_site`.
  [[nodiscard]] Task<Result<Share>> add(Principal principal, SiteId site, std::string name,
                                        std::optional<std::string> password);
  /// Ends its live streams too. Refuses kNotFound `analytics.unknown_share`.
  [[nodiscard]] Task<Result<>> remove(Principal principal, SiteId site, ShareId share);

  struct Shown {
    std::shared_ptr<const Site> site;
    bool password_required = false;
  };
  /// What a holder of the token may know at once. Refuses kNotFound `analytics.unknown_share`.
  [[nodiscard]] Result<Shown> show(std::string_view token) const;
  /// A grant for `kGrantAge`. Refuses kNotFound `analytics.unknown_share`, kUnauthenticated
  /// `analytics.bad_share_password`, kExhausted `identity.throttled`, kUnavailable `identity.busy`.
  [[nodiscard]] Task<Result<std::string>> unlock(std::string token, std::string password, std::string address);

  /// The share by which `token_or_grant` opens the report of `site` now, if any, and until when. Costs no database.
  struct Opened {
    ShareId share{};
    Instant until = Instant::max();
  };
  [[nodiscard]] std::optional<Opened> opens(std::string_view token_or_grant, SiteId site) const;

 private:
  using GrantKey = std::array<unsigned char, 32>;
  struct Known {
    ShareId id{};
    SiteId site{};
    std::string password;  ///< PHC string, or ""
    GrantKey grant_key{};
  };
  using Map = std::unordered_map<std::string, std::shared_ptr<const Known>>;  ///< by SHA-256 of token, and by id

  [[nodiscard]] std::shared_ptr<const Known> find_token(std::string_view token) const;
  [[nodiscard]] std::optional<Opened> opens_by_grant(std::string_view grant, SiteId site) const;

  sql::Database& database_;
  clock::Clock& clock_;
  random::Random& random_;
  identity::Passwords& passwords_;
  const SiteDirectory& directory_;
  bus::Bus& bus_;
  identity::Throttle throttle_;
  mutable std::mutex mutex_;
  std::uint64_t begun_ = 0;
  std::uint64_t shown_ = 0;
  std::shared_ptr<const Map> map_;
};

}  // namespace mainstay::analytics
