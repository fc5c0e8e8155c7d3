#pragma once

#include <vector>

#include "http/router.h"
#include "modules/identity/service.h"

namespace mainstay::identity {

/// /api/v1/session, /api/v1/setup, /api/v1/tokens. `service` outlives the routes.
[[nodiscard]] std::vector<http::Route> identity_routes(Service& service);

}  // namespace mainstay::identity
