#pragma once

#include "http/router.h"
#include "modules/analytics/sites/sites.h"

namespace mainstay::app {

/// What is served beside the declared routes: the tracking script at every path a site chose, and the operator app.
[[nodiscard]] http::Handler web_app(const analytics::SiteDirectory& sites);

}  // namespace mainstay::app
