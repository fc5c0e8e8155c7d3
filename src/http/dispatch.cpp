#include "http/dispatch.h"

#include <fmt/format.h>

#include "base/log.h"
#include "base/text.h"
#include "http/browser_rules.h"
#include "http/inflate.h"
#include "http/outage_log.h"
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
  if (response.headers.get("vary") != "Accept-Encoding") response.headers.add("Vary", "Accept-Encoding");
  if (!accepted_encodings(request.header("accept-encoding")).gzip) return;
  response.body = gzip(bytes, 1);
  response.headers.add("Content-Encoding", "gzip");
}

/// True when anybody may call the route and nothing of the header has to be checked.
bool is_open(const Route& route) {
  return route.identify == Route::Identify::kNever && route.permission == Permission::kPublic &&
         route.browser == Route::Browser::kAnyOrigin && !route.check;
}

void tell(const Route* route, std::string_view code) {
  if (route != nullptr && route->on_refused) route->on_refused(code);
}

}  // namespace

struct Dispatcher::RouteRecord {
  metrics::Histogram* seconds = nullptr;
  std::array<metrics::Counter*, 6> by_class{};  ///< 2xx at [2]
  OutageLog outages;
};

Dispatcher::Dispatcher(const Router& router, Authenticator& authenticator, metrics::Registry& metrics)
    : router_(router), authenticator_(authenticator), metrics_(metrics) {
  auto all = router.routes();
  all.push_back(nullptr);
  for (const auto* route : all) {
    const auto label = route == nullptr ? std::string{"route=\"other\""}
                                        : fmt::format("route=\"{} {}\"", to_text(route->method), route->path);
    auto& entry = by_route_[route] = std::make_unique<RouteRecord>();
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
    plan.admitted = is_open(*plan.route) && !request.local;
    return plan;
  }
  plan.admitted = true;
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

Task<Result<>> Dispatcher::may_enter(Request& request, const Route& route) {
  if (request.local) {
    request.principal = {.kind = Principal::Kind::kToken, .user = {}, .role = Role::kOwner, .name = "local socket"};
  } else if (route.identify == Route::Identify::kAlways) {
    auto principal = co_await authenticator_.who_asks(request);
    if (!principal) co_return mainstay::refuse(principal);
    request.principal = std::move(*principal);
  }
  // Pages of other people may call these; a cookie that came along does not make them ours.
  const bool by_cookie = request.principal.kind == Principal::Kind::kUser;
  if (route.browser == Route::Browser::kAnyOrigin && by_cookie && !is_same_origin(request)) request.principal = {};
  if (auto checked = check_cross_origin(route, request); !checked) co_return checked;
  if (request.principal.may(route.permission)) co_return Result<>{};
  if (request.principal.kind == Principal::Kind::kAnonymous) {
    co_return mainstay::refuse(Refusal::kUnauthenticated, "http.sign_in_required", "Sign in first.");
  }
  co_return mainstay::refuse(Refusal::kForbidden, "http.not_permitted", "You may not do this.");
}

Task<> Dispatcher::admit(Request& request, Plan& plan) {
  if (plan.admitted || plan.answer) co_return;
  plan.admitted = true;
  try {
    if (const auto entered = co_await may_enter(request, *plan.route); !entered) {
      refuse(request, plan, entered.error());
    } else if (plan.route->check) {
      if (const auto checked = plan.route->check(request); !checked) plan.answer = problem(checked.error(), request);
    }
  } catch (const std::exception& thrown) {
    plan.answer = fault(request, plan.route, thrown);
  }
}

void Dispatcher::refuse(const Request& request, Plan& plan, const Failure& failure) const {
  tell(plan.route, failure.code);
  plan.answer = problem(failure, request);
}

/// Inflates the body where the route wants that; what cannot be becomes the answer.
void Dispatcher::decode_body(Request& request, Plan& plan) const {
  const auto encoding = request.header("content-encoding");
  if (encoding.empty() || plan.route == nullptr || plan.route->encoding == Route::Encoding::kRaw) return;
  if (equal_ignoring_case(encoding, "identity")) return;
  const auto refuse_with = [&](int status, const Failure& failure) {
    tell(plan.route, failure.code);
    plan.answer = problem(status, failure, request);
  };
  const bool known = equal_ignoring_case(encoding, "gzip") || equal_ignoring_case(encoding, "deflate") ||
                     equal_ignoring_case(encoding, "x-gzip");
  if (!known) {
    return refuse_with(415, {.code = "http.unknown_encoding", .message = "Content-Encoding may be gzip or deflate."});
  }
  auto body = gunzip(request.body, plan.body_bytes_max);
  if (!body) return refuse_with(body.error().code == "http.body_too_large" ? 413 : 400, body.error());
  if (auto held = plan.body.grow_to(body->size()); !held) return refuse(request, plan, held.error());
  request.body = std::move(*body);
  request.headers.remove("content-encoding");
}

Response Dispatcher::fault(const Request& request, const Route* route, const std::exception& fault) const {
  if (dynamic_cast<const Unavailable*>(&fault) != nullptr) {
    if (const auto count = by_route_.find(route)->second->outages.count(std::chrono::steady_clock::now())) {
      log::warning("unavailable", {{"request", request.id},
                                   {"path", request.path},
                                   {"error", fault.what()},
                                   {"requests", std::to_string(*count)}});
    }
    constexpr std::chrono::seconds kRetryAfter{5};
    const auto failure = refuse_for_now("http.unavailable", "Temporarily out of service.", kRetryAfter).error();
    tell(route, failure.code);
    return problem(failure, request);
  }
  log::error("handler failed", {{"request", request.id}, {"path", request.path}, {"error", fault.what()}});
  tell(route, "http.internal");
  return problem(500, {.code = "http.internal", .message = "Something went wrong here; it has been logged."}, request);
}

Task<Response> Dispatcher::answer(Request& request, Plan& plan) {
  const auto begin = std::chrono::steady_clock::now();
  if (!plan.admitted) co_await admit(request, plan);
  Response response;
  try {
    if (!plan.answer) decode_body(request, plan);
    if (plan.answer) {
      response = std::move(*plan.answer);
    } else {
      auto result = co_await (plan.route == nullptr ? router_.fallback() : plan.route->handler)(request);
      response = result ? std::move(*result) : problem(result.error(), request);
    }
  } catch (const std::exception& thrown) {
    response = fault(request, plan.route, thrown);
  }
  finish(request, plan.route, response);
  if (plan.again) co_return response;
  const auto& metrics = *by_route_.find(plan.route)->second;
  metrics.seconds->observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  if (auto* counter = metrics.by_class[static_cast<std::size_t>(response.status / 100) % 6]) counter->add();
  co_return response;
}

Task<Response> Dispatcher::answer_again(Request& request) {
  auto plan = this->plan(request);
  plan.again = true;
  co_return co_await answer(request, plan);
}

void Dispatcher::finish(const Request& request, const Route* route, Response& response) const {
  if (response.status != 204) compress(request, response);
  add_security_headers(request, route, response);
}

Response Dispatcher::refuse_request(const Request& request, int status, const Failure& failure, const Route* route) {
  count_refusal(failure.code);
  tell(route, failure.code);
  auto response = problem(status, failure, request);
  finish(request, nullptr, response);
  return response;
}

Response Dispatcher::refuse_request(const Request& request, const Failure& failure, const Route* route) {
  return refuse_request(request, status_of(failure.kind), failure, route);
}

void Dispatcher::count_refusal(std::string_view code) {
  metrics_
      .counter("mainstay_http_refused_total", "Requests that a limit or the protocol stopped.",
               fmt::format("code=\"{}\"", code))
      .add();
}

}  // namespace mainstay::http
