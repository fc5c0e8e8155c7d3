#pragma once

#include <vector>

#include "http/router.h"
#include "modules/analytics/query/service.h"

namespace mainstay::analytics {

/// POST /api/v2/query; below /api/v1/sites/{site_id} export, ledger, bots and properties; and /api/v1/ledger.
/// `reports` outlives the routes.
[[nodiscard]] std::vector<http::Route> query_routes(Reports& reports);

}  // namespace mainstay::analytics
