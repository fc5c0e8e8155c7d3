#include "http/browser_rules.h"

#include "base/text.h"

namespace mainstay::http {

namespace {

/// No inline script, no other host. Styles set by scripts (charts, drag handles) need 'unsafe-inline' for style
/// attributes only; data: images are small icons in style sheets.
constexpr std::string_view kHtmlPolicy =
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; connect-src 'self'; frame-ancestors ";

bool origin_matches(const Request& request) {
  const auto origin = request.header("origin");
  const std::string_view scheme = request.secure ? "https://" : "http://";
  return origin.starts_with(scheme) && equal_ignoring_case(origin.substr(scheme.size()), request.header("host"));
}

}  // namespace

bool is_same_origin(const Request& request) {
  const auto site = request.header("sec-fetch-site");
  return site.empty() ? origin_matches(request) : site == "same-origin";
}

bool is_foreign_origin(const Request& request) {
  const bool silent = !request.headers.has("sec-fetch-site") && !request.headers.has("origin");
  return !silent && !is_same_origin(request);
}

Result<> check_cross_origin(const Route& route, const Request& request) {
  if (is_safe(request.method) || route.browser == Route::Browser::kAnyOrigin) return {};
  switch (request.principal.kind) {
    case Principal::Kind::kToken: return {};
    case Principal::Kind::kAnonymous:
      if (is_foreign_origin(request)) break;
      return {};
    case Principal::Kind::kUser:
      if (!is_same_origin(request)) break;
      if (request.headers.has("x-mainstay-request")) return {};
      return refuse(Refusal::kForbidden, "http.missing_request_header",
                    "Requests that change something need the header X-Mainstay-Request.");
  }
  return refuse(Refusal::kForbidden, "http.cross_origin", "This request comes from a page of another site.");
}

Response options_answer(const Router& router, const Request& request, std::string_view path) {
  auto response = no_content();
  const auto wanted = request.header("access-control-request-method");
  for (const auto method : {Method::kGet, Method::kPost, Method::kPut, Method::kPatch, Method::kDelete}) {
    if (to_text(method) != wanted) continue;
    const auto match = router.find(method, path);
    if (match.route == nullptr || match.route->browser != Route::Browser::kAnyOrigin) continue;
    response.headers.add("Access-Control-Allow-Origin", "*");
    response.headers.add("Access-Control-Allow-Methods", wanted);
    response.headers.add("Access-Control-Allow-Headers", "content-type, x-site-key");
    response.headers.add("Access-Control-Max-Age", "86400");
    return response;
  }
  const auto match = router.find(Method::kOptions, path);
  response.headers.add("Allow", match.path_exists ? match.allow : "GET, HEAD, OPTIONS");
  return response;
}

void add_security_headers(const Request& request, const Route* route, Response& response) {
  auto& headers = response.headers;
  const bool any_origin = route != nullptr && route->browser == Route::Browser::kAnyOrigin;
  headers.add("X-Request-Id", request.id);
  headers.add("X-Content-Type-Options", "nosniff");
  // The tracking script stands at paths of the sites' choice, which no route knows: it says for itself who may load it.
  if (!headers.has("cross-origin-resource-policy")) {
    headers.add("Cross-Origin-Resource-Policy", any_origin ? "cross-origin" : "same-origin");
  }
  if (any_origin && !headers.has("access-control-allow-origin")) headers.add("Access-Control-Allow-Origin", "*");
  if (request.secure) headers.add("Strict-Transport-Security", "max-age=31536000");
  if (response.status == 204 || response.status == 101) return;  // there is nothing to protect in an empty answer
  headers.add("Referrer-Policy", "strict-origin-when-cross-origin");
  if (!headers.has("cache-control")) headers.add("Cache-Control", "no-store");
  const bool html = headers.get("content-type").starts_with("text/html");
  const bool framed = response.framing == Response::Framing::kAnybody;
  if (html) {
    headers.add("Cross-Origin-Opener-Policy", "same-origin");
    if (!framed) headers.add("X-Frame-Options", "DENY");
  }
  const auto policy = html ? kHtmlPolicy : "default-src 'none'; frame-ancestors ";
  headers.add("Content-Security-Policy", std::string{policy} + (framed ? "*" : "'none'"));
}

}  // namespace mainstay::http
