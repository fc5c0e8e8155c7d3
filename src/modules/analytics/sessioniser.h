#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "modules/analytics/day_sets.h"
#include "modules/analytics/hit.h"

namespace mainstay::analytics {

/// A run of hits of one visitor on one site with gaps of at most kSessionGap.
struct Visit {
  SiteId site{};
  std::int64_t id = 0;
  std::uint64_t visitor = 0;
  std::int32_t visitor_day = 0;
  Instant started_at;
  Instant ended_at;  ///< of the last hit, engagement included: so that reading one page has a duration
  std::int64_t pageviews = 0;
  std::int64_t events = 0;  ///< pageviews and custom events; not engagement, not vitals
  bool interactive_event = false;
  std::int64_t engagement_ms = 0;
  std::string entry_hostname, entry_page;  ///< of the first event, so that every event of the visit has the same
  std::string exit_hostname, exit_page;    ///< of the last one by the visitor
  Hit begun_by;                            ///< the attributes that decided how it began: source…term, country…language
  bool first_visit = true;
  boost::unordered_flat_set<std::uint64_t> pages;  ///< hashes of the paths viewed

  [[nodiscard]] bool is_bounce() const { return pageviews <= 1 && !interactive_event; }
};

inline constexpr minutes kSessionGap{30};

/// A visitor of a site as one number.
[[nodiscard]] constexpr std::uint64_t person(SiteId site, std::uint64_t visitor) {
  return visitor ^ (static_cast<std::uint64_t>(site) * 0x9E3779B97F4A7C15ULL);
}

/// A path as one number, for Visit::pages.
[[nodiscard]] std::uint64_t hash_path(std::string_view path);

/// Which visit a hit belongs to.
struct Assigned {
  const Visit* visit = nullptr;  ///< valid until the next call; null: no visit takes it (engagement without one)
  bool first_on_page = false;
  bool opened = false;  ///< this hit began the visit
};

/// Turns hits into visits. One instance, on the processor's thread. Holds the open visits in memory; what
/// it holds is always derivable from what the processor has committed, so a restart continues where it was.
///
/// Memory: about 600 bytes an open visit, 12 bytes a visitor of the days in `visitors_`.
class Sessioniser {
 public:
  /// Gives the person() of all visitors that the store knows for a visitor_day.
  using LoadVisitors = DaySets::Load;
  /// `draw` gives random visit ids.
  Sessioniser(LoadVisitors load, std::function<std::uint64_t()> draw);

  /// Assigns `hit` to a visit, opening one if none is live (not for engagement and vitals).
  /// A visit begun before midnight goes on under the visitor id of that day.
  Assigned assign(const Hit& hit);

  /// Puts an open visit back at start.
  void restore(Visit visit, Instant now);

  /// The visits that changed since the last call, and those that ended, each once. A visit has ended when its gap
  /// passed at `now`, or, for visits of imported history, at the newest time that its import reached.
  struct Changes {
    std::vector<const Visit*> open;  ///< changed; valid until the next call of anything
    std::vector<std::unique_ptr<const Visit>> ended;
    std::vector<std::int64_t> replaced;  ///< ids whose rows in open_visits are to be removed
  };
  [[nodiscard]] Changes take_changes(Instant now);
  /// The ended ones of the next take_changes ahead of it, when there are many.
  [[nodiscard]] std::vector<std::unique_ptr<const Visit>> take_ended(Instant now);
  /// What the last take_changes gave is in the store: memory that can be read back may go.
  void note_stored() { visitors_.trim(); }

  [[nodiscard]] std::size_t open_count() const { return open_.size(); }
  /// Forgets all of a site that was deleted.
  void erase(SiteId site);

 private:
  struct Key {
    SiteId site;
    std::uint64_t visitor;
    bool operator==(const Key&) const = default;
    friend std::size_t hash_value(const Key& key) { return person(key.site, key.visitor); }
  };
  struct Open {
    std::unique_ptr<Visit> visit;
    bool dirty = false;
    bool stored = false;    ///< has a row in open_visits
    bool imported = false;  ///< begun by a log line or a server: its times may lie well behind the clock
    Instant touched_at;     ///< when the processor last saw a hit of it
  };
  using OpenMap = boost::unordered_flat_map<Key, Open>;

  /// Both are valid until another visit opens.
  Open* find_live(const Hit& hit);
  Open& open(const Hit& hit);
  Open& put(const Key& key, Open made);
  void end(Open open);
  /// Notes what was touched and, when it is time, ends what has ended.
  void sweep(Instant now);
  void end_passed(Instant now);
  [[nodiscard]] bool has_ended(const Open& open, Instant now) const;
  void take_change(Open& open, Changes& changes);

  std::function<std::uint64_t()> draw_;
  OpenMap open_;
  std::vector<Key> dirty_;  ///< of them
  /// Of visitors who have a later visit in `open_`: of what came hours late. Few, if any.
  std::map<std::pair<SiteId, std::uint64_t>, std::vector<Open>> earlier_;
  std::vector<std::unique_ptr<const Visit>> ended_;
  std::vector<std::int64_t> ended_stored_;
  DaySets visitors_;                                                 ///< by visitor_day
  boost::unordered_flat_map<std::int64_t, Instant> import_reached_;  ///< site → newest log time since the last sweep
  Instant swept_at_;
  std::size_t open_at_sweep_ = 0;  ///< visits that were open after the last sweep
};

}  // namespace mainstay::analytics
