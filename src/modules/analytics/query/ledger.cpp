#include "modules/analytics/query/ledger.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"

namespace mainstay::analytics {
namespace {

using columns::Columns;
using columns::Statement;
using columns::Value;

constexpr Columns::Limits kLimits{.rows_max = 10'000, .patience = std::chrono::seconds{30}};
constexpr std::size_t kReasonsMax = 1'000;
constexpr std::size_t kBotsMax = 1'000;
constexpr std::int64_t kPageMax = 500;

json::Value to_json(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  if (const auto* text = std::get_if<std::string>(&value)) return json::Value(*text);
  if (const auto* instant = std::get_if<Instant>(&value)) return json::Value(to_rfc3339(*instant));
  return nullptr;
}

/// The rows as objects; the columns' names are the fields'.
json::Array to_json(const columns::Answer& answer) {
  json::Array items;
  for (const auto& row : answer.rows) {
    json::Object item;
    for (std::size_t i = 0; i < row.size(); ++i) item[answer.names[i]] = to_json(row[i]);
    items.push_back(std::move(item));
  }
  return items;
}

Result<query::TimeRange> ledger_range(const http::Request& request, const Site& site, Instant now) {
  const query::Calendar calendar{
      .zone = TimeZone::find(site.timezone).value_or(TimeZone::utc()), .now = now, .earliest = site.created_at};
  const auto from = request.query_parameter("from");
  const auto to = request.query_parameter("to");
  query::DateRange range{.name = "30d", .from = {}, .to = {}};
  if (from || to) {
    const auto today = query::local_date(now, calendar.zone);
    range = {.name = {}, .from = std::string{from.value_or(today)}, .to = std::string{to.value_or(today)}};
  }
  return query::resolve(range, "", calendar, "");
}

}  // namespace

Task<Result<std::string>> ledger(Reports& reports, const http::Request& request) {
  const auto site = reports.site_for(request, request.path_parameter("site_id"));
  if (!site) co_return refuse(site);
  const auto& ports = reports.ports();
  const auto range = ledger_range(request, **site, ports.clock.now());
  if (!range) co_return refuse(range);
  co_await ports.freshness.make_current();
  const std::vector<Value> place{static_cast<std::int64_t>((*site)->id), range->from, range->to};
  const auto accepted = co_await ports.columns.query(
      {R"(select count(*) from events where site_id = $1 and "at" >= $2 and "at" < $3)", place}, kLimits);
  if (!accepted) co_return refuse(accepted);
  const auto refused = co_await ports.columns.query(
      {fmt::format(
           R"(select r.reason as reason, r.source as "source", sum(r."count")::bigint as "count" from refusals r )"
           R"(where r.site_id = $1 and r."at" >= $2 and r."at" < $3 group by r.reason, r.source )"
           R"(order by 3 desc, 1, 2 limit {})",
           kReasonsMax),
       place},
      kLimits);
  if (!refused) co_return refuse(refused);
  const auto bots = co_await ports.columns.query(
      {fmt::format(R"(select b.name as name, b.category as category, b.reason as reason, count(*) as hits from bots b )"
                   R"(where b.site_id = $1 and b."at" >= $2 and b."at" < $3 group by b.name, b.category, b.reason )"
                   R"(order by 4 desc, 1, 2, 3 limit {})",
                   kBotsMax),
       place},
      kLimits);
  if (!bots) co_return refuse(bots);
  const auto set_aside = co_await ports.columns.query(
      {R"(select count(*) from set_aside where "at" >= $1 and "at" < $2)", {range->from, range->to}}, kLimits);
  if (!set_aside) co_return refuse(set_aside);
  co_return boost::json::serialize(json::Object{{"accepted", to_json(accepted->rows[0][0])},
                                                {"refused", to_json(*refused)},
                                                {"bots", to_json(*bots)},
                                                {"set_aside", to_json(set_aside->rows[0][0])}});
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
  auto items = to_json(*rows);
  json::Value next = nullptr;
  if (items.size() == static_cast<std::size_t>(limit)) {
    const auto& last = rows->rows.back();
    next = fmt::format("{}_{}", to_micros(std::get<Instant>(last[0])), std::get<std::int64_t>(last[8]));
  }
  for (auto& item : items) item.get_object().erase("id");
  co_return boost::json::serialize(json::Object{{"items", std::move(items)}, {"next_cursor", next}});
}

}  // namespace mainstay::analytics
