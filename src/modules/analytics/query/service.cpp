#include "modules/analytics/query/service.h"

#include "modules/analytics/query/answer.h"
#include "modules/analytics/query/plan.h"
#include "modules/analytics/tables.h"

namespace mainstay::analytics {
namespace {

using columns::Columns;
using columns::Statement;

constexpr Columns::Limits kQueryLimits{.rows_max = 100'000, .patience = std::chrono::seconds{30}};
/// Rows of the compared range that may be looked through for counterparts.
constexpr std::size_t kComparedRowsMax = 100'000;

Statement first_visit_statement(SiteId site) {
  return {.text = fmt::format("select min(v.started_at) from {} v where v.site_id = $1", kAllVisits),
          .parameters = {static_cast<std::int64_t>(site)}};
}

std::optional<Instant> only_instant(const columns::Answer& answer) {
  if (answer.rows.empty() || answer.rows[0].empty()) return std::nullopt;
  const auto* instant = std::get_if<Instant>(&answer.rows[0][0]);
  return instant == nullptr ? std::nullopt : std::optional{*instant};
}

}  // namespace

Result<std::shared_ptr<const Site>> Reports::site_for(const http::Request& request,
                                                      std::string_view id_or_domain) const {
  const bool reads_all = request.principal.may(Permission::kReadReports);
  auto site = ports_.sites.snapshot()->find(id_or_domain);
  if (site != nullptr && (reads_all || ports_.shares.allows(request, site->id))) return site;
  if (reads_all) return refuse(Refusal::kNotFound, "analytics.unknown_site", "There is no such site.");
  const bool anonymous = request.principal.kind == Principal::Kind::kAnonymous;
  return refuse(anonymous ? Refusal::kUnauthenticated : Refusal::kForbidden, "analytics.no_access",
                "Sign in, or use a shared link, to see this report.");
}

Result<Reports::ExportSlot> Reports::take_export_slot() {
  constexpr std::chrono::minutes kRetryAfter{1};
  const int before = (*exports_)++;
  ExportSlot slot(exports_.get(), [exports = exports_](const void*) { --*exports; });
  if (before < kExportsMax) return slot;
  return refuse_for_now("analytics.too_many_exports", "Too many exports run; try again in a minute.", kRetryAfter);
}

Task<Result<std::string>> Reports::answer(const http::Request& request) {
  auto parsed = query::parse_request(request.body);
  if (!parsed) co_return refuse(parsed);
  auto site = site_for(request, parsed->site);
  if (!site) co_return refuse(site);
  co_return co_await answer(std::move(*site), std::move(*parsed));
}

Task<Result<std::string>> Reports::answer(std::shared_ptr<const Site> site, query::Request request) {
  const auto missing = co_await ports_.freshness.make_current();
  auto prepared = co_await prepare(std::move(site), std::move(request));
  if (!prepared) co_return refuse(prepared);
  auto rows = co_await run(*prepared, prepared->range, std::nullopt);
  if (!rows) co_return refuse(rows);
  auto any = co_await any_row(*prepared, *rows);
  if (!any) co_return refuse(any);
  query::Answered answered{.request = prepared->request,
                           .site = *prepared->site,
                           .zone = prepared->calendar.zone,
                           .goals = prepared->goals,
                           .range = prepared->range,
                           .as_of = prepared->calendar.now,
                           .missing = missing,
                           .buckets = prepared->buckets,
                           .rows = std::move(*rows),
                           .any_row = std::move(*any)};
  if (prepared->request.comparison) {
    const auto range = query::resolve(*prepared->request.comparison, prepared->range, prepared->calendar);
    if (!range) co_return refuse(range);
    query::Answered::Compared compared{.range = *range, .buckets = {}, .rows = {}};
    const auto time = prepared->request.time_dimension();
    if (time) {
      auto buckets = query::buckets(*range, prepared->request.dimensions[*time].interval, prepared->calendar.zone);
      if (!buckets) co_return refuse(buckets);
      compared.buckets = std::move(*buckets);
    }
    std::optional<std::vector<columns::Value>> keys;
    if (!prepared->request.dimensions.empty() && time != std::size_t{0}) {
      keys.emplace();
      for (const auto& row : answered.rows.rows) keys->push_back(row[0]);
    }
    auto all_rows = *prepared;
    all_rows.request.limit = kComparedRowsMax;
    all_rows.request.offset = 0;
    auto compared_rows = co_await run(all_rows, *range, std::move(keys));
    if (!compared_rows) co_return refuse(compared_rows);
    compared.rows = std::move(*compared_rows);
    answered.compared = std::move(compared);
  }
  co_return json::to_text(query::to_json(answered));
}

Task<Result<query::Calendar>> Reports::calendar_of(const Site& site, const query::Request& request) {
  query::Calendar calendar{.zone = TimeZone::find(site.timezone).value_or(TimeZone::utc()),
                           .now = ports_.clock.now(),
                           .earliest = site.created_at};
  if (request.date_range.name == "all") {
    const auto first = co_await ports_.columns.query(first_visit_statement(site.id), kQueryLimits);
    if (!first) co_return refuse(first);
    calendar.earliest = only_instant(*first).value_or(calendar.now);
  }
  co_return calendar;
}

Task<Result<Prepared>> Reports::prepare(std::shared_ptr<const Site> site, query::Request request) {
  auto calendar = co_await calendar_of(*site, request);
  if (!calendar) co_return refuse(calendar);
  const auto range = query::resolve(request.date_range, request.date, *calendar);
  if (!range) co_return refuse(range);
  Prepared prepared{.site = std::move(site),
                    .request = std::move(request),
                    .calendar = *calendar,
                    .range = *range,
                    .buckets = {},
                    .goals = {}};
  if (const auto time = prepared.request.time_dimension()) {
    auto& interval = prepared.request.dimensions[*time].interval;
    if (interval == query::Interval::kAuto) interval = query::automatic_interval(*range);
    auto buckets = query::buckets(*range, interval, calendar->zone);
    if (!buckets) co_return refuse(buckets);
    prepared.buckets = std::move(*buckets);
  }
  const auto is_goal = [](const query::Filter& leaf) { return leaf.dimension.is_goal(); };
  if (std::ranges::any_of(prepared.request.dimensions, &query::Dimension::is_goal) ||
      any_leaf(prepared.request.filters, query::HasDone::kEnter, is_goal)) {
    prepared.goals = ports_.sites.snapshot()->goals_of(prepared.site->id);
  }
  co_return prepared;
}

Task<Result<query::Coverage>> Reports::coverage_of(const Prepared& prepared, const query::TimeRange& range) {
  const auto rows = co_await ports_.columns.query(
      query::coverage_statement(prepared.site->id, range, query::dimension_in_pieces(prepared.request)), kQueryLimits);
  if (!rows) co_return refuse(rows);
  co_return query::coverage_of(*rows, prepared.calendar.zone.name());
}

Task<Result<columns::Answer>> Reports::run(const Prepared& prepared, const query::TimeRange& range,
                                           std::optional<std::vector<columns::Value>> only_keys) {
  // Rollups that come or go between planning and answering would be counted twice or not at all: an answer counts
  // when it saw the same ones.
  constexpr int kTries = 3;
  for (int i = 0; i < kTries; ++i) {
    const auto coverage = co_await coverage_of(prepared, range);
    if (!coverage) co_return refuse(coverage);
    auto rows = co_await ports_.columns.query(statement_of(prepared, range, only_keys, *coverage), kQueryLimits);
    if (!rows || coverage->days.empty()) co_return rows;
    if (rows->rows.empty()) {
      const auto after = co_await coverage_of(prepared, range);
      if (!after) co_return refuse(after);
      if (after->builds == coverage->builds) co_return rows;
      continue;
    }
    const bool same = rows->rows.front().back() == columns::Value{coverage->builds};
    for (auto& row : rows->rows) row.pop_back();
    if (same) co_return rows;
  }
  auto from_rows = co_await coverage_of(prepared, range);
  if (!from_rows) co_return refuse(from_rows);
  from_rows->days.clear();
  co_return co_await ports_.columns.query(statement_of(prepared, range, std::move(only_keys), *from_rows),
                                          kQueryLimits);
}

Task<Result<std::vector<columns::Value>>> Reports::any_row(const Prepared& prepared, const columns::Answer& rows) {
  if (!rows.rows.empty()) co_return rows.rows.front();
  if (prepared.request.offset == 0) co_return std::vector<columns::Value>{};
  auto from_the_start = prepared;
  from_the_start.request.limit = 1;
  from_the_start.request.offset = 0;
  auto first = co_await run(from_the_start, prepared.range, std::nullopt);
  if (!first) co_return refuse(first);
  co_return first->rows.empty() ? std::vector<columns::Value>{} : std::move(first->rows.front());
}

Statement statement_of(const Prepared& prepared, const query::TimeRange& range,
                       std::optional<std::vector<columns::Value>> only_keys, const query::Coverage& coverage) {
  return query::plan({.request = prepared.request,
                      .site = prepared.site->id,
                      .range = range,
                      .zone = prepared.calendar.zone,
                      .goals = prepared.goals,
                      .only_keys = std::move(only_keys),
                      .coverage = coverage});
}

}  // namespace mainstay::analytics
