#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/principal.h"
#include "base/time.h"

namespace mainstay::analytics {

/// How fine the place of a visitor may be kept.
enum class PlaceDetail { kNone, kCountry, kRegion, kCity };

/// What a site keeps of a hit. What is off never reaches the queue.
struct Collect {
  bool referrer = true;
  bool campaign = true;
  PlaceDetail place = PlaceDetail::kCity;
  bool agent = true;
  bool screen = true;
  bool language = true;
  bool engagement = true;
  bool properties = true;
  bool vitals = true;
};

/// What a site does not count.
struct Excluded {
  std::vector<std::string> networks;  ///< CIDR, IPv4 or IPv6
  std::vector<std::string> paths;     ///< globs with * and **
  std::vector<std::string> hosts;
  std::vector<std::string> countries;  ///< ISO 3166-1 alpha-2
};

/// A tracked web property.
struct Site {
  SiteId id{};
  std::string domain;
  std::string name;
  std::string key;                 ///< lets a server send hits and log lines; shown to who may manage sites
  std::vector<std::string> hosts;  ///< allowed host names; "*.example.com" matches sub-domains. Never empty
  std::string timezone;
  Instant created_at;
  std::optional<Instant> first_hit_at;
  std::string script_path = "/s.js";
  Excluded excluded;
  Collect collect;
  bool honour_dnt = false;
  bool honour_gpc = true;
  bool hash_routing = false;
  std::optional<std::int32_t> retention_days;
  std::int64_t version = 1;  ///< grows with each edit; the ETag
};

enum class GoalKind { kEvent, kPage, kScroll };

struct Goal {
  std::int64_t id = 0;
  SiteId site{};
  GoalKind kind = GoalKind::kEvent;
  std::string event_name;
  std::string page_pattern;
  std::int32_t scroll_depth = 0;
  std::string display_name;
};

struct Annotation {
  std::int64_t id = 0;
  SiteId site{};
  Instant at;
  std::string text;
};

struct Share {
  std::int64_t id = 0;
  SiteId site{};
  std::string name;
  std::string token;
  bool has_password = false;
  Instant created_at;
};

}  // namespace mainstay::analytics
