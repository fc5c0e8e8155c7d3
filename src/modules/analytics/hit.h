#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/principal.h"
#include "base/time.h"

namespace mainstay::analytics {

/// Where a hit came from.
enum class Origin : std::uint8_t { kScript = 0, kServer = 1, kLog = 2 };

/// Whether what is named so counts as an event, and begins visits: not what only tells of a page that is open.
[[nodiscard]] constexpr bool is_counted(std::string_view name) { return name != "engagement" && name != "vitals"; }

/// One accepted hit, generalised: nothing in it identifies a person. This is what the queue carries.
struct Hit {
  enum class Kind : std::uint8_t { kVisitor = 0, kBot = 1 };

  SiteId site{};
  Kind kind = Kind::kVisitor;
  Origin origin = Origin::kScript;
  Instant at;
  std::uint64_t event_id = 0;        ///< the same hit sent again has the same; random where the sender gave none
  std::uint64_t visitor = 0;         ///< keyed hash under the salt of `visitor_day`; 0 for bots
  std::uint64_t visitor_before = 0;  ///< the same under the salt of the day before; 0 when that salt is gone
  std::int32_t visitor_day = 0;      ///< UTC day of the salt

  std::string name;  ///< "pageview", "engagement", "vitals", or a custom event's
  bool interactive = true;
  std::string hostname;
  std::string path;
  std::string referrer;  ///< host and path, no query
  std::string source;
  std::string channel;
  std::string utm_source, utm_medium, utm_campaign, utm_content, utm_term;
  std::string click_id;  ///< the parameter's name, never its value
  std::string country, region, city;
  std::string browser, browser_version, os, os_version, device;
  std::string screen;              ///< class: "Mobile" "Tablet" "Laptop" "Desktop"
  std::string language;            ///< primary subtag and region: "de-AT"
  std::int32_t scroll_depth = -1;  ///< 0…100, -1 unknown
  std::int64_t engagement_ms = 0;
  std::optional<double> revenue;
  std::string currency;
  std::optional<double> lcp, inp, cls, fcp, ttfb;  ///< ms; cls without unit
  std::vector<std::pair<std::string, std::string>> properties;
  std::int32_t status = 0;  ///< of a log line
  std::int64_t bytes = -1;  ///< of a log line, -1 unknown
  std::string bot_name, bot_category, bot_reason;
};

/// The queue's record: a format version and any number of hits. Strings are length-prefixed; numbers are
/// variable-length integers; absent fields cost one bit.
/// `batch` names the import that the hits belong to, so that it can be told what became of them; 0 for none.
[[nodiscard]] std::string encode(std::span<const Hit> hits, std::uint64_t batch = 0);

/// True when every text of the hit is UTF-8, as the tables need it.
[[nodiscard]] bool is_well_formed(const Hit& hit);

struct HitRecord {
  std::uint64_t batch = 0;
  std::vector<Hit> hits;
};
/// Refuses kInvalid `analytics.poison_record` for bytes that `encode` did not write. What `record` held is gone either
/// way; its memory is used again.
[[nodiscard]] Result<void> decode(std::string_view bytes, HitRecord& record);

}  // namespace mainstay::analytics
