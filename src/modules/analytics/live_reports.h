#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "modules/analytics/intake.h"
#include "modules/analytics/live.h"
#include "ports/bus/bus.h"
#include "ports/clock/clock.h"

namespace mainstay::analytics {

/// The live reports of all sites: counts each hit as the processor takes it, and pushes what changed to the bus, at
/// most four times a second per site. Any thread; locks briefly.
class LiveReports {
 public:
  LiveReports(bus::Bus& bus, clock::Clock& clock) : bus_(bus), clock_(clock) {}

  void note(const Taken& taken);
  /// Pushes what is due at `now` (monotonic); every few seconds also sites on which only time has passed.
  void publish_due(std::chrono::microseconds now);
  /// When `publish_due` has something to do; nothing when no site changed.
  [[nodiscard]] std::optional<std::chrono::microseconds> next_due() const;

  /// Takes over what was rebuilt from the tables; what was counted since the start stays.
  void replace(std::map<SiteId, LiveSite> rebuilt);
  void erase(SiteId site);

  [[nodiscard]] std::string json(SiteId site) const;
  [[nodiscard]] std::size_t current_visitors(SiteId site) const;

 private:
  void tick(std::chrono::microseconds now);

  bus::Bus& bus_;
  clock::Clock& clock_;
  mutable std::mutex mutex_;
  std::map<SiteId, LiveSite> sites_;
  std::map<SiteId, std::chrono::microseconds> due_;  ///< sites that changed, and when they may be pushed
  std::map<SiteId, std::chrono::microseconds> pushed_at_;
  std::chrono::microseconds next_tick_{0};
};

}  // namespace mainstay::analytics
