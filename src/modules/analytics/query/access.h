#pragma once

#include "http/message.h"
#include "modules/analytics/model.h"

/// What reports need of the rest of the module; fulfilled in modules/analytics/sites and by app/.
namespace mainstay::analytics {

/// Says whether a request shows a share that opens a site's report. Any thread; costs no database.
class ShareCheck {
 public:
  virtual ~ShareCheck() = default;
  [[nodiscard]] virtual bool allows(const http::Request& request, SiteId site) const = 0;
};

}  // namespace mainstay::analytics
