#pragma once

#include <vector>

#include "http/router.h"
#include "modules/analytics/sites/service.h"
#include "modules/identity/service.h"

namespace mainstay::app {

/// What `mainstay admin …` asks over the local socket: POST /api/v1/admin/owners, /api/v1/admin/tokens and
/// /api/v1/admin/sites. They answer only there: whoever may open the socket owns the data folder anyway.
[[nodiscard]] std::vector<http::Route> admin_routes(identity::Service& identity, analytics::SiteService& sites);

}  // namespace mainstay::app
