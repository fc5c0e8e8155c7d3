#include "http/platform_routes.h"

#include <mutex>

#include "http/network.h"

namespace mainstay::http {

namespace {

struct Platform {
  PlatformOptions options;
  std::once_flag described;
  std::shared_ptr<const std::string> description;
};

bool is_on_this_machine(const Request& request) {
  for (const std::string_view field :
       {"forwarded", "via", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}) {
    if (request.headers.has(field)) return false;
  }
  const auto client = Address::parse(request.client_address);
  return client && client->is_loopback();
}

Task<Result<Response>> health(Request&) { co_return text("ok\n", "text/plain; charset=utf-8"); }

Task<Result<Response>> readiness(const Platform& platform) {
  if (!platform.options.ready()) {
    co_return refuse_for_now("http.not_ready", "The server is starting or stopping.");
  }
  co_return text("ready\n", "text/plain; charset=utf-8");
}

Task<Result<Response>> scrape(const Platform& platform, Request& request) {
  if (!request.principal.may(Permission::kReadSystem) && !is_on_this_machine(request)) {
    const bool anonymous = request.principal.kind == Principal::Kind::kAnonymous;
    co_return refuse(anonymous ? Refusal::kUnauthenticated : Refusal::kForbidden, "http.metrics_not_permitted",
                     "Metrics are for administrators and for programs on this machine.");
  }
  co_return text(platform.options.metrics.render(), "text/plain; version=0.0.4; charset=utf-8");
}

Task<Result<Response>> describe(Platform& platform) {
  std::call_once(platform.described, [&] {
    platform.description =
        std::make_shared<const std::string>(platform.options.router.openapi(platform.options.version));
  });
  Response response;
  response.headers.add("Content-Type", "application/json");
  response.body = platform.description;
  co_return response;
}

Route get(std::string_view path, std::string_view summary, Handler handler) {
  return {.method = Method::kGet,
          .path = path,
          .permission = Permission::kPublic,
          .summary = summary,
          .handler = std::move(handler),
          .tag = "platform",
          .body_bytes_max = 0,
          .identify = Route::Identify::kNever};
}

}  // namespace

std::vector<Route> platform_routes(PlatformOptions options) {
  const auto platform = std::make_shared<Platform>(std::move(options));  // shared by the handlers
  std::vector<Route> routes;
  routes.push_back(get("/healthz", "Whether the program is alive.", health));
  routes.push_back(
      get("/readyz", "Whether the program can serve.", [platform](Request&) { return readiness(*platform); }));
  routes.push_back(get("/metrics", "Numbers about the running program, as Prometheus text.",
                       [platform](Request& request) { return scrape(*platform, request); }));
  routes.back().identify = Route::Identify::kAlways;
  routes.push_back(
      get("/api/openapi.json", "This interface, described.", [platform](Request&) { return describe(*platform); }));
  return routes;
}

}  // namespace mainstay::http
