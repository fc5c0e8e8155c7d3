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
/// A hit that comes late bears the salt of a later day than its own.
constexpr std::int32_t kLateDays = 4;
constexpr columns::Columns::Limits kOwnLimits{.rows_max = 50'000'000, .patience = milliseconds{600'000}};

std::vector<std::uint64_t> numbers_of(const columns::Answer& answer) {
  std::vector<std::uint64_t> numbers;
  numbers.reserve(answer.rows.size());
  for (const auto& row : answer.rows) numbers.push_back(static_cast<std::uint64_t>(std::get<std::int64_t>(row[0])));
  return numbers;
}

Instant day_start(std::int32_t day) { return Instant{days{day}}; }

}  // namespace

void Ledger::add(SiteId site, std::string_view source, std::string_view reason, std::uint64_t count) {
  counts_[{site, std::string{source}, std::string{reason}}] += count;
}

Intake::Intake(columns::Columns& columns, random::Random& random)
    : columns_(columns),
      events_seen_([this](std::int32_t day) {
        return numbers_of(
            ask("select event_id from events where event_id < 0 and \"at\" >= $1 and \"at\" < $2 "
                "union all select event_id from bots where event_id < 0 and \"at\" >= $1 and \"at\" < $2",
                {day_start(day), day_start(day + 1)}));
      }),
      sessioniser_(
          [this](std::int32_t day) {
            std::vector<std::uint64_t> persons;
            const auto answer =
                ask(fmt::format("select site_id, visitor_id from {} where visitor_day = $1", kAllVisits),
                    {std::int64_t{day}});
            for (const auto& row : answer.rows) {
              persons.push_back(person(SiteId{std::get<std::int64_t>(row[0])},
                                       static_cast<std::uint64_t>(std::get<std::int64_t>(row[1]))));
            }
            return persons;
          },
          [&random] { return random.number(); }) {}

stream::Offset committed_offset(columns::Columns& columns) {
  const auto answer = columns.query_blocking(
      {.text = "select stream_offset from progress where consumer = 'processor'", .parameters = {}}, kOwnLimits);
  if (!answer) throw Unavailable("analytics: " + answer.error().message);
  return answer->rows.empty() ? 0 : static_cast<stream::Offset>(std::get<std::int64_t>(answer->rows[0][0]));
}

columns::Answer Intake::ask(std::string text, std::vector<columns::Value> parameters) const {
  auto answer = columns_.query_blocking({.text = std::move(text), .parameters = std::move(parameters)}, kOwnLimits);
  if (!answer) throw Unavailable("analytics: " + answer.error().message);
  return std::move(*answer);
}

void Intake::restore(Instant now, const Recent& recent) {
  position_ = committed_offset(columns_);
  taken_ = position_;
  std::unordered_map<std::int64_t, Visit> visits;
  for (const auto& row : ask("select " + visit_select() + " from open_visits", {}).rows) {
    auto visit = visit_from_row(row);
    visits.emplace(visit.id, std::move(visit));
  }
  const auto pages =
      ask("select e.visit_id, e.path from events e join open_visits v on e.visit_id = v.visit_id "
          "where e.first_on_page",
          {});
  for (const auto& row : pages.rows) {
    visits.at(std::get<std::int64_t>(row[0])).pages.insert(hash_path(std::get<std::string>(row[1])));
  }
  for (auto& [id, visit] : visits) sessioniser_.restore(std::move(visit), now);
  const auto hits = ask(
      "select site_id, \"at\", visitor_id, name, path, source, country from events where \"at\" >= $1 order by \"at\"",
      {Instant{now - minutes{kLiveMinutes}}});
  for (const auto& row : hits.rows) {
    Hit hit;
    hit.site = SiteId{std::get<std::int64_t>(row[0])};
    hit.at = std::get<Instant>(row[1]);
    hit.name = std::get<std::string>(row[3]);
    hit.path = std::get<std::string>(row[4]);
    hit.source = std::get<std::string>(row[5]);
    hit.country = std::get<std::string>(row[6]);
    recent(hit.site, static_cast<std::uint64_t>(std::get<std::int64_t>(row[2])), hit);
  }
}

void Intake::take(const stream::Record& record, const SiteMap& sites, Instant now, const Note& note) {
  position_ = record.offset;
  const auto read = decode(record.bytes);
  if (!read) {
    set_aside(record, read.error().message);
    return;
  }
  for (const auto& hit : read->hits) take_hit(hit, read->batch, sites, now, note);
}

void Intake::take_hit(const Hit& hit, std::uint64_t batch, const SiteMap& sites, Instant now, const Note& note) {
  const auto site = sites.find(std::to_string(static_cast<std::int64_t>(hit.site)));
  Taken taken{.fate = Taken::Fate::kRefused, .hit = &hit, .batch = batch};
  auto why = fault(hit, site.get(), now);
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
  if (!why.empty()) own_refusals_.add(hit.site, hit.origin == Origin::kLog ? "import" : "processor", why, 1);
  note(taken);
}

std::string_view Intake::fault(const Hit& hit, const Site* site, Instant now) {
  if (site == nullptr) return "unknown_site";
  if (!is_well_formed(hit)) return "malformed";
  if (hit.at > now + kFutureMax) return "future";
  if (hit.origin != Origin::kLog && hit.at < now - kLateMax) return "late";
  if (site->retention_days && hit.at < now - days{*site->retention_days}) return "past_retention";
  if ((hit.event_id & kStableId) != 0 && was_seen(hit)) return "duplicate";
  return "";
}

bool Intake::was_seen(const Hit& hit) {
  const auto day = utc_day(hit.at);
  // A beacon's time is that of its arrival: sent again after midnight, it is a hit of another day.
  const bool may_be_of_yesterday = hit.origin != Origin::kLog && hit.at < day_start(day) + kSentAgainMax;
  if (may_be_of_yesterday && events_seen_.contains(day - 1, hit.event_id)) return true;
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

void Intake::add_refusals(const Ledger& ledger, Instant now) {
  for (const auto& [key, count] : ledger.counts()) {
    const auto& [site, source, reason] = key;
    refusals_.number(static_cast<std::int64_t>(site));
    refusals_.time(std::chrono::floor<minutes>(now));
    refusals_.text(source);
    refusals_.text(reason);
    refusals_.number(static_cast<std::int64_t>(count));
    refusals_.end_row();
  }
}

std::vector<Step> Intake::take_commit(Instant now) {
  add_refusals(own_refusals_, now);
  own_refusals_.clear();
  voided_days_.clear();
  const auto changes = sessioniser_.take_changes(now);
  for (const auto& visit : changes.ended) touched_days_.insert({visit->site, visit->visitor_day});
  BatchRows ended{"visits"};
  BatchRows open{"open_visits"};
  for (const auto& visit : changes.ended) add_visit(ended, *visit);
  for (const auto* visit : changes.open) add_visit(open, *visit);

  std::vector<Step> steps;
  if (!changes.replaced.empty()) {
    steps.emplace_back(Statement{.text = "delete from open_visits where visit_id in (select unnest($1))",
                                 .parameters = {changes.replaced}});
  }
  for (auto* rows : {&events_, &ended, &open, &bots_, &refusals_, &set_aside_}) {
    if (!rows->empty()) steps.emplace_back(rows->take());
  }
  steps.emplace_back(Statement{.text = "delete from progress where consumer = 'processor'", .parameters = {}});
  steps.emplace_back(Statement{.text = "insert into progress (consumer, stream_offset) values ('processor', $1)",
                               .parameters = {static_cast<std::int64_t>(position_)}});
  for (const auto& [site, day] : std::exchange(touched_days_, {})) {
    // Days that are not over have no sums yet.
    if (now < day_start(day + 1) + kRollupDelay) continue;
    for (auto& step : invalidate_rollup(site, day)) steps.push_back(std::move(step));
    voided_days_.emplace_back(site, day);
  }
  taken_mark_ = events_seen_.mark();
  taken_ = position_;
  return steps;
}

void Intake::note_stored() {
  events_seen_.trim(taken_mark_);
  sessioniser_.note_stored();
}

void Intake::erase(SiteId site) {
  sessioniser_.erase(site);
  sites_with_hits_.erase(static_cast<std::int64_t>(site));
  events_seen_.clear();
}

namespace {

/// The steps that delete what `site` keeps no longer; none when there is nothing.
std::vector<Step> expired_steps(columns::Columns& columns, const Site& site, Instant oldest) {
  std::vector<Step> steps;
  const auto id = static_cast<std::int64_t>(site.id);
  for (const auto& table : tables()) {
    if (table.name == "set_aside" || table.name == "progress") continue;
    const auto where = fmt::format("from {} where site_id = $1 and \"{}\" < $2", table.name, table.time_column);
    const auto count =
        columns.query_blocking({.text = "select count(*) " + where, .parameters = {id, oldest}}, kOwnLimits);
    if (!count) throw Unavailable("analytics: " + count.error().message);
    if (std::get<std::int64_t>(count->rows[0][0]) == 0) continue;
    steps.emplace_back(Statement{.text = "delete " + where, .parameters = {id, oldest}});
  }
  if (steps.empty()) return steps;
  for (const auto& table : rollup_tables()) {
    steps.emplace_back(
        Statement{.text = fmt::format("delete from {} where site_id = $1 and visitor_day <= $2", table.name),
                  .parameters = {id, std::int64_t{utc_day(oldest) + kLateDays}}});
  }
  return steps;
}

}  // namespace

void remove_expired(columns::Columns& columns, const SiteMap& sites, Instant now) {
  bool removed = false;
  for (const auto& [name, site] : sites.by_key_text) {
    if (!site->retention_days || name != site->domain) continue;
    const auto steps = expired_steps(columns, *site, now - days{*site->retention_days});
    if (steps.empty()) continue;
    columns.commit(steps);
    removed = true;
  }
  if (removed) columns.compact();
}

std::vector<Step> erase_steps(SiteId site) {
  std::vector<Step> steps;
  std::vector<std::string_view> names;
  for (const auto& table : rollup_tables()) names.push_back(table.name);
  for (const auto& table : tables()) {
    if (table.name != "set_aside" && table.name != "progress") names.push_back(table.name);
  }
  for (const auto name : names) {
    steps.emplace_back(Statement{.text = fmt::format("delete from {} where site_id = $1", name),
                                 .parameters = {static_cast<std::int64_t>(site)}});
  }
  return steps;
}

}  // namespace mainstay::analytics
