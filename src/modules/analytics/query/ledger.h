#pragma once

#include <string>

#include "modules/analytics/query/service.h"

namespace mainstay::analytics {

/// GET /api/v1/sites/{site_id}/ledger?from=&to= (local dates, the last 30 days when absent): how many hits of the site
/// were accepted, refused by reason, judged bots by name, and how many poison records of all sites were set aside.
/// Refuses as Reports::site_for; kInvalid `analytics.bad_query` for dates that are none.
Task<Result<std::string>> ledger(Reports& reports, const http::Request& request);

/// GET /api/v1/sites/{site_id}/bots?limit=&cursor=: recent hits of bots, newest first. Users only: no share shows it.
/// Refuses also kInvalid `analytics.bad_page`.
Task<Result<std::string>> recent_bots(Reports& reports, const http::Request& request);

}  // namespace mainstay::analytics
