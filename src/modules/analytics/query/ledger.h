#pragma once

#include <memory>
#include <string>

#include "modules/analytics/query/service.h"

namespace mainstay::analytics {

/// GET /api/v1/sites/{site_id}/ledger?from=&to= (local dates, the last 30 days when absent): how many hits of the site
/// were accepted, refused by reason (and, for users, by the commonest hosts that are not the site's), judged bots by
/// name, and how many poison records of all sites were set aside. Refuses as Reports::site_for; kInvalid
/// `analytics.bad_query` on `from` or `to` for dates that are none.
Task<Result<std::string>> ledger(Reports& reports, const http::Request& request);

/// GET /api/v1/ledger?from=&to= (UTC dates, the last 30 days when absent): what was refused before it belonged to a
/// site, by reason, and what it asked for. Asks no permission: its route is for who manages sites. Refuses kInvalid
/// `analytics.bad_query` as `ledger`.
Task<Result<std::string>> stray_ledger(Reports& reports, const http::Request& request);

/// GET /api/v1/sites/{site_id}/bots?limit=&cursor=: recent hits of bots, newest first. Users only: no share shows it.
/// Refuses also kInvalid `analytics.bad_page`.
Task<Result<std::string>> recent_bots(Reports& reports, const http::Request& request);

/// A site and a run of its days.
struct SiteDays {
  std::shared_ptr<const Site> site;
  query::TimeRange range;
};
/// What `request` asks about: the site of its path, and of its query the local days `from` to `to`; today where one is
/// missing, the last 30 days where both are. Completes when all that was acknowledged before is in the tables. Refuses
/// as Reports::site_for; kInvalid `analytics.bad_query` on `from` or `to` for dates that are none.
[[nodiscard]] Task<Result<SiteDays>> asked_days(Reports& reports, const http::Request& request);

/// The JSON Schemas of what these answer.
[[nodiscard]] std::string ledger_schema();
[[nodiscard]] std::string stray_ledger_schema();
[[nodiscard]] std::string bots_schema();

}  // namespace mainstay::analytics
