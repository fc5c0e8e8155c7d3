#include "modules/analytics/sites/route_parts.h"

namespace mainstay::analytics {
namespace wire {

struct Share {
  std::string id;
  std::string name;
  std::string token;
  bool has_password = false;
  Instant created_at;
};
BOOST_DESCRIBE_STRUCT(Share, (), (id, name, token, has_password, created_at))

struct CreateShare {
  std::string name;
  std::optional<std::string> password;
};
BOOST_DESCRIBE_STRUCT(CreateShare, (), (name, password))

struct SharedSite {
  std::string id;
  std::string domain;
  std::string name;
  std::string timezone;
};
BOOST_DESCRIBE_STRUCT(SharedSite, (), (id, domain, name, timezone))

struct ShownShare {
  SharedSite site;
  bool password_required = false;
};
BOOST_DESCRIBE_STRUCT(ShownShare, (), (site, password_required))

struct Unlock {
  std::string password;
};
BOOST_DESCRIBE_STRUCT(Unlock, (), (password))

struct Grant {
  std::string grant;
};
BOOST_DESCRIBE_STRUCT(Grant, (), (grant))

}  // namespace wire

namespace parts {
namespace {

wire::Share to_wire(const Share& share) {
  return {.id = std::to_string(share.id),
          .name = share.name,
          .token = share.token,
          .has_password = share.has_password,
          .created_at = share.created_at};
}

Answer list_shares(const SiteRooms& rooms, Request& request) {
  const auto shares = co_await rooms.shares.list(request.principal, path_id<SiteId>(request, "site_id"));
  if (!shares) co_return refuse(shares);
  std::vector<wire::Share> items;
  for (const auto& share : *shares) items.push_back(to_wire(share));
  co_return list_response(items);
}

Answer create_share(const SiteRooms& rooms, Request& request) {
  auto body = json::read<wire::CreateShare>(request.body);
  if (!body) co_return refuse(body);
  const auto share = co_await rooms.shares.add(request.principal, path_id<SiteId>(request, "site_id"),
                                               std::move(body->name), std::move(body->password));
  if (!share) co_return refuse(share);
  co_return http::json_text(json::write(to_wire(*share)), 201);
}

Answer delete_share(const SiteRooms& rooms, Request& request) {
  const auto removed = co_await rooms.shares.remove(request.principal, path_id<SiteId>(request, "site_id"),
                                                    path_id<ShareId>(request, "share_id"));
  if (!removed) co_return refuse(removed);
  co_return http::no_content();
}

Answer show_share(const SiteRooms& rooms, Request& request) {
  const auto shown = rooms.shares.show(request.path_parameter("token"));
  if (!shown) co_return refuse(shown);
  const auto& site = *shown->site;
  co_return http::json_text(json::write(wire::ShownShare{
      .site = {.id = id_text(site.id), .domain = site.domain, .name = site.name, .timezone = site.timezone},
      .password_required = shown->password_required}));
}

Answer unlock_share(const SiteRooms& rooms, Request& request) {
  auto body = json::read<wire::Unlock>(request.body);
  if (!body) co_return refuse(body);
  auto grant = co_await rooms.shares.unlock(std::string{request.path_parameter("token")}, std::move(body->password),
                                            request.client_address);
  if (!grant) co_return refuse(grant);
  co_return http::json_text(json::write(wire::Grant{.grant = std::move(*grant)}));
}

}  // namespace

void add_share_routes(Table& table) {
  using json::schema_text;
  constexpr std::string_view kShares = "/api/v1/sites/{site_id}/shares";
  table.add(Method::kGet, kShares, Permission::kManageSites, "List the links that share a site's report", list_shares,
            {.response = list_schema<wire::Share>()});
  table.add(Method::kPost, kShares, Permission::kManageSites, "Make a link that shares a site's report", create_share,
            {.status = 201, .request = schema_text<wire::CreateShare>(), .response = schema_text<wire::Share>()});
  table.add(Method::kDelete, "/api/v1/sites/{site_id}/shares/{share_id}", Permission::kManageSites,
            "Withdraw a shared link", delete_share, {.status = 204});
  table.add(Method::kGet, "/api/v1/shares/{token}", Permission::kPublic, "What a shared link opens", show_share,
            {.response = schema_text<wire::ShownShare>()});
  table.add(Method::kPost, "/api/v1/shares/{token}/unlock", Permission::kPublic,
            "Exchange a shared link's password for a grant, which is sent as X-Mainstay-Share in the token's place",
            unlock_share, {.request = schema_text<wire::Unlock>(), .response = schema_text<wire::Grant>()});
}

}  // namespace parts
}  // namespace mainstay::analytics
