#pragma once

#include "http/message.h"
#include "modules/analytics/query/service.h"

namespace mainstay::analytics {

/// GET /api/v1/sites/{site_id}/export.
///
/// `query=` (a v2 query as JSON): CSV of exactly what it shows, with a header row. `rows=events`: the raw events of the
/// query's date_range (all when there is no query) that meet its filters, with event_id, as `format=csv` or `parquet`;
/// users only, no share shows single events.
///
/// Streams: memory does not grow with the answer. A Parquet file stands in the export folder until it is sent.
/// Refuses as Reports::site_for and query::parse_request; kInvalid `analytics.bad_export`.
Task<Result<http::Response>> export_rows(Reports& reports, http::Request& request);

}  // namespace mainstay::analytics
