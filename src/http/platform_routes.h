#pragma once

#include <functional>
#include <string>
#include <vector>

#include "http/router.h"
#include "runtime/metrics.h"

namespace mainstay::http {

/// What the platform's own routes show. The references outlive the routes.
struct PlatformOptions {
  const metrics::Registry& metrics;
  const Router& router;         ///< complete by the first request; its OpenAPI document is made then, once
  std::string version;          ///< of the program, for the OpenAPI document
  std::function<bool()> ready;  ///< can serve; false while starting and draining
};

/// - `GET /healthz`: 200 as long as the program answers at all.
/// - `GET /readyz`: 200, or 503 `http.not_ready` with Retry-After while it cannot serve.
/// - `GET /metrics`: Prometheus text, for principals with kReadSystem and for programs on this machine: a loopback peer
///   that sends no Forwarded, Via or X-Forwarded-* field, which is what tells a scraper from a reverse proxy.
/// - `GET /api/openapi.json`: the OpenAPI 3.1 document of all routes.
[[nodiscard]] std::vector<Route> platform_routes(PlatformOptions options);

}  // namespace mainstay::http
