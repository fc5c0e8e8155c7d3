#include "modules/analytics/rows.h"

#include <stdexcept>

#include "modules/analytics/tables.h"

namespace mainstay::analytics {
namespace {

/// How a visit began and who made it, in the order of tables.cpp. `entry_page` stands among them.
constexpr std::string Hit::* kAttributes[] = {
    &Hit::referrer,     &Hit::source,      &Hit::channel,  &Hit::utm_source, &Hit::utm_medium,
    &Hit::utm_campaign, &Hit::utm_content, &Hit::utm_term, &Hit::click_id,   nullptr /* entry_page */,
    &Hit::country,      &Hit::region,      &Hit::city,     &Hit::browser,    &Hit::browser_version,
    &Hit::os,           &Hit::os_version,  &Hit::device,   &Hit::screen,     &Hit::language};

void add_attributes(BatchRows& rows, const Hit& begun_by, std::string_view entry_page) {
  for (const auto member : kAttributes) rows.text(member == nullptr ? entry_page : std::string_view{begun_by.*member});
}

std::int64_t signed_id(std::uint64_t id) { return static_cast<std::int64_t>(id); }

}  // namespace

BatchRows::BatchRows(std::string_view table) {
  for (const auto& candidate : tables()) {
    if (candidate.name != table) continue;
    batch_.table = candidate.name;
    batch_.columns.resize(candidate.columns.size());
    return;
  }
  throw std::logic_error("no such analytics table");
}

void BatchRows::maybe_number(std::optional<std::int64_t> value) {
  auto& cells = next();
  cells.numbers.push_back(value.value_or(0));
  cells.nulls.push_back(value ? 0 : 1);
}

void BatchRows::maybe_real(std::optional<double> value) {
  auto& cells = next();
  cells.reals.push_back(value.value_or(0));
  cells.nulls.push_back(value ? 0 : 1);
}

void BatchRows::end_row() {
  if (column_ != batch_.columns.size()) throw std::logic_error("a row does not fill its table");
  column_ = 0;
  ++batch_.rows;
}

columns::Batch BatchRows::take() {
  columns::Batch empty{.table = batch_.table, .rows = 0, .columns = {}};
  empty.columns.resize(batch_.columns.size());
  // The next batch of an import is much like this one. Growing to its size by doubling would touch twice the memory.
  for (std::size_t i = 0; i < batch_.columns.size(); ++i) {
    const auto& last = batch_.columns[i];
    auto& next = empty.columns[i];
    next.numbers.reserve(last.numbers.size());
    next.reals.reserve(last.reals.size());
    next.texts.reserve_like(last.texts);
    next.maps.reserve(last.maps.size());
    next.nulls.reserve(last.nulls.size());
  }
  return std::exchange(batch_, std::move(empty));
}

void add_event(BatchRows& rows, const Hit& hit, const Assigned& assigned) {
  const auto& visit = *assigned.visit;
  rows.number(static_cast<std::int64_t>(hit.site));
  rows.time(hit.at);
  rows.number(signed_id(hit.event_id));
  rows.number(visit.id);
  rows.number(signed_id(visit.visitor));
  rows.number(visit.visitor_day);
  rows.text(hit.name);
  rows.number(hit.interactive ? 1 : 0);
  rows.text(hit.hostname);
  rows.text(hit.path);
  add_attributes(rows, visit.begun_by, visit.entry_page);
  rows.number(assigned.first_on_page ? 1 : 0);
  rows.maybe_number(hit.scroll_depth < 0 ? std::nullopt : std::optional<std::int64_t>{hit.scroll_depth});
  rows.number(hit.engagement_ms);
  rows.maybe_real(hit.revenue);
  rows.text(hit.currency);
  for (const auto& vital : {hit.lcp, hit.inp, hit.cls, hit.fcp, hit.ttfb}) rows.maybe_real(vital);
  rows.map(hit.properties);
  rows.number(static_cast<std::int64_t>(hit.origin));
  rows.number(hit.status);
  rows.number(hit.bytes);
  rows.end_row();
}

void add_visit(BatchRows& rows, const Visit& visit) {
  rows.number(static_cast<std::int64_t>(visit.site));
  rows.number(visit.id);
  rows.number(signed_id(visit.visitor));
  rows.number(visit.visitor_day);
  rows.time(visit.started_at);
  rows.time(visit.ended_at);
  rows.number(std::chrono::duration_cast<milliseconds>(visit.ended_at - visit.started_at).count());
  rows.number(visit.pageviews);
  rows.number(visit.events);
  rows.number(visit.is_bounce() ? 1 : 0);
  rows.number(visit.engagement_ms);
  rows.text(visit.entry_hostname);
  rows.text(visit.exit_hostname);
  rows.text(visit.exit_page);
  add_attributes(rows, visit.begun_by, visit.entry_page);
  rows.number(visit.first_visit ? 1 : 0);
  rows.end_row();
}

void add_bot(BatchRows& rows, const Hit& hit) {
  rows.number(static_cast<std::int64_t>(hit.site));
  rows.time(hit.at);
  rows.number(signed_id(hit.event_id));
  rows.text(hit.bot_name);
  rows.text(hit.bot_category);
  rows.text(hit.bot_reason);
  rows.text(hit.hostname);
  rows.text(hit.path);
  rows.text(hit.country);
  rows.number(hit.status);
  rows.number(hit.bytes);
  rows.number(static_cast<std::int64_t>(hit.origin));
  rows.end_row();
}

std::string visit_select() {
  std::string list;
  for (const auto& table : tables()) {
    if (table.name != "open_visits") continue;
    for (const auto& column : table.columns) list += (list.empty() ? "" : ", ") + std::string{column.name};
  }
  return list;
}

Visit visit_from_row(const std::vector<columns::Value>& row) {
  std::size_t at = 0;
  const auto number = [&] { return std::get<std::int64_t>(row[at++]); };
  const auto time = [&] { return std::get<Instant>(row[at++]); };
  const auto text = [&] { return std::get<std::string>(row[at++]); };
  const auto flag = [&] { return std::get<bool>(row[at++]); };
  Visit visit;
  visit.site = SiteId{number()};
  visit.id = number();
  visit.visitor = static_cast<std::uint64_t>(number());
  visit.visitor_day = static_cast<std::int32_t>(number());
  visit.started_at = time();
  visit.ended_at = time();
  ++at;  // duration follows from the times
  visit.pageviews = number();
  visit.events = number();
  visit.interactive_event = !flag();  // with several pageviews it decides nothing any more
  visit.engagement_ms = number();
  visit.entry_hostname = text();
  visit.exit_hostname = text();
  visit.exit_page = text();
  for (const auto member : kAttributes) {
    (member == nullptr ? visit.entry_page : visit.begun_by.*member) = text();
  }
  visit.first_visit = flag();
  visit.begun_by.site = visit.site;
  visit.begun_by.visitor_day = visit.visitor_day;
  return visit;
}

}  // namespace mainstay::analytics
