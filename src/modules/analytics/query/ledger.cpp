#include "modules/analytics/query/ledger.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"

namespace mainstay::analytics {
namespace wire {

struct RefusedRow {
  std::string reason;
  std::string source;
  std::string host;
  std::int64_t count = 0;
};
BOOST_DESCRIBE_STRUCT(RefusedRow, (), (reason, source, host, count))

struct BotRow {
  std::string name;
  std::string category;
  std::string reason;
  std::int64_t hits = 0;
};
BOOST_DESCRIBE_STRUCT(BotRow, (), (name, category, reason, hits))

struct Ledger {
  std::int64_t accepted = 0;
  std::vector<RefusedRow> refused;
  std::vector<BotRow> bots;
  std::int64_t set_aside = 0;
  Instant as_of;
};
BOOST_DESCRIBE_STRUCT(Ledger, (), (accepted, refused, bots, set_aside, as_of))

struct StrayRow {
  std::string reason;
  std::string source;
  std::string asked_site;
  std::string asked_host;
  std::int64_t count = 0;
  Instant last_at;
};
BOOST_DESCRIBE_STRUCT(StrayRow, (), (reason, source, asked_site, asked_host, count, last_at))

struct StrayLedger {
  std::vector<StrayRow> refused;
  Instant as_of;
};
BOOST_DESCRIBE_STRUCT(StrayLedger, (), (refused, as_of))

struct BotHit {
  Instant at;
  std::string name;
  std::string category;
  std::string reason;
  std::string hostname;
  std::string path;
  std::string country;
  std::optional<std::int64_t> status;
};
BOOST_DESCRIBE_STRUCT(BotHit, (), (at, name, category, reason, hostname, path, country, status))

struct BotPage {
  std::vector<BotHit> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(BotPage, (), (items, next_cursor))

}  // namespace wire

namespace {

using columns::Columns;
using columns::Statement;
using columns::Value;

constexpr Columns::Limits kLimits{.rows_max = 10'000, .patience = std::chrono::seconds{30}};
constexpr std::size_t kHostsMax = 20;  ///< of a reason; what the others asked for stands under ""
constexpr std::size_t kReasonsMax = 1'000;
constexpr std::size_t kBotsMax = 1'000;
constexpr std::int64_t kPageMax = 500;

std::string text(const Value& value) { return std::get<std::string>(value); }
std::int64_t number(const Value& value) { return std::get<std::int64_t>(value); }

Result<query::TimeRange> range_of_dates(const http::Request& request, const Site& site, Instant now) {
  const query::Calendar calendar{
      .zone = TimeZone::find(site.timezone).value_or(TimeZone::utc()), .now = now, .earliest = site.created_at};
  const auto from = request.query_parameter("from");
  const auto to = request.query_parameter("to");
  query::DateRange range{.name = "30d", .from = {}, .to = {}};
  if (from || to) {
    const auto today = query::local_date(now, calendar.zone);
    range = {.name = {}, .from = std::string{from.value_or(today)}, .to = std::string{to.value_or(today)}};
  }
  auto resolved = query::resolve(range, "", calendar, "");
  if (resolved) return resolved;
  // It speaks of the ends of a pair; here each is a parameter of its own.
  auto failure = std::move(resolved.error());
  for (auto& error : failure.errors) error.field = error.field == "/0" ? "from" : "to";
  return std::unexpected(std::move(failure));
}

}  // namespace

Task<Result<SiteDays>> asked_days(Reports& reports, const http::Request& request) {
  auto site = reports.site_for(request, request.path_parameter("site_id"));
  if (!site) co_return refuse(site);
  const auto range = range_of_dates(request, **site, reports.ports().clock.now());
  if (!range) co_return refuse(range);
  co_await reports.ports().freshness.make_current();
  co_return SiteDays{.site = std::move(*site), .range = *range};
}

std::string ledger_schema() { return json::schema_text<wire::Ledger>(); }
std::string stray_ledger_schema() { return json::schema_text<wire::StrayLedger>(); }
std::string bots_schema() { return json::schema_text<wire::BotPage>(); }

Task<Result<std::string>> ledger(Reports& reports, const http::Request& request) {
  const auto days = co_await asked_days(reports, request);
  if (!days) co_return refuse(days);
  const auto& [site, range] = *days;
  const auto& ports = reports.ports();
  wire::Ledger shown{.as_of = ports.clock.now()};
  const std::vector<Value> place{static_cast<std::int64_t>(site->id), range.from, range.to};
  const auto accepted = co_await ports.columns.query(
      {R"(select count(*) from events where site_id = $1 and "at" >= $2 and "at" < $3)", place}, kLimits);
  if (!accepted) co_return refuse(accepted);
  shown.accepted = number(accepted->rows[0][0]);
  // Whoever is only shown the report learns no other host's name.
  const auto* const host = request.principal.may(Permission::kReadReports) ? "coalesce(r.asked_host, '')" : "''";
  const auto refused = co_await ports.columns.query(
      {fmt::format(R"(with named as (select r.reason as reason, r.source as source, {} as host, sum(r."count") as n )"
                   R"(from refusals r where r.site_id = $1 and r."at" >= $2 and r."at" < $3 group by 1, 2, 3), )"
                   R"(ranked as (select *, row_number() over (partition by reason, source order by n desc, host) )"
                   R"(as place from named) select reason, source, case when place <= {} then host else '' end, )"
                   R"(sum(n)::bigint from ranked group by 1, 2, 3 order by 4 desc, 1, 2, 3 limit {})",
                   host, kHostsMax, kReasonsMax),
       place},
      kLimits);
  if (!refused) co_return refuse(refused);
  for (const auto& row : refused->rows) {
    shown.refused.push_back({text(row[0]), text(row[1]), text(row[2]), number(row[3])});
  }
  const auto bots = co_await ports.columns.query(
      {fmt::format(R"(select b.name, b.category, b.reason, count(*) from bots b )"
                   R"(where b.site_id = $1 and b."at" >= $2 and b."at" < $3 group by b.name, b.category, b.reason )"
                   R"(order by 4 desc, 1, 2, 3 limit {})",
                   kBotsMax),
       place},
      kLimits);
  if (!bots) co_return refuse(bots);
  for (const auto& row : bots->rows) shown.bots.push_back({text(row[0]), text(row[1]), text(row[2]), number(row[3])});
  const auto set_aside = co_await ports.columns.query(
      {R"(select count(*) from set_aside where "at" >= $1 and "at" < $2)", {range.from, range.to}}, kLimits);
  if (!set_aside) co_return refuse(set_aside);
  shown.set_aside = number(set_aside->rows[0][0]);
  co_return json::write(shown);
}

Task<Result<std::string>> stray_ledger(Reports& reports, const http::Request& request) {
  const auto& ports = reports.ports();
  Site nowhere;
  nowhere.timezone = "UTC";
  const auto range = range_of_dates(request, nowhere, ports.clock.now());
  if (!range) co_return refuse(range);
  co_await ports.freshness.make_current();
  const auto refused = co_await ports.columns.query(
      {fmt::format(R"(select r.reason, r.source, coalesce(r.asked_site, ''), coalesce(r.asked_host, ''), )"
                   R"(sum(r."count")::bigint, max(r."at") from refusals r )"
                   R"(where r.site_id = 0 and r."at" >= $1 and r."at" < $2 group by 1, 2, 3, 4 )"
                   R"(order by 5 desc, 1, 2, 3, 4 limit {})",
                   kReasonsMax),
       {range->from, range->to}},
      kLimits);
  if (!refused) co_return refuse(refused);
  wire::StrayLedger shown{.as_of = ports.clock.now()};
  for (const auto& row : refused->rows) {
    shown.refused.push_back(
        {text(row[0]), text(row[1]), text(row[2]), text(row[3]), number(row[4]), std::get<Instant>(row[5])});
  }
  co_return json::write(shown);
}

Task<Result<std::string>> recent_bots(Reports& reports, const http::Request& request) {
  if (!request.principal.may(Permission::kReadReports)) {
    const bool anonymous = request.principal.kind == Principal::Kind::kAnonymous;
    co_return refuse(anonymous ? Refusal::kUnauthenticated : Refusal::kForbidden, "analytics.no_access",
                     "Sign in to see single hits.");
  }
  const auto site = reports.site_for(request, request.path_parameter("site_id"));
  if (!site) co_return refuse(site);
  const auto limit = parse_number<std::int64_t>(request.query_parameter("limit").value_or("50")).value_or(-1);
  if (limit < 1 || limit > kPageMax) {
    co_return refuse_field("analytics.bad_page", "limit", fmt::format("Must be a number from 1 to {}.", kPageMax));
  }
  Statement statement{.text = R"(select b."at" as "at", b.name as name, b.category as category, b.reason as reason, )"
                              R"(b.hostname as hostname, b.path as path, b.country as country, b.status as status, )"
                              R"(b.event_id as id from bots b where b.site_id = $1)",
                      .parameters = {static_cast<std::int64_t>((*site)->id)}};
  if (const auto cursor = request.query_parameter("cursor")) {
    const auto parts = split(*cursor, '_');
    const auto at = parts.size() == 2 ? parse_number<std::int64_t>(parts[0]) : std::nullopt;
    const auto id = parts.size() == 2 ? parse_number<std::int64_t>(parts[1]) : std::nullopt;
    if (!at || !id) co_return refuse_field("analytics.bad_page", "cursor", "Must be a next_cursor of an answer.");
    statement.text += R"( and (b."at" < $2 or (b."at" = $2 and b.event_id < $3)))";
    statement.parameters.emplace_back(from_micros(*at));
    statement.parameters.emplace_back(*id);
  }
  statement.text += fmt::format(R"( order by b."at" desc, b.event_id desc limit {})", limit);
  const auto& ports = reports.ports();
  co_await ports.freshness.make_current();
  const auto rows = co_await ports.columns.query(std::move(statement), kLimits);
  if (!rows) co_return refuse(rows);
  wire::BotPage page;
  for (const auto& row : rows->rows) {
    const auto* status = std::get_if<std::int64_t>(&row[7]);
    page.items.push_back({.at = std::get<Instant>(row[0]),
                          .name = text(row[1]),
                          .category = text(row[2]),
                          .reason = text(row[3]),
                          .hostname = text(row[4]),
                          .path = text(row[5]),
                          .country = text(row[6]),
                          .status = status == nullptr ? std::nullopt : std::optional{*status}});
  }
  if (page.items.size() == static_cast<std::size_t>(limit)) {
    page.next_cursor = fmt::format("{}_{}", to_micros(page.items.back().at), number(rows->rows.back()[8]));
  }
  co_return json::write(page);
}

}  // namespace mainstay::analytics
