#pragma once

#include <span>
#include <string_view>

#include "http/message.h"
#include "http/router.h"

namespace mainstay::http {

/// One file of the embedded web app. Everything lives as long as the program.
struct Asset {
  std::string_view path;      ///< "/index.html", "/assets/app-3fa9c1.js"
  std::string_view type;      ///< Content-Type, with charset where it is text
  std::string_view etag;      ///< with its quotes
  std::string_view identity;  ///< the bytes themselves
  std::string_view gzip;      ///< precompressed; "" where that does not pay
  std::string_view brotli;
};

/// The bundle made at build time from web/dist by tools/embed-web; a page of one sentence when there is none.
[[nodiscard]] std::span<const Asset> web_assets();

/// What a client takes of gzip and br, in its `Accept-Encoding` (RFC 9110 §12.5.3).
struct AcceptedEncodings {
  bool gzip = false;
  bool brotli = false;
};
[[nodiscard]] AcceptedEncodings accepted_encodings(std::string_view accept_encoding);

/// Serves `assets`, which must outlive the result and are sorted by path: made to be the router's fallback.
/// - Under /assets/ (names with a hash in them): `Cache-Control: public, max-age=31536000, immutable`; else `no-cache`.
/// - ETag, and 304 for a matching `If-None-Match`. The smallest variant that the client accepts.
/// - "/" and unknown paths outside /api that accept text/html get /index.html (the app has its own router);
///   everything else is kNotFound `http.not_found`.
[[nodiscard]] Handler static_files(std::span<const Asset> assets);

/// The same for one request, from the program's own bundle: a problem where there is nothing.
[[nodiscard]] Response static_file(const Request& request);

}  // namespace mainstay::http
