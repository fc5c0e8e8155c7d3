#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "ports/columns/columns.h"

/// The analytics tables of the column store. Numbers are as in the docs of each column; text is "" where nothing is
/// known.
///
/// Every hit of a visitor is a row of `events`; the visit it belongs to is a row of `visits` once it ended and of
/// `open_visits` (same columns) until then, so `all_visits` below is always whole. What decided how the visit
/// began (source…term) and who made it (country…language) is copied from the visit onto its events, so
/// that a report on events needs no join.
///
/// `visitor_day` is the UTC day of the salt behind `visitor_id`. Ids of different days never meet, so distinct
/// visitors of several days are the sum over `visitor_day`.
///
/// Hits are written by the processor alone, each batch in one transaction with its stream offset (`progress`); what
/// goes, by erasure.h.
namespace mainstay::analytics {

/// events: site_id, at, event_id, visit_id, visitor_id, visitor_day, name, interactive, hostname, path,
///   referrer, source, channel, utm_source, utm_medium, utm_campaign, utm_content, utm_term, click_id, entry_page,
///   country, region, city, browser, browser_version, os, os_version, device, screen, language,
///   scroll_depth (NULL unknown), engagement_ms, revenue (NULL), currency, lcp, inp, cls, fcp, ttfb (NULL),
///   properties (map), origin (0 script, 1 server, 2 log), status, bytes
///   `first_on_page` is true on the first pageview of the visit's path within the visit: its sum by path is visits by
///   page.
/// visits, open_visits: site_id, visit_id, visitor_id, visitor_day, started_at, ended_at, duration_ms, pageviews,
///   events, is_bounce, engagement_ms, entry_hostname, entry_page, exit_hostname, exit_page, referrer … language as
///   above, first_visit (true for the visitor's first visit under its visitor_id: its sum is visitors)
/// bots: site_id, at, event_id, name, category, reason, hostname, path, country, status, bytes, origin
/// refusals: site_id, at (start of the minute), source ('collector','processor','import'), reason, count
/// set_aside: at, stream_offset, reason, bytes (hex of the first 4 KiB): poison records
/// progress: consumer, stream_offset, commit_number (of the commit that wrote it; each has its own)
/// deletions: id, at, at_once: commits that deleted rows whose bytes may still be in the files (erasure.h)
[[nodiscard]] std::span<const columns::Table> tables();

/// Rows that the module needs for its own work, not for a report. Blocks, for ten minutes at most. Throws Unavailable.
[[nodiscard]] std::vector<std::vector<columns::Value>> stored_rows(columns::Columns& columns,
                                                                   const columns::Statement& statement);

/// `is_counted` (hit.h) of a row `e` of events.
inline constexpr std::string_view kCounted = "e.name <> 'engagement' and e.name <> 'vitals'";

/// `(select … from visits union all select … from open_visits)`.
inline constexpr const char* kAllVisits = "(select * from visits union all by name select * from open_visits)";

}  // namespace mainstay::analytics
