#include "modules/analytics/sessioniser.h"

#include <algorithm>

namespace mainstay::analytics {
namespace {

/// Log lines are written when a request ends, so they come a little out of order.
constexpr minutes kImportSlack{5};
constexpr seconds kSweepEvery{10};
/// Visits that a batch of an import may open before any of them ends. Until then it does not matter in which order the
/// lines come, as in the logs of two servers one after the other.
constexpr std::size_t kOpenMany = 16'384;
constexpr std::size_t kEarlierMax = 8;  ///< of one visitor

bool is_near(const Visit& visit, Instant at) {
  return at <= visit.ended_at + kSessionGap && at >= visit.started_at - kSessionGap;
}

void count(Visit& visit, const Hit& hit) {
  visit.started_at = std::min(visit.started_at, hit.at);
  visit.ended_at = std::max(visit.ended_at, hit.at);
  visit.engagement_ms += hit.engagement_ms;
  if (!is_counted(hit.name)) return;
  const bool is_view = hit.name == "pageview";
  if (visit.events == 0) {
    visit.entry_page = hit.path;
    visit.entry_hostname = hit.hostname;
  }
  if (is_view || hit.interactive) {
    visit.exit_page = hit.path;
    visit.exit_hostname = hit.hostname;
  }
  ++visit.events;
  if (is_view) ++visit.pageviews;
  if (!is_view && hit.interactive) visit.interactive_event = true;
}

}  // namespace

std::uint64_t hash_path(std::string_view path) { return std::hash<std::string_view>{}(path); }

Sessioniser::Sessioniser(LoadVisitors load, std::function<std::uint64_t()> draw)
    : draw_(std::move(draw)), visitors_(std::move(load)) {}

Assigned Sessioniser::assign(const Hit& hit) {
  if (hit.origin == Origin::kLog) {
    auto& reached = import_reached_[static_cast<std::int64_t>(hit.site)];
    reached = std::max(reached, hit.at);
  }
  Open* live = find_live(hit);
  Assigned assigned;
  if (live == nullptr) {
    if (!is_counted(hit.name)) return assigned;
    live = &open(hit);
    assigned.opened = true;
  }
  if (!live->dirty) {
    live->dirty = true;
    dirty_.push_back({live->visit->site, live->visit->visitor});
  }
  count(*live->visit, hit);
  assigned.visit = live->visit.get();
  assigned.first_on_page = hit.name == "pageview" && live->visit->pages.insert(hash_path(hit.path)).second;
  return assigned;
}

Sessioniser::Open* Sessioniser::find_live(const Hit& hit) {
  const auto look = [&](std::uint64_t visitor) -> Open* {
    const auto found = open_.find({hit.site, visitor});
    if (found != open_.end() && is_near(*found->second.visit, hit.at)) return &found->second;
    if (earlier_.empty()) return nullptr;
    const auto late = earlier_.find({hit.site, visitor});
    if (late == earlier_.end()) return nullptr;
    const auto near =
        std::ranges::find_if(late->second, [&](const Open& open) { return is_near(*open.visit, hit.at); });
    return near == late->second.end() ? nullptr : &*near;
  };
  if (auto* live = look(hit.visitor)) return live;
  return hit.visitor_before != 0 ? look(hit.visitor_before) : nullptr;
}

Sessioniser::Open& Sessioniser::open(const Hit& hit) {
  Open made{.visit = std::make_unique<Visit>(), .imported = hit.origin != Origin::kScript, .touched_at = {}};
  auto& visit = *made.visit;
  visit.site = hit.site;
  visit.id = static_cast<std::int64_t>(draw_() >> 1);
  visit.visitor = hit.visitor;
  visit.visitor_day = hit.visitor_day;
  visit.started_at = hit.at;
  visit.ended_at = hit.at;
  visit.first_visit = visitors_.insert(hit.visitor_day, person(hit.site, hit.visitor));
  visit.begun_by = hit;
  visit.begun_by.properties.clear();
  return put({hit.site, hit.visitor}, std::move(made));
}

/// What follows ends what was there; what is of long before leaves it alone.
Sessioniser::Open& Sessioniser::put(const Key& key, Open made) {
  const auto [there, is_new] = open_.try_emplace(key);
  if (!is_new && there->second.visit->started_at > made.visit->started_at) {
    auto& earlier = earlier_[{key.site, key.visitor}];
    if (earlier.size() >= kEarlierMax) {
      end(std::move(earlier.front()));
      earlier.erase(earlier.begin());
    }
    return earlier.emplace_back(std::move(made));
  }
  if (!is_new) end(std::move(there->second));
  return there->second = std::move(made);
}

void Sessioniser::end(Open open) {
  if (open.stored) ended_stored_.push_back(open.visit->id);
  ended_.push_back(std::move(open.visit));
}

void Sessioniser::restore(Visit visit, Instant now) {
  const Key key{visit.site, visit.visitor};
  const bool imported = visit.ended_at + kSessionGap < now;  // only history can be open for so long
  Open restored{
      .visit = std::make_unique<Visit>(std::move(visit)), .stored = true, .imported = imported, .touched_at = now};
  const auto there = open_.find(key);
  if (there != open_.end() && there->second.visit->started_at < restored.visit->started_at) {
    std::swap(there->second, restored);
  }
  put(key, std::move(restored));
}

void Sessioniser::sweep(Instant now) {
  std::erase_if(dirty_, [&](const Key& key) {
    const auto found = open_.find(key);
    if (found != open_.end()) found->second.touched_at = now;
    return found == open_.end();
  });
  for (auto& [visitor, opens] : earlier_) {
    for (auto& open : opens) open.touched_at = open.dirty ? now : open.touched_at;
  }
  if (now - swept_at_ >= kSweepEvery || now < swept_at_ || !import_reached_.empty()) end_passed(now);
  open_at_sweep_ = open_.size();
}

bool Sessioniser::has_ended(const Open& open, Instant now) const {
  const auto reached = import_reached_.find(static_cast<std::int64_t>(open.visit->site));
  const bool import_passed = open.imported && reached != import_reached_.end() &&
                             open.visit->ended_at + kSessionGap + kImportSlack < reached->second;
  // History, of logs or of servers that send late, is old by nature: it waits for its import to pass it, or for a
  // quiet gap of the clock.
  const auto active_at = open.imported ? open.touched_at : open.visit->ended_at;
  return import_passed || active_at + kSessionGap < now;
}

void Sessioniser::end_passed(Instant now) {
  swept_at_ = now;
  for (auto it = open_.begin(); it != open_.end();) {
    if (has_ended(it->second, now)) {
      end(std::move(it->second));
      open_.erase(it++);
    } else {
      ++it;
    }
  }
  for (auto& [visitor, opens] : earlier_) {
    const auto kept = std::ranges::partition(opens, [&](const Open& open) { return !has_ended(open, now); });
    for (auto& open : kept) end(std::move(open));
    opens.erase(kept.begin(), kept.end());
  }
  std::erase_if(earlier_, [](const auto& entry) { return entry.second.empty(); });
  import_reached_.clear();
}

std::vector<std::unique_ptr<const Visit>> Sessioniser::take_ended(Instant now) {
  if (open_.size() >= std::max(kOpenMany, 2 * open_at_sweep_)) sweep(now);
  return std::exchange(ended_, {});
}

Sessioniser::Changes Sessioniser::take_changes(Instant now) {
  visitors_.mark();
  sweep(now);
  Changes changes{.open = {}, .ended = std::exchange(ended_, {}), .replaced = std::exchange(ended_stored_, {})};
  for (const auto& key : dirty_) {
    if (const auto found = open_.find(key); found != open_.end()) take_change(found->second, changes);
  }
  for (auto& [visitor, opens] : earlier_) {
    for (auto& open : opens) take_change(open, changes);
  }
  dirty_.clear();
  return changes;
}

void Sessioniser::take_change(Open& open, Changes& changes) {
  if (!open.dirty) return;
  open.dirty = false;
  if (open.stored) changes.replaced.push_back(open.visit->id);
  open.stored = true;
  changes.open.push_back(open.visit.get());
}

void Sessioniser::erase(SiteId site) {
  boost::unordered::erase_if(open_, [site](const auto& entry) { return entry.first.site == site; });
  std::erase_if(earlier_, [site](const auto& entry) { return entry.first.first == site; });
  std::erase_if(ended_, [site](const auto& visit) { return visit->site == site; });
}

}  // namespace mainstay::analytics
