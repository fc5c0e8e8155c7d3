#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/principal.h"
#include "http/message.h"

namespace mainstay::http {

using Handler = std::function<Task<Result<Response>>(Request&)>;

/// A JSON Schema 2020-12 text, from base/json.h `schema_text<T>()`, or "" where there is no body.
using Schema = std::string;

/// What may stand behind the "?" of a route.
struct QueryParameter {
  QueryParameter(const char* name_in, Schema schema_in = R"({"type":"string"})")
      : name(name_in), schema(std::move(schema_in)) {}
  std::string name;
  Schema schema;
};

/// One way in, declared whole. What is not declared cannot be reached; /api/openapi.json is made from these.
struct Route {
  Method method;
  std::string_view path;  ///< "/api/v1/sites/{site_id}"; "{name}" is one segment, a last "{name*}" the rest
  Permission
      permission;  ///< checked before the handler; 401 for the anonymous, 403 for the others. No default on purpose
  std::string_view summary;
  Handler handler;
  std::string_view tag = "";  ///< OpenAPI group: "analytics"
  Schema request_schema = "";
  Schema response_schema = "";
  int response_status = 200;
  std::string_view response_type = "application/json";                 ///< media type of the answer
  std::vector<QueryParameter> query = {};                              ///< for OpenAPI
  std::vector<std::string_view> request_types = {"application/json"};  ///< media types of the body, for OpenAPI
  std::size_t body_bytes_max = 1 << 20;                                ///< 413 beyond
  enum class Browser { kSameOrigin, kAnyOrigin };
  /// kSameOrigin: for our own pages; what another site may have made a browser send is refused (browser_rules.h).
  /// kAnyOrigin: called from other people's pages: no CSRF check, CORS `*` without credentials, preflight answered.
  Browser browser = Browser::kSameOrigin;
  /// kAlways: the authenticator is asked who makes the request, before `permission` is checked. kNever: nobody is asked
  /// and the principal is anonymous; for /beacon and other hot paths that are open to everybody.
  enum class Identify { kAlways, kNever };
  Identify identify = Identify::kAlways;
  /// kDecoded: a gzip or deflate body is inflated before the handler sees it, `body_bytes_max` holds for what comes
  /// out, other encodings are 415. kRaw: the handler reads Content-Encoding and inflates on a thread of its own
  /// (http/inflate.h); for bodies of megabytes.
  enum class Encoding { kDecoded, kRaw };
  Encoding encoding = Encoding::kDecoded;
  /// May refuse by what stands in the header, before the body is read; after `permission`. The body is empty then.
  std::function<Result<>(const Request&)> check = nullptr;
  /// Told of what is refused or fails outside the handler, by its code: "http.body_too_large", "http.rate_limited".
  std::function<void(std::string_view code)> on_refused = nullptr;
};

/// Says who asks, from cookie or bearer token; fulfilled by modules/identity. Anonymous is an answer, not a refusal;
/// a token that is wrong or expired is kUnauthenticated.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  virtual Task<Result<Principal>> who_asks(const Request& request) = 0;
};

/// All routes of the program. Built once by app/, then read only.
class Router {
 public:
  Router();
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  /// Throws std::logic_error for a path that is declared twice or malformed.
  void add(Route route);
  void add(std::vector<Route> routes);
  /// Answers what no route matches and is a GET that accepts HTML (the web app) or a file of it.
  void set_fallback(Handler handler);

  struct Match {
    const Route* route = nullptr;
    std::vector<std::pair<std::string, std::string>> parameters;
    bool path_exists = false;  ///< with another method: 405 and Allow
    std::string allow;
  };
  /// `path` is as it came (percent-encoded, without the query): an encoded slash stays inside its segment.
  /// A literal segment wins over a parameter. HEAD finds GET.
  [[nodiscard]] Match find(Method method, std::string_view path) const;
  [[nodiscard]] const Handler& fallback() const;
  [[nodiscard]] const std::vector<const Route*>& routes() const;  ///< in the order they were added

  /// The OpenAPI 3.1 document of all routes.
  [[nodiscard]] std::string openapi(std::string_view version) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::http
