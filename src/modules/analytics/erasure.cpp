#include "modules/analytics/erasure.h"

#include <algorithm>
#include <iterator>

#include "base/log.h"
#include "modules/analytics/intake.h"
#include "modules/analytics/query/rollups.h"
#include "modules/analytics/tables.h"
#include "runtime/scheduling.h"

namespace mainstay::analytics {
namespace {

using columns::Statement;
using columns::Step;

constexpr minutes kLookEvery{1};

bool holds_sites(const columns::Table& table) { return table.columns.front().name == "site_id"; }

/// Notes down that the commit deletes something: `at_once` when somebody asked for it.
Step note_deletion(Instant now, bool at_once) {
  return Statement{.text =
                       "insert into deletions (id, \"at\", at_once) "
                       "select coalesce(max(id), 0) + 1, $1, $2 from deletions",
                   .parameters = {now, at_once}};
}

/// Adds the step that deletes rows of `from`, where there are any; how many there are.
std::int64_t add_deletion(columns::Columns& columns, std::vector<Step>& steps, const std::string& from,
                          const std::vector<columns::Value>& parameters) {
  const auto rows = stored_rows(columns, {.text = "select count(*) from " + from, .parameters = parameters});
  const auto count = std::get<std::int64_t>(rows.at(0)[0]);
  if (count > 0) steps.emplace_back(Statement{.text = "delete from " + from, .parameters = parameters});
  return count;
}

/// What deletes the sums of all days that lose hits or visits: before these go.
std::vector<Step> void_rollups(SiteId site, Instant oldest) {
  std::vector<Step> steps;
  for (const auto& table : rollup_tables()) {
    steps.emplace_back(
        Statement{.text = fmt::format("delete from {} where site_id = $1 and visitor_day in ("
                                      "select visitor_day from events where site_id = $1 and \"at\" < $2 union "
                                      "select visitor_day from visits where site_id = $1 and started_at < $2)",
                                      table.name),
                  .parameters = {static_cast<std::int64_t>(site), oldest}});
  }
  return steps;
}

struct Expired {
  std::vector<Step> steps;  ///< that delete what a site keeps no longer; none when there is nothing
  std::int64_t hits = 0;
};
Expired expired(columns::Columns& columns, SiteId site, Instant oldest) {
  Expired result;
  std::vector<Step> deletions;
  for (const auto& table : tables()) {
    if (!holds_sites(table)) continue;
    const auto count = add_deletion(columns, deletions,
                                    fmt::format("{} where site_id = $1 and \"{}\" < $2", table.name, table.time_column),
                                    {static_cast<std::int64_t>(site), oldest});
    if (table.name == "events") result.hits = count;
  }
  if (deletions.empty()) return result;
  result.steps = void_rollups(site, oldest);
  std::ranges::move(deletions, std::back_inserter(result.steps));
  return result;
}

}  // namespace

void remove_expired(columns::Columns& columns, const SiteMap& sites, Instant now, const Removed& removed) {
  const auto commit = [&](std::vector<Step> steps) {
    if (steps.empty()) return;
    steps.push_back(note_deletion(now, false));
    columns.commit(steps);
  };
  for (const auto& [name, site] : sites.by_key_text) {
    if (!site->retention_days || name != site->domain) continue;
    auto [steps, hits] = expired(columns, site->id, now - days{*site->retention_days});
    commit(std::move(steps));
    if (hits > 0) removed(site->id, hits);
  }
  std::vector<Step> of_nobody;
  add_deletion(columns, of_nobody, "set_aside where \"at\" < $1", {Instant{now - kSetAsideKept}});
  add_deletion(columns, of_nobody, "refusals where (site_id = 0 or asked_host <> '') and \"at\" < $1",
               {Instant{now - kNamedRefusalsKept}});
  commit(std::move(of_nobody));
}

std::vector<Step> erase_steps(SiteId site, Instant now) {
  std::vector<Step> steps;
  const auto add = [&](const columns::Table& table) {
    if (!holds_sites(table)) return;
    steps.emplace_back(Statement{.text = fmt::format("delete from {} where site_id = $1", table.name),
                                 .parameters = {static_cast<std::int64_t>(site)}});
  };
  for (const auto& table : rollup_tables()) add(table);
  for (const auto& table : tables()) add(table);
  steps.push_back(note_deletion(now, true));
  return steps;
}

Compactor::Compactor(columns::Columns& columns, clock::Clock& clock, metrics::Registry& metrics)
    : columns_(columns), clock_(clock) {
  metrics.gauge("mainstay_analytics_deleted_waiting_seconds",
                "How long deleted rows have been waiting to leave the disk; 0 when there are none. Above 86400 the "
                "promise of a day is broken: see the log.",
                [this] { return waiting_seconds(); });
}

double Compactor::waiting_seconds() const {
  const auto oldest = oldest_.load();
  if (oldest == kNothing) return 0;
  // A deletion from the future is one from before the clock was set back.
  return std::chrono::duration<double>(std::chrono::abs(clock_.now() - oldest)).count();
}

Compactor::~Compactor() { stop(); }

void Compactor::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Compactor::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Compactor::wake() {
  {
    const std::scoped_lock lock(mutex_);
    wake_ = true;
  }
  woken_.notify_all();
}

void Compactor::run(const std::stop_token& stop) {
  become_background_thread("analytics-room");
  while (!stop.stop_requested()) {
    std::chrono::milliseconds pause = kLookEvery;
    try {
      compact_if_due(stop);
    } catch (const Unavailable& outage) {
      if (stop.stop_requested()) return;
      pause = kRetryEvery;
      log::error("analytics: deleted rows are still on the disk; it is tried again in ten minutes",
                 {{"error", outage.what()}, {"waiting_seconds", fmt::format("{:.0f}", waiting_seconds())}});
    }
    std::unique_lock lock(mutex_);
    woken_.wait_for(lock, stop, pause, [this] { return std::exchange(wake_, false); });
  }
}

bool Compactor::compact_if_due(std::stop_token stop) {
  const auto rows = stored_rows(
      columns_,
      {.text = "select max(id), min(\"at\"), coalesce(bool_or(at_once), false) from deletions", .parameters = {}});
  const auto& noted = rows.at(0);
  const auto* const last = std::get_if<std::int64_t>(&noted[0]);
  if (last == nullptr) {
    oldest_ = kNothing;
    return false;
  }
  oldest_ = std::get<Instant>(noted[1]);
  const auto age = clock_.now() - oldest_.load();
  const hours kept = columns_.bytes_on_disk() <= kSmallBytes ? kSmallKept : kDeletedKept;
  if (!std::get<bool>(noted[2]) && age >= hours{0} && age < kept) return false;
  const auto began = clock_.monotonic();
  columns_.compact(stop);
  const std::vector<Step> forget{Statement{.text = "delete from deletions where id <= $1", .parameters = {*last}}};
  columns_.commit(forget);
  oldest_ = kNothing;
  log::info("analytics: deleted rows have left the disk",
            {{"seconds", fmt::format("{:.1f}", static_cast<double>((clock_.monotonic() - began).count()) / 1e6)},
             {"bytes", fmt::format("{}", columns_.bytes_on_disk())}});
  return true;
}

}  // namespace mainstay::analytics
