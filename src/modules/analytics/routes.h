#pragma once

#include <vector>

#include "http/router.h"
#include "modules/analytics/collector/log_imports.h"
#include "modules/analytics/collector/refusals.h"
#include "modules/analytics/processor.h"
#include "modules/analytics/sites/shares.h"
#include "runtime/blocking_pool.h"

namespace mainstay::analytics {

/// What the routes of this room call. All outlive the routes.
struct AnalyticsRooms {
  const SiteDirectory& sites;
  Processor& processor;
  LogImports& imports;
  Refusals& refusals;
  BlockingPool& workers;  ///< where log lines are parsed
  const Shares& shares;
  const Agents& agents;
};

/// POST /api/v1/beacon/log, POST /api/v1/analytics/classify, GET /api/v1/events and GET /api/v1/live.
[[nodiscard]] std::vector<http::Route> analytics_routes(AnalyticsRooms rooms);

/// The tracking script at /s.js and at each site's own path; nullopt when `path` is neither.
[[nodiscard]] std::optional<http::Response> tracking_script(const SiteDirectory& sites, const http::Request& request);

}  // namespace mainstay::analytics
