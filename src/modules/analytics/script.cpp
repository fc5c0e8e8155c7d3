#include <tracker_script.h>

#include "http/static_files.h"
#include "modules/analytics/routes.h"

namespace mainstay::analytics {
namespace {

bool is_script_path(const SiteDirectory& sites, const std::string& path) {
  if (path == "/s.js") return true;
  if (!path.ends_with(".js")) return false;
  const auto map = sites.snapshot();
  return std::ranges::any_of(map->by_key_text, [&](const auto& entry) { return entry.second->script_path == path; });
}

}  // namespace

std::optional<http::Response> tracking_script(const SiteDirectory& sites, const http::Request& request) {
  if (!is_script_path(sites, request.path)) return std::nullopt;
  const auto& script = tracker_script();
  http::Response response;
  response.headers.set("Content-Type", "text/javascript; charset=utf-8");
  // An hour: long enough to be quick, short enough that an update reaches every page the same day.
  response.headers.set("Cache-Control", "public, max-age=3600");
  response.headers.set("ETag", std::string{script.etag});
  response.headers.set("Vary", "Accept-Encoding");
  response.headers.set("Access-Control-Allow-Origin", "*");
  response.headers.set("Cross-Origin-Resource-Policy", "cross-origin");
  if (request.header("If-None-Match") == script.etag) {
    response.status = 304;
    return response;
  }
  const auto accepted = http::accepted_encodings(request.header("Accept-Encoding"));
  if (accepted.brotli) {
    response.headers.set("Content-Encoding", "br");
    response.body = http::StaticBody{script.brotli};
  } else if (accepted.gzip) {
    response.headers.set("Content-Encoding", "gzip");
    response.body = http::StaticBody{script.gzip};
  } else {
    response.body = http::StaticBody{script.plain};
  }
  return response;
}

}  // namespace mainstay::analytics
