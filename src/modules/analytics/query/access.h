#pragma once

#include <vector>

#include "http/message.h"
#include "modules/analytics/model.h"
#include "runtime/task.h"

/// What reports need of the rest of the module; fulfilled in modules/analytics/sites and by app/.
namespace mainstay::analytics {

/// Says whether a request shows a share that opens a site's report. Any thread; costs no database.
class ShareCheck {
 public:
  virtual ~ShareCheck() = default;
  [[nodiscard]] virtual bool allows(const http::Request& request, SiteId site) const = 0;
};

/// Gives the goals of a site. Any thread. Throws Unavailable.
class GoalSource {
 public:
  virtual ~GoalSource() = default;
  virtual Task<std::vector<Goal>> goals_of(SiteId site) = 0;
};

}  // namespace mainstay::analytics
