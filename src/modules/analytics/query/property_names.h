#pragma once

#include <string>

#include "modules/analytics/query/service.h"

namespace mainstay::analytics {

/// GET /api/v1/sites/{site_id}/properties?from=&to= (local dates, the last 30 days when absent): the names of the
/// properties that events had, the commonest first, at most 300. Refuses as Reports::site_for; kInvalid
/// `analytics.bad_query` for dates that are none.
Task<Result<std::string>> property_names(Reports& reports, const http::Request& request);

/// The JSON Schema of its answer.
[[nodiscard]] std::string property_names_schema();

}  // namespace mainstay::analytics
