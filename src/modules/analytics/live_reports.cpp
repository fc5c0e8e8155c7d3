#include "modules/analytics/live_reports.h"

namespace mainstay::analytics {
namespace {

/// Pushes of one site are at least so far apart: four a second, with a little slack for the limit that each
/// watcher's connection has.
constexpr milliseconds kEvery{255};
constexpr milliseconds kTick{5'000};

}  // namespace

void LiveReports::note(const Taken& taken) {
  const auto& hit = *taken.hit;
  const std::scoped_lock lock(mutex_);
  auto& site = sites_[hit.site];
  switch (taken.fate) {
    case Taken::Fate::kAccepted:
      ++site.counts.accepted;
      site.add(taken.assigned.visit->visitor, hit, taken.assigned.visit->begun_by.source,
               taken.assigned.visit->begun_by.country);
      break;
    case Taken::Fate::kBot: ++site.counts.bots; break;
    case Taken::Fate::kRefused: ++site.counts.refused; break;
  }
  due_.try_emplace(hit.site, pushed_at_[hit.site] + kEvery);
}

void LiveReports::publish_due(std::chrono::microseconds now) {
  std::vector<std::pair<std::string, std::string>> messages;
  {
    const std::scoped_lock lock(mutex_);
    tick(now);
    for (auto it = due_.begin(); it != due_.end();) {
      if (it->second > now) {
        ++it;
        continue;
      }
      auto& site = sites_[it->first];
      site.advance(clock_.now());
      messages.emplace_back(fmt::format("events.analytics.live.{}", static_cast<std::int64_t>(it->first)),
                            site.json(it->first, clock_.now()));
      pushed_at_[it->first] = now;
      it = due_.erase(it);
    }
  }
  for (auto& [subject, payload] : messages) bus_.publish(std::move(subject), std::move(payload));
}

void LiveReports::tick(std::chrono::microseconds now) {
  if (now < next_tick_) return;
  next_tick_ = now + kTick;
  for (auto& [id, site] : sites_) {
    const bool was_empty = site.empty();
    if (site.advance(clock_.now()) && !was_empty) due_.try_emplace(id, now);
  }
}

std::optional<std::chrono::microseconds> LiveReports::next_due() const {
  const std::scoped_lock lock(mutex_);
  std::optional<std::chrono::microseconds> next;
  for (const auto& [site, due] : due_) next = std::min(next.value_or(due), due);
  return next;
}

void LiveReports::replace(std::map<SiteId, LiveSite> rebuilt) {
  const std::scoped_lock lock(mutex_);
  for (auto& [site, model] : sites_) rebuilt[site].counts = model.counts;
  sites_ = std::move(rebuilt);
}

void LiveReports::erase(SiteId site) {
  const std::scoped_lock lock(mutex_);
  sites_.erase(site);
  due_.erase(site);
  pushed_at_.erase(site);
}

std::string LiveReports::json(SiteId site) const {
  const std::scoped_lock lock(mutex_);
  const auto found = sites_.find(site);
  // Who asks later than the last hit sees the minutes that passed since.
  auto model = found == sites_.end() ? LiveSite{} : found->second;
  model.advance(clock_.now());
  return model.json(site, clock_.now());
}

std::size_t LiveReports::current_visitors(SiteId site) const {
  const std::scoped_lock lock(mutex_);
  const auto found = sites_.find(site);
  return found == sites_.end() ? 0 : found->second.current_visitors(clock_.now());
}

}  // namespace mainstay::analytics
