#include "modules/identity/routes.h"

#include "base/json.h"
#include "base/text.h"

namespace mainstay::identity {
namespace wire {

struct User {
  std::string id;
  std::string name;
  std::string email;
  Role role = Role::kNone;
};
BOOST_DESCRIBE_STRUCT(User, (), (id, name, email, role))

struct SessionState {
  std::optional<User> user;
  bool setup_required = false;
};
BOOST_DESCRIBE_STRUCT(SessionState, (), (user, setup_required))

struct SetUp {
  std::string name;
  std::string email;
  std::string password;
};
BOOST_DESCRIBE_STRUCT(SetUp, (), (name, email, password))

struct SignIn {
  std::string email;
  std::string password;
  std::optional<bool> remember;
};
BOOST_DESCRIBE_STRUCT(SignIn, (), (email, password, remember))

struct SignedIn {
  User user;
};
BOOST_DESCRIBE_STRUCT(SignedIn, (), (user))

struct Token {
  std::string id;
  std::string name;
  std::string prefix;
  Instant created_at;
  std::optional<Instant> last_used_at;
  std::optional<Instant> expires_at;
};
BOOST_DESCRIBE_STRUCT(Token, (), (id, name, prefix, created_at, last_used_at, expires_at))

struct TokenList {
  std::vector<Token> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(TokenList, (), (items, next_cursor))

struct CreateToken {
  std::string name;
  std::optional<Instant> expires_at;
};
BOOST_DESCRIBE_STRUCT(CreateToken, (), (name, expires_at))

struct CreatedToken : Token {
  std::string token;
};
BOOST_DESCRIBE_STRUCT(CreatedToken, (Token), (token))

}  // namespace wire
}  // namespace mainstay::identity

namespace mainstay {
BOOST_DESCRIBE_ENUM(Role, kNone, kViewer, kOwner)
}  // namespace mainstay

namespace mainstay::identity {
namespace {

using http::Method;
using http::Request;
using http::Response;

constexpr std::size_t kBodyBytesMax = 16 << 10;

template <class Id>
std::string id_text(Id id) {
  return std::to_string(static_cast<std::int64_t>(id));
}

wire::User to_wire(const User& user) {
  return {.id = id_text(user.id), .name = user.name, .email = user.email, .role = user.role};
}

wire::Token to_wire(const ApiToken& token) {
  return {.id = id_text(token.id),
          .name = token.name,
          .prefix = token.prefix,
          .created_at = token.created_at,
          .last_used_at = token.last_used_at,
          .expires_at = token.expires_at};
}

Caller caller_of(const Request& request) {
  return {.address = request.client_address, .request_id = request.id, .session = std::string{session_cookie(request)}};
}

std::unexpected<Failure> insecure() {
  return refuse(Refusal::kForbidden, "identity.insecure_transport",
                "Signing in needs https, or http://localhost on the same machine. Behind a proxy that ends TLS, let it "
                "send X-Forwarded-Proto and name it in trusted_proxies.");
}

Response signed_in(const Service::SignedIn& result, std::string_view cookie) {
  auto response = http::json_text(json::write(wire::SignedIn{.user = to_wire(result.user)}), 201);
  response.headers.add("Set-Cookie", set_cookie(cookie, result.session));
  return response;
}

Task<Result<Response>> get_session(Service& service, Request& request) {
  wire::SessionState state;
  state.setup_required = co_await service.setup_required();
  if (request.principal.may(Permission::kSignedIn)) {
    const auto user = co_await service.user_of(request.principal);
    if (user) state.user = to_wire(*user);
  }
  co_return http::json_text(json::write(state));
}

Task<Result<Response>> post_setup(Service& service, Request& request) {
  const auto cookie = cookie_name(request);
  if (!cookie) co_return insecure();
  auto body = json::read<wire::SetUp>(request.body);
  if (!body) co_return refuse(body);
  auto result = co_await service.set_up(
      {.name = std::move(body->name), .email = std::move(body->email), .password = std::move(body->password)},
      caller_of(request));
  if (!result) co_return refuse(result);
  co_return signed_in(*result, *cookie);
}

Task<Result<Response>> post_session(Service& service, Request& request) {
  const auto cookie = cookie_name(request);
  if (!cookie) co_return insecure();
  auto body = json::read<wire::SignIn>(request.body);
  if (!body) co_return refuse(body);
  auto result =
      co_await service.sign_in({.email = std::move(body->email),
                                .password = std::move(body->password),
                                .lifetime = body->remember.value_or(false) ? Lifetime::kRemembered : Lifetime::kShort},
                               caller_of(request));
  if (!result) co_return refuse(result);
  co_return signed_in(*result, *cookie);
}

Task<Result<Response>> delete_session(Service& service, Request& request) {
  co_await service.sign_out(caller_of(request));
  auto response = http::no_content();
  if (const auto cookie = cookie_name(request)) {
    response.headers.add("Set-Cookie", set_cookie(*cookie, std::nullopt));
  }
  co_return response;
}

Task<Result<Response>> get_tokens(Service& service, Request& request) {
  const auto tokens = co_await service.tokens(request.principal);
  if (!tokens) co_return refuse(tokens);
  wire::TokenList list;
  for (const auto& token : *tokens) list.items.push_back(to_wire(token));
  co_return http::json_text(json::write(list));
}

Task<Result<Response>> post_token(Service& service, Request& request) {
  auto body = json::read<wire::CreateToken>(request.body);
  if (!body) co_return refuse(body);
  const auto made = co_await service.create_token(request.principal, std::move(body->name), body->expires_at);
  if (!made) co_return refuse(made);
  wire::CreatedToken created;
  static_cast<wire::Token&>(created) = to_wire(made->token);
  created.token = made->secret;
  co_return http::json_text(json::write(created), 201);
}

Task<Result<Response>> delete_token(Service& service, Request& request) {
  const auto id = parse_number<std::int64_t>(request.path_parameter("token_id")).value_or(0);
  const auto removed = co_await service.revoke_token(request.principal, static_cast<TokenId>(id));
  if (!removed) co_return refuse(removed);
  co_return http::no_content();
}

using Call = Task<Result<Response>> (*)(Service&, Request&);

http::Handler bind(Service& service, Call call) {
  return [&service, call](Request& request) { return call(service, request); };
}

}  // namespace

std::vector<http::Route> identity_routes(Service& service) {
  const auto route = [&](Method method, std::string_view path, Permission permission, std::string_view summary,
                         Call call) {
    http::Route made{
        .method = method, .path = path, .permission = permission, .summary = summary, .handler = bind(service, call)};
    made.tag = "identity";
    made.body_bytes_max = kBodyBytesMax;
    return made;
  };
  std::vector<http::Route> routes;
  const auto add = [&](http::Route made, int status, http::Schema in, http::Schema out) {
    made.response_status = status;
    made.request_schema = std::move(in);
    made.response_schema = std::move(out);
    routes.push_back(std::move(made));
  };
  using json::schema_text;
  add(route(Method::kGet, "/api/v1/session", Permission::kPublic, "Who is signed in", get_session), 200, "",
      schema_text<wire::SessionState>());
  add(route(Method::kPost, "/api/v1/setup", Permission::kPublic, "Make the owner of a new installation", post_setup),
      201, schema_text<wire::SetUp>(), schema_text<wire::SignedIn>());
  add(route(Method::kPost, "/api/v1/session", Permission::kPublic, "Sign in", post_session), 201,
      schema_text<wire::SignIn>(), schema_text<wire::SignedIn>());
  add(route(Method::kDelete, "/api/v1/session", Permission::kPublic, "Sign out", delete_session), 204, "", "");
  add(route(Method::kGet, "/api/v1/tokens", Permission::kSignedIn, "List your API tokens", get_tokens), 200, "",
      schema_text<wire::TokenList>());
  add(route(Method::kPost, "/api/v1/tokens", Permission::kSignedIn, "Make an API token", post_token), 201,
      schema_text<wire::CreateToken>(), schema_text<wire::CreatedToken>());
  add(route(Method::kDelete, "/api/v1/tokens/{token_id}", Permission::kSignedIn, "Revoke an API token", delete_token),
      204, "", "");
  return routes;
}

}  // namespace mainstay::identity
