#include "modules/analytics/live_reports.h"

#include "modules/analytics/tables.h"

namespace mainstay::analytics {
namespace {

/// Pushes of one site are at least so far apart: four a second, with a little slack for the limit that each
/// watcher's connection has.
constexpr milliseconds kEvery{255};
constexpr milliseconds kTick{5'000};
std::int64_t number(const columns::Value& value) { return std::get<std::int64_t>(value); }

void restore_day(SiteId id, LiveDay& day, columns::Columns& columns) {
  const auto rows = stored_rows(
      columns,
      {.text = fmt::format("select e.visit_id, e.visitor_id, count(*) filter (where e.name = 'pageview'), count(*) "
                           "from events e where e.site_id = $1 and e.\"at\" >= $2 and e.\"at\" < $3 and {} "
                           "group by e.visit_id, e.visitor_id",
                           kCounted),
       .parameters = {static_cast<std::int64_t>(id), day.from(), day.to()}});
  for (const auto& row : rows) {
    day.add_visit(static_cast<std::uint64_t>(number(row[0])), static_cast<std::uint64_t>(number(row[1])));
    day.add_events(number(row[2]), number(row[3]));
  }
}

}  // namespace

void LiveReports::note(const Taken& taken) {
  const auto& hit = *taken.hit;
  auto& site = sites_[hit.site];
  switch (taken.fate) {
    case Taken::Fate::kAccepted:
      ++site.counts.accepted;
      count(taken, site);
      site.add(taken.assigned.visit->visitor, hit, taken.assigned.visit->begun_by.source,
               taken.assigned.visit->begun_by.country);
      break;
    case Taken::Fate::kBot: ++site.counts.bots; break;
    case Taken::Fate::kRefused: ++site.counts.refused; break;
  }
  due_.try_emplace(hit.site, pushed_at_[hit.site] + kEvery);
}

void LiveReports::publish_due(std::chrono::microseconds now) {
  take_removed();
  tick(now);
  for (auto it = due_.begin(); it != due_.end();) {
    if (it->second > now) {
      ++it;
      continue;
    }
    push(it->first, sites_[it->first]);
    pushed_at_[it->first] = now;
    it = due_.erase(it);
  }
}

void LiveReports::push(SiteId id, LiveSite& site) {
  refresh(id, site);
  const auto now = clock_.now();
  auto text = site.json(id, now);
  {
    const std::scoped_lock lock(mutex_);
    pushed_[id] = {.json = text, .current_visitors = site.current_visitors(now)};
  }
  bus_.publish(fmt::format("events.analytics.live.{}", static_cast<std::int64_t>(id)), std::move(text));
}

void LiveReports::tick(std::chrono::microseconds now) {
  if (now < next_tick_) return;
  next_tick_ = now + kTick;
  for (auto& [id, site] : sites_) {
    const bool was_empty = site.empty();
    const bool day_over = site.today.begun() && !site.today.contains(clock_.now());
    if ((site.advance(clock_.now()) && !was_empty) || day_over) due_.try_emplace(id, now);
  }
}

std::optional<std::chrono::microseconds> LiveReports::next_due() const {
  std::optional<std::chrono::microseconds> next;
  for (const auto& [site, due] : due_) next = std::min(next.value_or(due), due);
  return next;
}

LiveReports::Counts LiveReports::counts() const {
  Counts counts;
  for (const auto& [site, model] : sites_) counts.emplace(site, model.counts);
  return counts;
}

void LiveReports::committed(Counts counts) {
  const std::scoped_lock lock(mutex_);
  committed_ = std::move(counts);
}

void LiveReports::restore(std::map<SiteId, LiveSite> seen, columns::Columns& columns) {
  {
    const std::scoped_lock lock(mutex_);
    removed_.clear();  // the totals to come are without them
  }
  const auto totals = stored_rows(
      columns, {.text = "select site_id, count(*), max(\"at\") from events group by site_id", .parameters = {}});
  for (const auto& row : totals) {
    const SiteId id{number(row[0])};
    auto& site = seen[id];
    site.hits_total = number(row[1]);
    refresh(id, site);
    if (std::get<Instant>(row[2]) >= site.today.from()) restore_day(id, site.today, columns);
  }
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [site, counts] : committed_) seen[site].counts = counts;
  }
  sites_ = std::move(seen);
  for (auto& [id, site] : sites_) push(id, site);
}

void LiveReports::refresh(SiteId id, LiveSite& site) const {
  const auto now = clock_.now();
  site.advance(now);
  const auto settings = directory_.snapshot()->find(id);
  if (!settings) return;
  site.today.move_to(TimeZone::find(settings->timezone).value_or(TimeZone::utc()), now);
  if (!site.first_hit_at) site.first_hit_at = settings->first_hit_at;
}

void LiveReports::count(const Taken& taken, LiveSite& site) const {
  const auto& hit = *taken.hit;
  ++site.hits_total;
  if (taken.first_of_site) site.first_hit_at = hit.at;
  if (hit.at >= site.today.to()) refresh(hit.site, site);
  if (!is_counted(hit.name) || !site.today.contains(hit.at)) return;
  const auto& visit = *taken.assigned.visit;
  site.today.add_visit(static_cast<std::uint64_t>(visit.id), visit.visitor);
  site.today.add_events(hit.name == "pageview" ? 1 : 0, 1);
}

void LiveReports::removed(SiteId site, std::int64_t hits) {
  const std::scoped_lock lock(mutex_);
  removed_[site] += hits;
}

void LiveReports::take_removed() {
  decltype(removed_) taken;
  {
    const std::scoped_lock lock(mutex_);
    taken.swap(removed_);
  }
  for (const auto& [id, hits] : taken) {
    const auto found = sites_.find(id);
    if (found == sites_.end()) continue;
    found->second.hits_total -= hits;
    due_.try_emplace(id, pushed_at_[id] + kEvery);
  }
}

void LiveReports::erase(SiteId site) {
  sites_.erase(site);
  due_.erase(site);
  pushed_at_.erase(site);
  const std::scoped_lock lock(mutex_);
  pushed_.erase(site);
  committed_.erase(site);
}

std::string LiveReports::json(SiteId site) const {
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = pushed_.find(site); found != pushed_.end()) return found->second.json;
  }
  LiveSite nobody;
  refresh(site, nobody);
  return nobody.json(site, clock_.now());
}

std::size_t LiveReports::current_visitors(SiteId site) const {
  const std::scoped_lock lock(mutex_);
  const auto found = pushed_.find(site);
  return found == pushed_.end() ? 0 : found->second.current_visitors;
}

}  // namespace mainstay::analytics
