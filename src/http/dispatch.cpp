#include "http/dispatch.h"

#include <fmt/format.h>

#include "base/log.h"
#include "base/text.h"
#include "http/browser_rules.h"
#include "http/inflate.h"
#include "http/problem.h"
#include "http/static_files.h"

namespace mainstay::http {

namespace {

/// Smaller answers fit a packet or two anyhow.
constexpr std::size_t kCompressFrom = 1024;
/// Larger ones would hold the I/O thread for milliseconds.
constexpr std::size_t kCompressMax = 512 << 10;
/// Of a body without a route (the fallback takes none).
constexpr std::size_t kBodyWithoutRoute = 0;

bool is_compressible(std::string_view content_type) {
  return content_type.starts_with("application/json") || content_type.starts_with("application/problem+json") ||
         content_type.starts_with("text/");
}

void compress(const Request& request, Response& response) {
  const auto bytes = response.bytes();
  if (bytes.size() < kCompressFrom || bytes.size() > kCompressMax) return;
  if (response.headers.has("content-encoding") || !is_compressible(response.headers.get("content-type"))) return;
  response.headers.add("Vary", "Accept-Encoding");
  if (!accepted_encodings(request.header("accept-encoding")).gzip) return;
  response.body = gzip(bytes, 1);
  response.headers.add("Content-Encoding", "gzip");
}

Failure unavailable() {
  Failure failure{.kind = Refusal::kExhausted, .code = "http.unavailable", .message = "Temporarily out of service."};
  failure.retry_after = std::chrono::seconds{5};
  return failure;
}

}  // namespace

struct Dispatcher::RouteMetrics {
  metrics::Histogram* seconds = nullptr;
  std::array<metrics::Counter*, 6> by_class{};  ///< 2xx at [2]
};

Dispatcher::Dispatcher(const Router& router, Authenticator& authenticator, metrics::Registry& metrics)
    : router_(router), authenticator_(authenticator), metrics_(metrics) {
  auto all = router.routes();
  all.push_back(nullptr);
  for (const auto* route : all) {
    const auto label = route == nullptr ? std::string{"route=\"other\""}
                                        : fmt::format("route=\"{} {}\"", to_text(route->method), route->path);
    auto& entry = by_route_[route] = std::make_unique<RouteMetrics>();
    entry->seconds =
        &metrics.histogram("mainstay_http_request_seconds", "From the complete request to its answer.", label);
    for (std::size_t i = 1; i < entry->by_class.size(); ++i) {
      entry->by_class[i] = &metrics.counter("mainstay_http_requests_total", "Answered requests.",
                                            fmt::format("{},status=\"{}xx\"", label, i));
    }
  }
}

Dispatcher::~Dispatcher() = default;

Dispatcher::Plan Dispatcher::plan(Request& request) const {
  Plan plan;
  const auto path = std::string_view{request.target}.substr(0, request.target.find('?'));
  auto match = router_.find(request.method, path);
  plan.route = match.route;
  request.path_parameters = std::move(match.parameters);
  if (plan.route != nullptr) {
    plan.body_bytes_max = plan.route->body_bytes_max;
    return plan;
  }
  if (request.method == Method::kOptions) {
    plan.answer = options_answer(router_, request, path);
  } else if (match.path_exists) {
    plan.answer = problem(
        405, {.code = "http.method_not_allowed", .message = "This path has other methods: " + match.allow + "."},
        request);
    plan.answer->headers.add("Allow", match.allow);
  } else if (!router_.fallback() || (request.method != Method::kGet && request.method != Method::kHead)) {
    plan.answer =
        problem({.kind = Refusal::kNotFound, .code = "http.not_found", .message = "There is nothing here."}, request);
  } else {
    plan.body_bytes_max = kBodyWithoutRoute;
  }
  return plan;
}

Task<Result<>> Dispatcher::admit(Request& request, const Route& route) {
  if (request.local) {
    request.principal = {.kind = Principal::Kind::kToken, .user = {}, .role = Role::kOwner, .name = "local socket"};
  } else if (route.identify == Route::Identify::kAlways) {
    auto principal = co_await authenticator_.who_asks(request);
    if (!principal) co_return refuse(principal);
    request.principal = std::move(*principal);
  }
  // Pages of other people may call these; a cookie that came along does not make them ours.
  const bool by_cookie = request.principal.kind == Principal::Kind::kUser;
  if (route.browser == Route::Browser::kAnyOrigin && by_cookie && !is_same_origin(request)) request.principal = {};
  if (auto checked = check_cross_origin(route, request); !checked) co_return checked;
  if (request.principal.may(route.permission)) co_return Result<>{};
  if (request.principal.kind == Principal::Kind::kAnonymous) {
    co_return refuse(Refusal::kUnauthenticated, "http.sign_in_required", "Sign in first.");
  }
  co_return refuse(Refusal::kForbidden, "http.not_permitted", "You may not do this.");
}

Task<Result<Response>> Dispatcher::handle(Request& request, const Plan& plan) {
  if (plan.route == nullptr) co_return co_await router_.fallback()(request);
  const auto& route = *plan.route;
  const bool open = route.identify == Route::Identify::kNever && route.permission == Permission::kPublic &&
                    route.browser == Route::Browser::kAnyOrigin;
  if (!open || request.local) {
    auto admitted = co_await admit(request, route);
    if (!admitted) co_return refuse(admitted);
  }
  const auto encoding = request.header("content-encoding");
  if (!encoding.empty() && route.encoding == Route::Encoding::kDecoded && !equal_ignoring_case(encoding, "identity")) {
    const bool known = equal_ignoring_case(encoding, "gzip") || equal_ignoring_case(encoding, "deflate") ||
                       equal_ignoring_case(encoding, "x-gzip");
    if (!known)
      co_return problem(415, {.code = "http.unknown_encoding", .message = "Content-Encoding may be gzip or deflate."},
                        request);
    auto body = gunzip(request.body, route.body_bytes_max);
    if (!body) co_return problem(body.error().code == "http.body_too_large" ? 413 : 400, body.error(), request);
    request.body = std::move(*body);
    request.headers.remove("content-encoding");
  }
  co_return co_await route.handler(request);
}

Task<Response> Dispatcher::answer(Request& request, Plan& plan) {
  const auto begin = std::chrono::steady_clock::now();
  Response response;
  try {
    if (plan.answer) {
      response = std::move(*plan.answer);
    } else {
      auto result = co_await handle(request, plan);
      response = result ? std::move(*result) : problem(result.error(), request);
    }
  } catch (const Unavailable& outage) {
    log::warning("unavailable", {{"request", request.id}, {"path", request.path}, {"error", outage.what()}});
    response = problem(503, unavailable(), request);
  } catch (const std::exception& fault) {
    log::error("handler failed", {{"request", request.id}, {"path", request.path}, {"error", fault.what()}});
    response =
        problem(500, {.code = "http.internal", .message = "Something went wrong here; it has been logged."}, request);
  }
  finish(request, plan.route, response);
  const auto& metrics = *by_route_.find(plan.route)->second;
  metrics.seconds->observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  if (auto* counter = metrics.by_class[static_cast<std::size_t>(response.status / 100) % 6]) counter->add();
  co_return response;
}

void Dispatcher::finish(const Request& request, const Route* route, Response& response) const {
  if (response.status != 204) compress(request, response);
  add_security_headers(request, route, response);
}

Response Dispatcher::refuse_request(const Request& request, int status, std::string_view code, std::string message) {
  count_refusal(code);
  auto response = problem(status, {.code = code, .message = std::move(message)}, request);
  finish(request, nullptr, response);
  return response;
}

void Dispatcher::count_refusal(std::string_view code) {
  metrics_
      .counter("mainstay_http_refused_total", "Requests that a limit or the protocol stopped.",
               fmt::format("code=\"{}\"", code))
      .add();
}

}  // namespace mainstay::http
