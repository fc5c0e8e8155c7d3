#include "app/web_app.h"

#include "http/static_files.h"
#include "modules/analytics/routes.h"

namespace mainstay::app {
namespace {

Task<Result<http::Response>> answer(const analytics::SiteDirectory& sites, const http::Handler& files,
                                    http::Request& request) {
  if (auto script = analytics::tracking_script(sites, request)) co_return std::move(*script);
  co_return co_await files(request);
}

}  // namespace

http::Handler web_app(const analytics::SiteDirectory& sites) {
  return [&sites, files = http::static_files(http::web_assets())](http::Request& request) {
    return answer(sites, files, request);
  };
}

}  // namespace mainstay::app
