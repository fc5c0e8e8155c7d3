#pragma once

#include "base/failure.h"
#include "http/message.h"
#include "http/router.h"

/// What browsers need to be told, and what must not be believed of them. Pure functions.
namespace mainstay::http {

/// True when the request comes from a page of ours: `Sec-Fetch-Site: same-origin`, or, from browsers that do not
/// send it (plain HTTP), an `Origin` that equals scheme and host of this request. Neither: false.
[[nodiscard]] bool is_same_origin(const Request& request);

/// True when a browser says that the request comes from a page of somebody else. Programs say nothing: false.
[[nodiscard]] bool is_foreign_origin(const Request& request);

/// Refuses what another site may have made a browser send (cross-site request forgery). Only for unsafe methods of
/// kSameOrigin routes:
/// - signed in by cookie: must come from our own page and carry `X-Mainstay-Request` (which no form can send);
///   otherwise kForbidden `http.cross_origin` or `http.missing_request_header`
/// - by bearer token: nothing, no browser sends one by itself
/// - anonymous (sign-in, set-up): must not come from a foreign page; kForbidden `http.cross_origin`.
[[nodiscard]] Result<> check_cross_origin(const Route& route, const Request& request);

/// The answer to OPTIONS: 204 with Allow, and for kAnyOrigin routes the CORS preflight (any origin, no credentials).
[[nodiscard]] Response options_answer(const Router& router, const Request& request, std::string_view path);

/// Adds what every answer carries: nosniff, Referrer-Policy, Cross-Origin-*, HSTS over TLS, CSP for HTML,
/// `Cache-Control: no-store` where a handler said nothing, CORS for kAnyOrigin, X-Request-Id. `route` may be null.
void add_security_headers(const Request& request, const Route* route, Response& response);

}  // namespace mainstay::http
