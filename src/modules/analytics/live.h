#pragma once

#include <array>
#include <cstdint>
#include <map>
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

/// The composite model of one site: who is here now, and the last 30 minutes by the minute.
/// On the processor's thread only. Memory: about 100 bytes a visitor of the last 30 minutes.
class LiveSite {
 public:
  /// Counts a visitor's hit. `visitor` is the id of the visit, so that one person stays one across midnight.
  void add(std::uint64_t visitor, const Hit& hit, const std::string& source, const std::string& country);
  /// Forgets who left more than 30 minutes ago. True when anything a watcher sees may have changed.
  bool advance(Instant now);
  [[nodiscard]] bool empty() const { return visitors_.empty(); }

  LiveCounts counts;

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

}  // namespace mainstay::analytics
