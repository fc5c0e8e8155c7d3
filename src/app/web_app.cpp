#include "app/web_app.h"

#include "http/static_files.h"
#include "modules/analytics/routes.h"

namespace mainstay::app {
namespace {

Task<Result<http::Response>> answer(const analytics::SiteDirectory& sites, const http::Handler& files,
                                    http::Request& request) {
  if (auto script = analytics::tracking_script(sites, request)) co_return std::move(*script);
  auto page = co_await files(request);
  // Other sites may embed a shared dashboard. In a frame the app changes nothing in the name of who is signed in, and
  // shows nothing else (web/src/domain/embed.ts), so all that can be done there is what the link allows.
  if (page && request.path.starts_with("/share/")) page->framing = http::Response::Framing::kAnybody;
  co_return page;
}

}  // namespace

http::Handler web_app(const analytics::SiteDirectory& sites) {
  return [&sites, files = http::static_files(http::web_assets())](http::Request& request) {
    return answer(sites, files, request);
  };
}

}  // namespace mainstay::app
