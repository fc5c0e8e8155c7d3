#include "modules/analytics/sites/routes.h"

#include "modules/analytics/sites/describe.h"
#include "modules/analytics/sites/route_parts.h"

namespace mainstay::analytics {
namespace wire {

struct Site {
  std::string id;
  std::string domain;
  std::string name;
  std::optional<std::string> key;
  std::vector<std::string> hosts;
  std::string timezone;
  Instant created_at;
  std::optional<Instant> first_hit_at;
  std::string script_path;
  Excluded excluded;
  Collect collect;
  bool honour_dnt = false;
  bool honour_gpc = false;
  bool hash_routing = false;
  std::optional<std::int32_t> retention_days;
};
BOOST_DESCRIBE_STRUCT(Site, (),
                      (id, domain, name, key, hosts, timezone, created_at, first_hit_at, script_path, excluded, collect,
                       honour_dnt, honour_gpc, hash_routing, retention_days))

struct ListedSite : Site {
  std::int64_t current_visitors = 0;
  bool pinned = false;
};
BOOST_DESCRIBE_STRUCT(ListedSite, (Site), (current_visitors, pinned))

struct Pins {
  std::vector<std::string> site_ids;
};
BOOST_DESCRIBE_STRUCT(Pins, (), (site_ids))

}  // namespace wire

BOOST_DESCRIBE_STRUCT(NewSite, (), (domain, timezone, name))
BOOST_DESCRIBE_STRUCT(ExcludedChange, (), (networks, paths, hosts, countries))
BOOST_DESCRIBE_STRUCT(CollectChange, (),
                      (referrer, campaign, place, agent, screen, language, engagement, properties, vitals))
BOOST_DESCRIBE_STRUCT(Snippet, (), (html, noscript))

namespace wire {

struct SiteChange {
  std::optional<std::string> domain;
  std::optional<std::string> name;
  std::optional<std::vector<std::string>> hosts;
  std::optional<std::string> timezone;
  std::optional<std::string> script_path;
  std::optional<ExcludedChange> excluded;
  std::optional<CollectChange> collect;
  std::optional<bool> honour_dnt;
  std::optional<bool> honour_gpc;
  std::optional<bool> hash_routing;
  std::optional<std::int32_t> retention_days;
};
BOOST_DESCRIBE_STRUCT(SiteChange, (),
                      (domain, name, hosts, timezone, script_path, excluded, collect, honour_dnt, honour_gpc,
                       hash_routing, retention_days))

}  // namespace wire

namespace parts {
namespace {

constexpr std::string_view kVersionMismatch = "analytics.version_mismatch";

wire::Site to_wire(const Site& site) {
  wire::Site out{.id = id_text(site.id), .domain = site.domain, .name = site.name};
  if (!site.key.empty()) out.key = site.key;
  out.hosts = site.hosts;
  out.timezone = site.timezone;
  out.created_at = site.created_at;
  out.first_hit_at = site.first_hit_at;
  out.script_path = site.script_path;
  out.excluded = site.excluded;
  out.collect = site.collect;
  out.honour_dnt = site.honour_dnt;
  out.honour_gpc = site.honour_gpc;
  out.hash_routing = site.hash_routing;
  out.retention_days = site.retention_days;
  return out;
}

/// A partial update in the way of RFC 7396: what is absent stays, `retention_days: null` means for ever.
Result<SiteChange> read_change(std::string_view text) {
  const auto value = json::parse(text);
  if (!value) return refuse(value);
  auto body = json::from_value<wire::SiteChange>(*value);
  if (!body) return refuse(body);
  SiteChange change;
  change.domain = std::move(body->domain);
  change.name = std::move(body->name);
  change.hosts = std::move(body->hosts);
  change.timezone = std::move(body->timezone);
  change.script_path = std::move(body->script_path);
  if (body->excluded) change.excluded = std::move(*body->excluded);
  if (body->collect) change.collect = *body->collect;
  change.honour_dnt = body->honour_dnt;
  change.honour_gpc = body->honour_gpc;
  change.hash_routing = body->hash_routing;
  if (value->get_object().contains("retention_days")) change.retention_days = body->retention_days;
  return change;
}

Response site_response(const Site& site, int status) {
  auto response = http::json_text(json::write(to_wire(site)), status);
  response.headers.add("ETag", fmt::format("\"{}\"", site.version));
  return response;
}

/// The version in If-Match (RFC 9110 §13.1.1); nothing for "*" or no such field. A tag of nobody's is version 0,
/// which no site has. "W/" is let pass: proxies that compress put it there.
std::optional<std::int64_t> expected_version(const Request& request) {
  auto tag = trim(request.header("If-Match"));
  if (tag.empty() || tag == "*") return std::nullopt;
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  if (tag.size() < 2 || tag.front() != '"' || tag.back() != '"') return 0;
  return parse_number<std::int64_t>(tag.substr(1, tag.size() - 2)).value_or(0);
}

Answer list_sites(const SiteRooms& rooms, Request& request) {
  const auto sites = co_await rooms.sites.list(request.principal);
  if (!sites) co_return refuse(sites);
  std::vector<wire::ListedSite> items;
  for (const auto& [site, pinned] : *sites) {
    auto& item = items.emplace_back();
    static_cast<wire::Site&>(item) = to_wire(site);
    item.current_visitors = rooms.live.current_visitors(site.id);
    item.pinned = pinned;
  }
  co_return list_response(items);
}

Answer pin_sites(const SiteRooms& rooms, Request& request) {
  const auto body = json::read<wire::Pins>(request.body);
  if (!body) co_return refuse(body);
  std::vector<SiteId> sites;
  for (const auto& id : body->site_ids)
    sites.push_back(static_cast<SiteId>(parse_number<std::int64_t>(id).value_or(0)));
  const auto pinned = co_await rooms.sites.pin(request.principal, std::move(sites));
  if (!pinned) co_return refuse(pinned);
  co_return http::no_content();
}

Answer create_site(const SiteRooms& rooms, Request& request) {
  auto body = json::read<NewSite>(request.body);
  if (!body) co_return refuse(body);
  const auto site = co_await rooms.sites.create(request.principal, std::move(*body));
  if (!site) co_return refuse(site);
  auto response = site_response(*site, 201);
  response.headers.add("Location", "/api/v1/sites/" + id_text(site->id));
  co_return response;
}

Answer get_site(const SiteRooms& rooms, Request& request) {
  const auto site = co_await rooms.sites.get(request.principal, path_id<SiteId>(request, "site_id"));
  if (!site) co_return refuse(site);
  co_return site_response(*site, 200);
}

Answer change_site(const SiteRooms& rooms, Request& request) {
  auto change = read_change(request.body);
  if (!change) co_return refuse(change);
  const auto site = co_await rooms.sites.change(request.principal, path_id<SiteId>(request, "site_id"),
                                                std::move(*change), expected_version(request));
  if (!site && site.error().code == kVersionMismatch) co_return http::problem(412, site.error(), request);
  if (!site) co_return refuse(site);
  co_return site_response(*site, 200);
}

Answer renew_key(const SiteRooms& rooms, Request& request) {
  const auto site = co_await rooms.sites.renew_key(request.principal, path_id<SiteId>(request, "site_id"));
  if (!site) co_return refuse(site);
  co_return site_response(*site, 200);
}

Answer delete_site(const SiteRooms& rooms, Request& request) {
  const std::string confirm{request.query_parameter("confirm").value_or("")};
  const auto removed = co_await rooms.sites.remove(request.principal, path_id<SiteId>(request, "site_id"), confirm);
  if (!removed) co_return refuse(removed);
  co_return http::no_content();
}

std::string origin_of(const SiteRooms& rooms, const Request& request) {
  if (!rooms.public_origin.empty()) return rooms.public_origin;
  return fmt::format("{}://{}", request.secure ? "https" : "http", request.header("Host"));
}

Answer get_snippet(const SiteRooms& rooms, Request& request) {
  const auto snippet =
      co_await rooms.sites.snippet(request.principal, path_id<SiteId>(request, "site_id"), origin_of(rooms, request));
  if (!snippet) co_return refuse(snippet);
  co_return http::json_text(json::write(*snippet));
}

}  // namespace

void add_site_routes(Table& table) {
  using json::schema_text;
  const auto site = schema_text<wire::Site>();
  table.add(Method::kGet, "/api/v1/sites", Permission::kReadReports, "List the sites, pinned ones first", list_sites,
            {.response = list_schema<wire::ListedSite>()});
  table.add(Method::kPut, "/api/v1/pinned-sites", Permission::kReadReports, "Pin sites for yourself, in this order",
            pin_sites, {.status = 204, .request = schema_text<wire::Pins>()});
  table.add(Method::kPost, "/api/v1/sites", Permission::kManageSites, "Add a site", create_site,
            {.status = 201, .request = schema_text<NewSite>(), .response = site});
  table.add(Method::kGet, "/api/v1/sites/{site_id}", Permission::kReadReports, "Read a site's settings", get_site,
            {.response = site});
  table.add(Method::kPatch, "/api/v1/sites/{site_id}", Permission::kManageSites,
            "Change some settings of a site; with If-Match, only if nobody else did", change_site,
            {.request = schema_text<wire::SiteChange>(), .response = site});
  table.add(Method::kPost, "/api/v1/sites/{site_id}/key", Permission::kManageSites,
            "Give a site a new key; the one before is refused from then on", renew_key, {.response = site});
  table.add(Method::kDelete, "/api/v1/sites/{site_id}", Permission::kManageSites,
            "Delete a site and everything measured for it", delete_site, {.status = 204}, {"confirm"});
  table.add(Method::kGet, "/api/v1/sites/{site_id}/snippet", Permission::kReadReports,
            "The tag to paste into the site's pages", get_snippet, {.response = schema_text<Snippet>()});
}

Result<> require_reader(const SiteRooms& rooms, const Request& request, SiteId site) {
  if (request.principal.may(Permission::kReadReports)) return {};
  if (shown_share_opens(rooms.shares, request, site)) return {};
  return refuse(Refusal::kUnauthenticated, "analytics.sign_in_required", "Sign in, or use a shared link.");
}

}  // namespace parts

std::vector<http::Route> site_routes(SiteRooms rooms) {
  parts::Table table(rooms);
  parts::add_site_routes(table);
  parts::add_marker_routes(table);
  parts::add_share_routes(table);
  return std::move(table.routes);
}

std::optional<Shares::Opened> shown_share_opens(const Shares& shares, const http::Request& request, SiteId site) {
  const auto header = request.header("X-Mainstay-Share");
  return shares.opens(header.empty() ? request.query_parameter("share").value_or("") : header, site);
}

}  // namespace mainstay::analytics
