#include "modules/analytics/intake.h"

#include "base/hash.h"
#include "base/log.h"
#include "modules/analytics/live.h"
#include "modules/analytics/query/rollups.h"
#include "modules/analytics/tables.h"

namespace mainstay::analytics {
namespace {

using columns::Statement;
using columns::Step;

constexpr std::size_t kPoisonBytesKept = 4'096;

constexpr std::chrono::minutes kReadPatience{10};

std::uint64_t id_in(const columns::Value& value) { return static_cast<std::uint64_t>(std::get<std::int64_t>(value)); }

Instant day_start(std::int32_t day) { return Instant{days{day}}; }

}  // namespace

Intake::Intake(columns::Columns& columns, random::Random& random)
    : columns_(columns),
      lines_seen_(load_ids(fmt::format("origin = {}", static_cast<int>(Origin::kLog)))),
      events_seen_(load_ids(fmt::format("origin <> {}", static_cast<int>(Origin::kLog))), kEventDaysMax),
      sessioniser_(
          [this](std::int32_t day) {
            std::vector<std::uint64_t> persons;
            each_row(fmt::format("select site_id, visitor_id from {} where visitor_day = $1", kAllVisits),
                     {std::int64_t{day}}, [&persons](const auto& row) {
                       persons.push_back(person(SiteId{std::get<std::int64_t>(row[0])}, id_in(row[1])));
                     });
            return persons;
          },
          [&random] { return random.number(); }) {}

DaySets::Load Intake::load_ids(std::string_view origins) const {
  constexpr std::string_view kOfTable =
      R"(select event_id from {0} where {1} and event_id < 0 and "at" >= $1 and "at" < $2)";
  auto text =
      fmt::format("{} union all {}", fmt::format(kOfTable, "events", origins), fmt::format(kOfTable, "bots", origins));
  return [this, text = std::move(text)](std::int32_t day) {
    std::vector<std::uint64_t> ids;
    each_row(text, {day_start(day), day_start(day + 1)}, [&ids](const auto& row) { ids.push_back(id_in(row[0])); });
    return ids;
  };
}

Committed last_commit(columns::Columns& columns) {
  const auto rows = stored_rows(
      columns, {.text = "select stream_offset, coalesce(commit_number, 0) from progress where consumer = 'processor'",
                .parameters = {}});
  if (rows.empty()) return {};
  const auto& row = rows[0];
  return {.offset = id_in(row[0]), .number = std::get<std::int64_t>(row[1])};
}

void Intake::each_row(std::string text, std::vector<columns::Value> parameters, const TakeRow& take) const {
  const auto done = columns_.stream_blocking({.text = std::move(text), .parameters = std::move(parameters)},
                                             kReadPatience, [&take](const columns::Answer& chunk) {
                                               for (const auto& row : chunk.rows) take(row);
                                               return true;
                                             });
  if (!done) throw Unavailable("analytics: " + done.error().message);
}

void Intake::restore(Instant now, const Recent& recent) {
  const auto committed = last_commit(columns_);
  position_ = committed.offset;
  commit_number_ = committed.number;
  taken_ = position_;
  std::unordered_map<std::int64_t, Visit> visits;
  each_row("select " + visit_select() + " from open_visits", {}, [&visits](const auto& row) {
    auto visit = visit_from_row(row);
    visits.emplace(visit.id, std::move(visit));
  });
  each_row(
      "select e.visit_id, e.path from events e join open_visits v on e.visit_id = v.visit_id "
      "where e.first_on_page",
      {}, [&visits](const auto& row) {
        visits.at(std::get<std::int64_t>(row[0])).pages.insert(hash_path(std::get<std::string>(row[1])));
      });
  for (auto& [id, visit] : visits) sessioniser_.restore(std::move(visit), now);
  each_row(
      "select site_id, \"at\", visitor_id, name, path, source, country from events where \"at\" >= $1 order by \"at\"",
      {Instant{now - minutes{kLiveMinutes}}}, [&recent](const auto& row) {
        Hit hit;
        hit.site = SiteId{std::get<std::int64_t>(row[0])};
        hit.at = std::get<Instant>(row[1]);
        hit.name = std::get<std::string>(row[3]);
        hit.path = std::get<std::string>(row[4]);
        hit.source = std::get<std::string>(row[5]);
        hit.country = std::get<std::string>(row[6]);
        recent(hit.site, id_in(row[2]), hit);
      });
}

void Intake::take(const stream::Record& record, const SiteMap& sites, Instant now, const Note& note) {
  position_ = record.offset;
  if (const auto read = decode(record.bytes, record_); !read) {
    set_aside(record, read.error().message);
    return;
  }
  for (const auto& hit : record_.hits) take_hit(hit, record_.batch, sites, {record.appended_at, now}, note);
}

void Intake::take_hit(const Hit& hit, std::uint64_t batch, const SiteMap& sites, Times times, const Note& note) {
  const auto site = sites.find(hit.site);
  Taken taken{.fate = Taken::Fate::kRefused, .hit = &hit, .batch = batch};
  auto why = fault(hit, site.get(), times);
  if (why.empty() && hit.kind == Hit::Kind::kBot) {
    add_bot(bots_, hit);
    taken.fate = Taken::Fate::kBot;
  } else if (why.empty()) {
    taken.assigned = sessioniser_.assign(hit);
    if (taken.assigned.visit == nullptr) {
      why = "no_visit";
    } else {
      add_event(events_, hit, taken.assigned);
      touched_days_.insert({hit.site, taken.assigned.visit->visitor_day});
      taken.fate = Taken::Fate::kAccepted;
      taken.first_of_site = !site->first_hit_at && sites_with_hits_.insert(static_cast<std::int64_t>(hit.site)).second;
    }
  }
  taken.why = why;
  if (!why.empty())
    refusals_.add(site ? hit.site : SiteId{}, hit.origin == Origin::kLog ? "import" : "processor", why, 1);
  note(taken);
}

std::string_view Intake::fault(const Hit& hit, const Site* site, Times times) {
  if (site == nullptr) return "unknown_site";
  if (!is_well_formed(hit)) return "malformed";
  if (hit.at > times.arrived + kFutureMax) return "future";
  if (hit.origin != Origin::kLog && hit.at < times.arrived - kLateMax) return "late";
  if (site->retention_days && hit.at < times.now - days{*site->retention_days}) return "past_retention";
  if ((hit.event_id & kStableId) != 0 && was_seen(hit, times.arrived)) return "duplicate";
  return "";
}

bool Intake::was_seen(const Hit& hit, Instant arrived) {
  const auto day = utc_day(hit.at);
  if (hit.origin == Origin::kLog) return !lines_seen_.insert(day, hit.event_id);
  for (auto other = utc_day(arrived - kLateMax); other <= utc_day(arrived + kFutureMax); ++other) {
    if (events_seen_.contains(other, hit.event_id)) return true;
  }
  return !events_seen_.insert(day, hit.event_id);
}

void Intake::set_aside(const stream::Record& record, std::string_view reason) {
  log::warning("analytics: a record was set aside",
               {{"offset", std::to_string(record.offset)}, {"reason", std::string{reason}}});
  set_aside_.time(record.appended_at);
  set_aside_.number(static_cast<std::int64_t>(record.offset));
  set_aside_.text(reason);
  set_aside_.text(
      to_hex(std::as_bytes(std::span{record.bytes}).first(std::min(record.bytes.size(), kPoisonBytesKept))));
  set_aside_.end_row();
}

void Intake::add_refusals(const Ledger& ledger, const SiteMap& sites) {
  for (const auto& [key, count] : ledger.counts()) {
    const auto& [site, source, reason, asked] = key;
    refusals_.add(sites.find(site) ? site : SiteId{}, source, reason, count, asked);
  }
}

BatchRows Intake::take_refusals(Instant now) {
  BatchRows rows{"refusals"};
  for (const auto& [key, count] : refusals_.counts()) {
    const auto& [site, source, reason, asked] = key;
    rows.number(static_cast<std::int64_t>(site));
    rows.time(std::chrono::floor<minutes>(now));
    rows.text(source);
    rows.text(reason);
    rows.number(static_cast<std::int64_t>(count));
    rows.text(asked.site);
    rows.text(asked.host);
    rows.end_row();
  }
  refusals_.clear();
  return rows;
}

void Intake::take_rows(const std::vector<std::unique_ptr<const Visit>>& ended, std::vector<Step>& steps) {
  for (const auto& visit : ended) {
    add_visit(visits_, *visit);
    touched_days_.insert({visit->site, visit->visitor_day});
  }
  for (auto* rows : {&events_, &visits_, &bots_}) {
    if (!rows->empty()) steps.emplace_back(rows->take());
  }
}

std::vector<Step> Intake::take_piece(Instant now) {
  std::vector<Step> steps;
  rows_ahead_.events += events_.rows();
  rows_ahead_.bots += bots_.rows();
  take_rows(sessioniser_.take_ended(now), steps);
  return steps;
}

std::vector<Step> Intake::take_commit(Instant now, std::int32_t newest_rollup) {
  auto refusals = take_refusals(now);
  voided_days_.clear();
  rows_ahead_ = {};
  const auto changes = sessioniser_.take_changes(now);
  BatchRows open{"open_visits"};
  for (const auto* visit : changes.open) add_visit(open, *visit);

  std::vector<Step> steps;
  if (!changes.replaced.empty()) {
    steps.emplace_back(Statement{.text = "delete from open_visits where visit_id in (select unnest($1))",
                                 .parameters = {changes.replaced}});
  }
  take_rows(changes.ended, steps);
  for (auto* rows : {&open, &refusals, &set_aside_}) {
    if (!rows->empty()) steps.emplace_back(rows->take());
  }
  steps.emplace_back(Statement{.text = "delete from progress where consumer = 'processor'", .parameters = {}});
  steps.emplace_back(
      Statement{.text = "insert into progress (consumer, stream_offset, commit_number) values ('processor', $1, $2)",
                .parameters = {static_cast<std::int64_t>(position_), ++commit_number_}});
  for (const auto& [site, day] : std::exchange(touched_days_, {})) {
    if (day > newest_rollup) continue;
    for (auto& step : invalidate_rollup(site, day)) steps.push_back(std::move(step));
    voided_days_.emplace_back(site, day);
  }
  lines_seen_.mark();
  events_seen_.mark();
  taken_ = position_;
  return steps;
}

void Intake::note_stored() {
  lines_seen_.trim();
  events_seen_.trim();
  sessioniser_.note_stored();
}

void Intake::erase(SiteId site) {
  sessioniser_.erase(site);
  sites_with_hits_.erase(static_cast<std::int64_t>(site));
  lines_seen_.clear();
  events_seen_.clear();
}

}  // namespace mainstay::analytics
