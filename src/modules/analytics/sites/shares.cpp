#include "modules/analytics/sites/shares.h"

#include <sodium.h>

#include <algorithm>

#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "http/live.h"
#include "modules/analytics/sites/ids.h"
#include "modules/analytics/sites/settings.h"
#include "modules/analytics/sites/store.h"

namespace mainstay::analytics {
namespace {

constexpr std::string_view kGrantMark = "g";
constexpr std::size_t kShownBytesMax = 256;  ///< longer is neither token nor grant

std::string text_of(ShareId share) { return std::to_string(static_cast<std::int64_t>(share)); }

/// Tokens and ids live in one map; a SHA-256 in hex and a decimal id of at most 16 digits cannot meet.
std::string key_of_token(std::string_view token) { return sha256_hex(token); }

std::string signature_of(const std::array<unsigned char, 32>& key, std::string_view text) {
  static_assert(crypto_auth_hmacsha256_KEYBYTES == 32);
  std::array<std::byte, crypto_auth_hmacsha256_BYTES> out{};
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key.data(), key.size());
  const std::string owned{text};
  crypto_auth_hmacsha256_update(&state, std::bit_cast<const unsigned char*>(owned.data()), owned.size());
  crypto_auth_hmacsha256_final(&state, std::bit_cast<unsigned char*>(out.data()));
  return to_hex(out);
}

std::unexpected<Failure> unknown_share() {
  return refuse(Refusal::kNotFound, "analytics.unknown_share", "This link does not exist, or its owner withdrew it.");
}

}  // namespace

std::string live_right_of(ShareId share) { return "share-" + text_of(share); }

Shares::Shares(sql::Database& database, clock::Clock& clock, random::Random& random, identity::Passwords& passwords,
               const SiteDirectory& directory, bus::Bus& bus)
    : database_(database),
      clock_(clock),
      random_(random),
      passwords_(passwords),
      directory_(directory),
      bus_(bus),
      throttle_(clock),
      map_(std::make_shared<const Map>()) {}

Task<> Shares::load() {
  std::uint64_t ticket = 0;
  {
    const std::scoped_lock lock(mutex_);
    ticket = ++begun_;
  }
  const auto stored = co_await database_.read([](sql::Tx& tx) { return store::all_shares(tx); });
  auto map = std::make_shared<Map>();
  for (const auto& [share, password, key] : stored) {
    auto known = std::make_shared<Known>();
    known->id = static_cast<ShareId>(share.id);
    known->site = share.site;
    known->password = password;
    for (std::size_t i = 0; i < std::min(key.size(), known->grant_key.size()); ++i) {
      known->grant_key[i] = std::to_integer<unsigned char>(key[i]);
    }
    map->emplace(key_of_token(share.token), known);
    map->emplace(text_of(known->id), known);
  }
  const std::scoped_lock lock(mutex_);
  if (ticket < shown_) co_return;
  shown_ = ticket;
  map_ = std::move(map);
}

Task<Result<std::vector<Share>>> Shares::list(Principal principal, SiteId site) {
  if (const auto allowed = require(principal, Permission::kManageSites); !allowed) co_return refuse(allowed);
  if (!directory_.snapshot()->find(id_text(site))) co_return unknown_site();
  co_return co_await database_.read([&](sql::Tx& tx) { return store::shares_of(tx, site); });
}

Task<Result<Share>> Shares::add(Principal principal, SiteId site, std::string name,
                                std::optional<std::string> password) {
  if (const auto allowed = require(principal, Permission::kManageSites); !allowed) co_return refuse(allowed);
  const auto trimmed = trim(name);
  if (trimmed.empty() || !is_plain_text(trimmed, kNameBytesMax)) {
    co_return refuse_field("analytics.bad_share", "/name",
                           fmt::format("Expected 1 to {} bytes of plain text.", kNameBytesMax));
  }
  store::StoredShare stored{.share = {.id = new_id(random_),
                                      .site = site,
                                      .name = std::string{trimmed},
                                      .token = new_secret(random_),
                                      .has_password = password.has_value(),
                                      .created_at = clock_.now()}};
  const auto key = random_.bytes<std::tuple_size_v<GrantKey>>();
  stored.grant_key.assign(key.begin(), key.end());
  if (password) {
    const auto rules = identity::Passwords::check_rules(*password, "/password");
    if (!rules) co_return refuse(rules);
    auto hash = co_await passwords_.hash(std::move(*password));
    if (!hash) co_return refuse(hash);
    stored.password = std::move(*hash);
  }
  const auto added = co_await database_.write([&](sql::Tx& tx) -> Result<> {
    if (!store::find_site(tx, site)) return unknown_site();
    if (store::shares_of(tx, site).size() >= kPerSiteMax) {
      return refuse(Refusal::kExhausted, "analytics.too_many_shares", "Delete links that are not needed first.");
    }
    store::add_share(tx, stored);
    return {};
  });
  if (!added) co_return refuse(added);
  co_await load();
  log::info("share made", {{"site", id_text(site)}, {"by", principal.name}});
  co_return std::move(stored.share);
}

Task<Result<>> Shares::remove(Principal principal, SiteId site, ShareId share) {
  if (const auto allowed = require(principal, Permission::kManageSites); !allowed) co_return allowed;
  const auto removed = co_await database_.write([&](sql::Tx& tx) -> Result<> {
    if (store::remove_share(tx, site, share)) return {};
    return unknown_share();
  });
  if (!removed) co_return removed;
  co_await load();
  http::end_live_streams(bus_, live_right_of(share));
  log::info("share withdrawn", {{"site", id_text(site)}, {"by", principal.name}});
  co_return removed;
}

std::shared_ptr<const Shares::Known> Shares::find_token(std::string_view token) const {
  if (token.size() > kShownBytesMax) return nullptr;
  const auto key = key_of_token(token);
  const std::scoped_lock lock(mutex_);
  const auto found = map_->find(key);
  return found == map_->end() ? nullptr : found->second;
}

Result<Shares::Shown> Shares::show(std::string_view token) const {
  const auto known = find_token(token);
  // A share of a site that was just deleted is gone with it, whatever this map still holds.
  const auto site = known ? directory_.snapshot()->find(id_text(known->site)) : nullptr;
  if (!site) return unknown_share();
  return Shown{.site = site, .password_required = !known->password.empty()};
}

Task<Result<std::string>> Shares::unlock(std::string token, std::string password, std::string address) {
  const auto known = find_token(token);
  if (!known || !directory_.snapshot()->find(id_text(known->site))) co_return unknown_share();
  if (known->password.empty()) co_return token;
  const auto subject = "share " + text_of(known->id);
  if (const auto taken = throttle_.take(subject, address); !taken) {
    log::warning("share not unlocked", {{"reason", "throttled"}, {"site", id_text(known->site)}});
    co_return refuse(taken);
  }
  if (password.size() > identity::Passwords::kBytesMax) password.clear();
  const auto verdict = co_await passwords_.verify(known->password, std::move(password));
  if (!verdict) {
    throttle_.give_back(subject, address);
    co_return refuse(verdict);
  }
  if (*verdict == identity::Passwords::Verdict::kWrong) {
    log::warning("share not unlocked", {{"reason", "bad_password"}, {"site", id_text(known->site)}});
    co_return refuse(Refusal::kUnauthenticated, "analytics.bad_share_password", "This password is wrong.");
  }
  throttle_.succeeded(subject, address);
  const auto signed_part = fmt::format("{}.{}.{}", kGrantMark, text_of(known->id), to_micros(clock_.now() + kGrantAge));
  co_return signed_part + "." + signature_of(known->grant_key, signed_part);
}

std::optional<Shares::Opened> Shares::opens(std::string_view shown, SiteId site) const {
  if (shown.empty() || shown.size() > kShownBytesMax || !directory_.snapshot()->find(id_text(site))) return {};
  if (shown.starts_with("g.")) return opens_by_grant(shown, site);
  const auto known = find_token(shown);
  if (!known || known->site != site || !known->password.empty()) return {};
  return Opened{.share = known->id};
}

std::optional<Shares::Opened> Shares::opens_by_grant(std::string_view grant, SiteId site) const {
  const auto parts = split(grant, '.');
  if (parts.size() != 4 || parts[1].size() > 16) return {};  // a token's key is longer: only ids are found
  const auto ends_at = parse_number<std::int64_t>(parts[2]);
  if (!ends_at || clock_.now() >= from_micros(*ends_at)) return {};
  std::shared_ptr<const Known> known;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = map_->find(std::string{parts[1]});
    if (found != map_->end()) known = found->second;
  }
  if (!known || known->site != site) return {};
  const auto signed_part = grant.substr(0, grant.rfind('.'));
  if (!equal_in_constant_time(parts[3], signature_of(known->grant_key, signed_part))) return {};
  return Opened{.share = known->id, .until = from_micros(*ends_at)};
}

}  // namespace mainstay::analytics
