#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "http/router.h"
#include "modules/analytics/sites/markers.h"
#include "modules/analytics/sites/service.h"
#include "modules/analytics/sites/shares.h"

namespace mainstay::analytics {

/// How many people are on a site now; fulfilled by app/ over the live model. Quick; any thread.
class CurrentVisitors {
 public:
  virtual ~CurrentVisitors() = default;
  [[nodiscard]] virtual std::int64_t current_visitors(SiteId site) const = 0;
};

/// What the routes of this room call. All outlive the routes.
struct SiteRooms {
  SiteService& sites;
  Markers& markers;
  Shares& shares;
  const CurrentVisitors& live;
  std::string public_origin = "";  ///< "https://stats.example.org" for snippets; "": as the request came
};

/// /api/v1/sites and below (goals, annotations, shares, snippet) and /api/v1/shares.
[[nodiscard]] std::vector<http::Route> site_routes(SiteRooms rooms);

/// The share by which the request opens `site`: of the token or grant that it shows in the header X-Mainstay-Share or
/// the query parameter `share`.
[[nodiscard]] std::optional<Shares::Opened> shown_share_opens(const Shares& shares, const http::Request& request,
                                                              SiteId site);

}  // namespace mainstay::analytics
