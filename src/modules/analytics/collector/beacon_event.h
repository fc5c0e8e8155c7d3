#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/time.h"
#include "http/message.h"

namespace mainstay::analytics {

// Limits of one event; beyond each the event is refused, never cut.
inline constexpr std::size_t kEventNameMax = 120;  ///< characters
inline constexpr std::size_t kPropertiesMax = 30;
inline constexpr std::size_t kPropertyKeyMax = 300;  ///< bytes
inline constexpr std::size_t kPropertyValueMax = 2'000;
inline constexpr std::size_t kEventIdMax = 64;
inline constexpr std::size_t kEventsPerBodyMax = 100;
inline constexpr std::int64_t kEngagementMax = 24LL * 3600 * 1000;  ///< ms
inline constexpr double kVitalMax = 600'000;                        ///< ms
inline constexpr double kRevenueMax = 1e12;

/// One event as a browser or a server sent it, checked field by field. Personal data lives in it no longer than
/// the request.
struct BeaconEvent {
  std::string site;  ///< id or domain
  std::string key;
  std::string name = "pageview";
  std::string url;
  std::string referrer;
  std::string event_id;
  std::string language;
  bool interactive = true;
  bool hash = false;       ///< the fragment belongs to the page
  bool webdriver = false;  ///< the script saw an automated browser
  std::int32_t scroll_depth = -1;
  std::int64_t engagement_ms = 0;
  std::int32_t screen_width = 0;
  std::optional<double> revenue;
  std::string currency;
  std::optional<double> lcp, inp, cls, fcp, ttfb;
  std::vector<std::pair<std::string, std::string>> properties;
  // Only with the site's key:
  std::string address;
  std::string user_agent;
  std::optional<Instant> timestamp;

  [[nodiscard]] bool overrides() const { return !address.empty() || !user_agent.empty() || timestamp.has_value(); }
};

/// Reads a body: one event or an array of at most kEventsPerBodyMax.
/// Refuses kInvalid: `json.malformed`, `analytics.bad_event` with the field at fault ("/3/url"),
/// `analytics.too_many_events`.
[[nodiscard]] Result<std::vector<BeaconEvent>> read_events(std::string_view body);

/// The site that a body names, though it could not be read as events; "" when it names none.
[[nodiscard]] std::string named_site(std::string_view body);

/// JSON Schema of such a body, and of the parameters of the GET form by name.
[[nodiscard]] std::string events_schema();
[[nodiscard]] std::vector<std::pair<std::string, std::string>> event_parameters();

/// Reads the query parameters of the GET form; properties come as `props.<name>=`.
[[nodiscard]] Result<BeaconEvent> read_event(const std::vector<std::pair<std::string, std::string>>& query);

}  // namespace mainstay::analytics
