#include "modules/analytics/sites/service.h"

#include "base/log.h"
#include "base/text.h"
#include "http/live.h"
#include "modules/analytics/sites/domain.h"
#include "modules/analytics/sites/ids.h"
#include "modules/analytics/sites/settings.h"
#include "modules/analytics/sites/store.h"

namespace mainstay::analytics {
namespace {

constexpr std::string_view kKeyPrefix = "sk_";

std::unexpected<Failure> domain_taken() {
  Failure failure{.kind = Refusal::kConflict,
                  .code = "analytics.domain_taken",
                  .message = "There is a site for this domain already."};
  failure.errors.push_back({.field = "/domain", .message = failure.message});
  return std::unexpected(std::move(failure));
}

std::string new_key(random::Random& random) { return std::string{kKeyPrefix} + new_secret(random); }

Site seen_by(const Principal& principal, Site site) {
  if (!principal.may(Permission::kManageSites)) site.key.clear();
  return site;
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace

SiteService::SiteService(sql::Database& database, clock::Clock& clock, random::Random& random, Directory& directory,
                         SiteData& data, bus::Bus& bus)
    : database_(database), clock_(clock), random_(random), directory_(directory), data_(data), bus_(bus) {}

Task<Result<Site>> SiteService::create(Principal principal, NewSite wanted) {
  if (const auto allowed = require(principal, Permission::kManageSites); !allowed) co_return refuse(allowed);
  Site site{.id = static_cast<SiteId>(new_id(random_)), .key = new_key(random_), .created_at = clock_.now()};
  SiteChange change;
  change.domain = wanted.domain;
  change.timezone = wanted.timezone;
  change.name = wanted.name.value_or(wanted.domain);
  if (const auto applied = apply(change, site); !applied) co_return refuse(applied);
  if (!wanted.name) site.name = site.domain;
  const auto added = co_await database_.write([&](sql::Tx& tx) -> Result<> {
    if (store::count_sites(tx) >= static_cast<std::int64_t>(kSitesMax)) {
      return refuse(Refusal::kExhausted, "analytics.too_many_sites", "Delete sites that are not needed first.");
    }
    if (store::find_domain(tx, site.domain)) return domain_taken();
    store::add_site(tx, site);
    return {};
  });
  if (!added) co_return refuse(added);
  co_await directory_.load();
  log::info("site made", {{"site", id_text(site.id)}, {"domain", site.domain}, {"by", principal.name}});
  co_return site;
}

Task<Result<std::vector<SiteService::Listed>>> SiteService::list(Principal principal) {
  if (const auto allowed = require(principal, Permission::kReadReports); !allowed) co_return refuse(allowed);
  const auto pins = co_await database_.read([&](sql::Tx& tx) { return store::pins_of(tx, principal.user); });
  const auto snapshot = directory_.snapshot();
  std::vector<Listed> sites;
  for (const auto& [key, site] : snapshot->by_key_text) {
    const bool pinned = std::ranges::find(pins, site->id) != pins.end();
    if (key == site->domain) sites.push_back({.site = seen_by(principal, *site), .pinned = pinned});
  }
  const auto place = [&pins](const Listed& listed) { return std::ranges::find(pins, listed.site.id) - pins.begin(); };
  std::ranges::sort(sites, [&](const Listed& left, const Listed& right) {
    return std::pair{place(left), left.site.domain} < std::pair{place(right), right.site.domain};
  });
  co_return sites;
}

Task<Result<>> SiteService::pin(Principal principal, std::vector<SiteId> sites) {
  if (const auto allowed = require(principal, Permission::kReadReports); !allowed) co_return allowed;
  if (sites.size() > kPinsMax) {
    co_return refuse_field("analytics.bad_pins", "/site_ids", fmt::format("Pin at most {} sites.", kPinsMax));
  }
  for (auto site = sites.begin(); site != sites.end(); ++site) {
    if (!exists(*site) || std::find(sites.begin(), site, *site) != site) {
      co_return refuse_field("analytics.bad_pins", fmt::format("/site_ids/{}", site - sites.begin()),
                             "Expected the id of a site, each once.");
    }
  }
  co_await database_.write([&](sql::Tx& tx) { store::replace_pins(tx, principal.user, sites); });
  co_return Result<>{};
}

Task<Result<Site>> SiteService::get(Principal principal, SiteId site) {
  co_return co_await find(std::move(principal), id_text(site));
}

bool SiteService::exists(SiteId site) const { return directory_.snapshot()->find(id_text(site)) != nullptr; }

Task<Result<Site>> SiteService::find(Principal principal, std::string id_or_domain) {
  if (const auto allowed = require(principal, Permission::kReadReports); !allowed) co_return refuse(allowed);
  const auto site = directory_.snapshot()->find(id_or_domain);
  if (!site) co_return unknown_site();
  co_return seen_by(principal, *site);
}

Task<Result<Site>> SiteService::change(Principal principal, SiteId id, SiteChange change,
                                       std::optional<std::int64_t> expected_version) {
  if (const auto allowed = require(principal, Permission::kManageSites); !allowed) co_return refuse(allowed);
  auto changed = co_await database_.write([&](sql::Tx& tx) -> Result<Site> {
    auto site = store::find_site(tx, id);
    if (!site) return unknown_site();
    if (expected_version && *expected_version != site->version) {
      return refuse(Refusal::kConflict, "analytics.version_mismatch",
                    "Somebody changed this site meanwhile. Load it again.");
    }
    if (const auto applied = apply(change, *site); !applied) return refuse(applied);
    const auto holder = store::find_domain(tx, site->domain);
    if (holder && *holder != id) return domain_taken();
    ++site->version;
    store::update_site(tx, *site);
    return std::move(*site);
  });
  if (!changed) co_return changed;
  co_await directory_.load();
  log::info("site changed", {{"site", id_text(id)}, {"by", principal.name}});
  co_return changed;
}

Task<Result<Site>> SiteService::renew_key(Principal principal, SiteId id) {
  if (const auto allowed = require(principal, Permission::kManageSites); !allowed) co_return refuse(allowed);
  const auto key = new_key(random_);
  auto changed = co_await database_.write([&](sql::Tx& tx) -> Result<Site> {
    auto site = store::find_site(tx, id);
    if (!site) return unknown_site();
    site->key = key;
    ++site->version;
    store::update_site(tx, *site);
    return std::move(*site);
  });
  if (!changed) co_return changed;
  co_await directory_.load();
  log::info("site key renewed", {{"site", id_text(id)}, {"by", principal.name}});
  co_return changed;
}

Task<Result<>> SiteService::remove(Principal principal, SiteId id, std::string confirm) {
  if (const auto allowed = require(principal, Permission::kManageSites); !allowed) co_return allowed;
  const auto now = clock_.now();
  const auto removed = co_await database_.write([&](sql::Tx& tx) -> Result<> {
    const auto site = store::find_site(tx, id);
    if (!site) return unknown_site();
    if (normal_domain(confirm) != site->domain) {
      return refuse_field("analytics.confirm_mismatch", "confirm",
                          "Repeat the site's domain to delete it: " + site->domain + ".");
    }
    store::remove_site(tx, id, now);
    return {};
  });
  if (!removed) co_return removed;
  co_await directory_.load();
  http::end_live_streams(bus_, live_right_of(id));
  log::info("site deleted", {{"site", id_text(id)}, {"by", principal.name}});
  try {
    co_await erase(id);
  } catch (const Unavailable& outage) {
    // The site is gone and its erasure is noted down: finish_erasures comes back to it.
    log::warning("erasing a deleted site's data was put off", {{"site", id_text(id)}, {"why", outage.what()}});
  }
  co_return removed;
}

Task<> SiteService::erase(SiteId site) {
  co_await data_.erase(site);
  co_await database_.write([&](sql::Tx& tx) { store::end_erasure(tx, site); });
}

Task<> SiteService::finish_erasures() {
  const auto sites = co_await database_.read([](sql::Tx& tx) { return store::erasures(tx); });
  for (const auto site : sites) co_await erase(site);
}

Task<> SiteService::mark_first_hit(SiteId id, Instant at) {
  {
    const std::scoped_lock lock(first_hits_mutex_);
    first_hits_.try_emplace(id, at);
  }
  co_await finish_first_hits();
}

Task<> SiteService::finish_first_hits() {
  const auto waiting = [this] {
    const std::scoped_lock lock(first_hits_mutex_);
    return first_hits_;
  }();
  for (const auto& [id, at] : waiting) {
    const auto site = directory_.snapshot()->find(id_text(id));
    if (site && !site->first_hit_at) {
      co_await database_.write([&](sql::Tx& tx) { store::set_first_hit(tx, id, at); });
      co_await directory_.load();
    }
    const std::scoped_lock lock(first_hits_mutex_);
    first_hits_.erase(id);
  }
}

Task<Result<Snippet>> SiteService::snippet(Principal principal, SiteId id, std::string origin) {
  const auto site = co_await get(std::move(principal), id);
  if (!site) co_return refuse(site);
  const auto base = escape_html(origin);
  co_return Snippet{
      .html = fmt::format(R"(<script defer src="{}{}" data-site="{}"{}></script>)", base,
                          escape_html(site->script_path), id_text(id), site->hash_routing ? " data-hash" : ""),
      // The browser names the page in Referer.
      .noscript = fmt::format(R"(<noscript><img src="{}/api/v1/beacon?site={}" alt="" width="1" height="1" )"
                              R"(referrerpolicy="no-referrer-when-downgrade"></noscript>)",
                              base, id_text(id))};
}

}  // namespace mainstay::analytics
