#pragma once

#include <array>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/principal.h"
#include "base/time.h"
#include "modules/analytics/hit.h"

namespace mainstay::analytics {

inline constexpr minutes kCurrentWindow{5};  ///< a visitor is current for so long after their last hit
inline constexpr int kLiveMinutes = 30;

/// What the processor told the world about the hits it took, since it started.
struct LiveCounts {
  std::uint64_t accepted = 0;
  std::uint64_t bots = 0;
  std::uint64_t refused = 0;
};

/// The sums of a site's local day, as a query for that day counts them. Memory: about 12 bytes a visit and a visitor.
class LiveDay {
 public:
  /// Begins the day that `now` falls on in `zone`, unless it has begun. When the zone changes amid a day, nothing is
  /// known until the next one.
  void move_to(const TimeZone& zone, Instant now);
  [[nodiscard]] bool contains(Instant at) const { return at >= from_ && at < to_; }
  [[nodiscard]] bool begun() const { return !zone_.empty(); }
  [[nodiscard]] Instant from() const { return from_; }
  [[nodiscard]] Instant to() const { return to_; }

  void add_visit(std::uint64_t visit, std::uint64_t visitor);
  void add_events(std::int64_t pageviews, std::int64_t events);

  struct Totals {
    std::int64_t visitors = 0;
    std::int64_t visits = 0;
    std::int64_t pageviews = 0;
    std::int64_t events = 0;  ///< pageviews and custom events
  };
  /// Nothing while they are not known.
  [[nodiscard]] std::optional<Totals> totals() const;

 private:
  std::string zone_;
  Instant from_;
  Instant to_;
  bool known_ = true;
  boost::unordered_flat_set<std::uint64_t> visitors_;
  boost::unordered_flat_set<std::uint64_t> visits_;
  std::int64_t pageviews_ = 0;
  std::int64_t events_ = 0;
};

/// The composite model of one site: who is here now, the last 30 minutes by the minute, today, and since the first hit.
/// On the processor's thread only. Memory: about 100 bytes a visitor of the last 30 minutes.
class LiveSite {
 public:
  /// Counts a visitor's hit. `visitor` is the id of the visit, so that one person stays one across midnight.
  void add(std::uint64_t visitor, const Hit& hit, const std::string& source, const std::string& country);
  /// Forgets who left more than 30 minutes ago. True when anything a watcher sees may have changed.
  bool advance(Instant now);
  [[nodiscard]] bool empty() const { return visitors_.empty(); }

  LiveCounts counts;
  LiveDay today;
  std::int64_t hits_total = 0;  ///< accepted ones that are kept
  std::optional<Instant> first_hit_at;

  /// The JSON text that watchers receive (docs/reference/http.md "Live report").
  [[nodiscard]] std::string json(SiteId site, Instant now) const;
  [[nodiscard]] std::size_t current_visitors(Instant now) const;

 private:
  struct Presence {
    Instant last_at;
    std::uint32_t minutes = 0;  ///< bit i: active in minute (minute_ - i)
    std::string page;
    std::string source;
    std::string country;
  };
  void roll_to(std::int64_t minute);

  std::unordered_map<std::uint64_t, Presence> visitors_;
  std::array<std::uint32_t, kLiveMinutes> pageviews_{};  ///< [i]: in minute (minute_ - i)
  std::int64_t minute_ = 0;                              ///< minutes since 1970 of bit 0
};

/// The JSON Schemas of `LiveSite::json`, and of the message that holds it on a WebSocket.
[[nodiscard]] std::string live_report_schema();
[[nodiscard]] std::string live_message_schema();

}  // namespace mainstay::analytics
