#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "modules/analytics/intake.h"
#include "modules/analytics/live.h"
#include "modules/analytics/sites/sites.h"
#include "ports/bus/bus.h"
#include "ports/clock/clock.h"
#include "ports/columns/columns.h"

namespace mainstay::analytics {

/// The live reports of all sites: counts each hit as the processor takes it, and pushes what changed to the bus, at
/// most four times a second per site. Of the processor's thread, where nothing else is said; who watches gets what was
/// pushed last and never waits for a model to be made.
class LiveReports {
 public:
  LiveReports(bus::Bus& bus, clock::Clock& clock, const SiteDirectory& directory)
      : bus_(bus), clock_(clock), directory_(directory) {}

  void note(const Taken& taken);
  /// Pushes what is due at `now` (monotonic); every few seconds also sites on which only time has passed.
  void publish_due(std::chrono::microseconds now);
  /// When `publish_due` has something to do; nothing when no site changed.
  [[nodiscard]] std::optional<std::chrono::microseconds> next_due() const;

  using Counts = std::map<SiteId, LiveCounts>;
  [[nodiscard]] Counts counts() const;
  /// All hits of these counts are in the tables. Any thread.
  void committed(Counts counts);
  /// Begins anew, with the visitors that were `seen` lately and the totals that `columns` has; of what was counted
  /// since the start that stays which is committed: the rest is noted again. Pushes all sites. Blocks.
  /// Throws Unavailable when the store cannot be read.
  void restore(std::map<SiteId, LiveSite> seen, columns::Columns& columns);
  void erase(SiteId site);
  /// So many hits are kept no longer. Any thread.
  void removed(SiteId site, std::int64_t hits);

  /// The model that was pushed last. Any thread.
  [[nodiscard]] std::string json(SiteId site) const;
  [[nodiscard]] std::size_t current_visitors(SiteId site) const;

 private:
  struct Pushed {
    std::string json;
    std::size_t current_visitors = 0;
  };
  void tick(std::chrono::microseconds now);
  void take_removed();
  void push(SiteId id, LiveSite& site);
  void count(const Taken& taken, LiveSite& site) const;
  /// Brings what depends on the clock and on the site's settings up to date.
  void refresh(SiteId id, LiveSite& site) const;

  bus::Bus& bus_;
  clock::Clock& clock_;
  const SiteDirectory& directory_;
  std::map<SiteId, LiveSite> sites_;
  std::map<SiteId, std::chrono::microseconds> due_;  ///< sites that changed, and when they may be pushed
  std::map<SiteId, std::chrono::microseconds> pushed_at_;
  std::chrono::microseconds next_tick_{0};

  mutable std::mutex mutex_;  ///< guards what follows
  std::map<SiteId, Pushed> pushed_;
  Counts committed_;
  std::map<SiteId, std::int64_t> removed_;  ///< hits that `sites_` still has in its totals
};

}  // namespace mainstay::analytics
