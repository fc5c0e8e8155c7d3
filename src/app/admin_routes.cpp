#include "app/admin_routes.h"

#include "base/json.h"

namespace mainstay::app {

struct OwnerRequest {
  std::string email;
  std::optional<std::string> name;
  std::string password;
};
BOOST_DESCRIBE_STRUCT(OwnerRequest, (), (email, name, password))

struct OwnerAnswer {
  std::string id;
  std::string email;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(OwnerAnswer, (), (id, email, name))

struct TokenRequest {
  std::string email;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(TokenRequest, (), (email, name))

struct TokenAnswer {
  std::string token;
};
BOOST_DESCRIBE_STRUCT(TokenAnswer, (), (token))

struct SiteRequest {
  std::string domain;
  std::string timezone;
  std::optional<std::string> name;
};
BOOST_DESCRIBE_STRUCT(SiteRequest, (), (domain, timezone, name))

struct NamedSite {
  std::string site;
};
BOOST_DESCRIBE_STRUCT(NamedSite, (), (site))

struct SiteAnswer {
  std::string id;
  std::string key;
  std::string domain;
};
BOOST_DESCRIBE_STRUCT(SiteAnswer, (), (id, key, domain))

namespace {

template <class Id>
std::string id_text(Id id) {
  return std::to_string(static_cast<std::int64_t>(id));
}

/// Members, not capturing lambdas: a coroutine must not outlive what it captures.
struct Handlers {
  identity::Service& identity;
  analytics::SiteService& sites;

  template <class Asked>
  static Result<Asked> read(const http::Request& request) {
    if (!request.local) {
      return refuse(Refusal::kForbidden, "admin.local_only", "This is answered on the local socket only.");
    }
    return json::read<Asked>(request.body);
  }

  Task<Result<http::Response>> add_owner(http::Request& request) const {
    auto asked = read<OwnerRequest>(request);
    if (!asked) co_return refuse(asked);
    const auto user = co_await identity.create_owner(asked->email, asked->name, asked->password);
    if (!user) co_return refuse(user);
    co_return http::json_text(
        json::write(OwnerAnswer{.id = id_text(user->id), .email = user->email, .name = user->name}), 201);
  }

  Task<Result<http::Response>> add_token(http::Request& request) const {
    auto asked = read<TokenRequest>(request);
    if (!asked) co_return refuse(asked);
    const auto token = co_await identity.create_token_for(asked->email, asked->name);
    if (!token) co_return refuse(token);
    co_return http::json_text(json::write(TokenAnswer{.token = token->secret}), 201);
  }

  Task<Result<http::Response>> add_site(http::Request& request) const {
    auto asked = read<SiteRequest>(request);
    if (!asked) co_return refuse(asked);
    const auto site = co_await sites.create(
        request.principal, {.domain = asked->domain, .timezone = asked->timezone, .name = asked->name});
    if (!site) co_return refuse(site);
    co_return http::json_text(answer(*site), 201);
  }

  Task<Result<http::Response>> find_site(http::Request& request) const {
    auto asked = read<NamedSite>(request);
    if (!asked) co_return refuse(asked);
    const auto site = co_await sites.find(request.principal, asked->site);
    if (!site) co_return refuse(site);
    co_return http::json_text(answer(*site));
  }

  Task<Result<http::Response>> renew_site_key(http::Request& request) const {
    auto asked = read<NamedSite>(request);
    if (!asked) co_return refuse(asked);
    auto site = co_await sites.find(request.principal, asked->site);
    if (site) site = co_await sites.renew_key(request.principal, site->id);
    if (!site) co_return refuse(site);
    co_return http::json_text(answer(*site));
  }

  static std::string answer(const analytics::Site& site) {
    return json::write(SiteAnswer{.id = id_text(site.id), .key = site.key, .domain = site.domain});
  }
};

}  // namespace

std::vector<http::Route> admin_routes(identity::Service& identity, analytics::SiteService& sites) {
  const Handlers handlers{identity, sites};
  std::vector<http::Route> routes;
  const auto add = [&](std::string_view path, std::string_view summary, http::Schema asks, http::Schema answers,
                       http::Handler handler, int status = 201) {
    routes.push_back({.method = http::Method::kPost,
                      .path = path,
                      .permission = Permission::kManageUsers,
                      .summary = summary,
                      .handler = std::move(handler),
                      .tag = "admin",
                      .request_schema = std::move(asks),
                      .response_schema = std::move(answers),
                      .response_status = status});
  };
  add("/api/v1/admin/owners", "Make an owner (local socket only)", json::schema_text<OwnerRequest>(),
      json::schema_text<OwnerAnswer>(), [handlers](http::Request& request) { return handlers.add_owner(request); });
  add("/api/v1/admin/tokens", "Make an API token (local socket only)", json::schema_text<TokenRequest>(),
      json::schema_text<TokenAnswer>(), [handlers](http::Request& request) { return handlers.add_token(request); });
  add("/api/v1/admin/sites", "Make a site (local socket only)", json::schema_text<SiteRequest>(),
      json::schema_text<SiteAnswer>(), [handlers](http::Request& request) { return handlers.add_site(request); });
  add(
      "/api/v1/admin/sites/find", "A site by its id or domain (local socket only)", json::schema_text<NamedSite>(),
      json::schema_text<SiteAnswer>(), [handlers](http::Request& request) { return handlers.find_site(request); }, 200);
  add(
      "/api/v1/admin/sites/renew-key", "Give a site a new key (local socket only)", json::schema_text<NamedSite>(),
      json::schema_text<SiteAnswer>(), [handlers](http::Request& request) { return handlers.renew_site_key(request); },
      200);
  return routes;
}

}  // namespace mainstay::app
