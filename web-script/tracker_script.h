#pragma once

#include <string_view>

namespace mainstay {

/// The tracking script as it is served at /s.js and at each site's own path: the same bytes, as they are and
/// compressed, and their ETag (with its quotes). Lives as long as the program; any thread.
struct TrackerScript {
  std::string_view plain;
  std::string_view gzip;
  std::string_view brotli;
  std::string_view etag;
};
[[nodiscard]] const TrackerScript& tracker_script();

}  // namespace mainstay
