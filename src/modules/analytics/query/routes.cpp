#include "modules/analytics/query/routes.h"

#include "modules/analytics/query/export.h"
#include "modules/analytics/query/ledger.h"
#include "modules/analytics/query/property_names.h"

namespace mainstay::analytics {
namespace {

constexpr std::size_t kQueryBytesMax = 256 << 10;

constexpr std::string_view kQuerySchema = R"({"type":"object","required":["site_id","metrics","date_range"],
"additionalProperties":false,"properties":{
"site_id":{"type":"string","description":"id or domain"},
"metrics":{"type":"array","minItems":1,"items":{"type":"string","enum":["visitors","visits","pageviews","views_per_visit",
"bounce_rate","visit_duration","events","scroll_depth","time_on_page","percentage","conversion_rate",
"group_conversion_rate","total_revenue","average_revenue","exit_rate","lcp_p75","inp_p75","cls_p75","fcp_p75","ttfb_p75"]}},
"date_range":{"oneOf":[{"type":"string","enum":["day","24h","7d","28d","30d","91d","month","6mo","12mo","year","all",
"realtime"]},{"type":"array","minItems":2,"maxItems":2,"items":{"type":"string"}}]},
"date":{"type":"string","format":"date"},
"dimensions":{"type":"array","maxItems":5,"items":{"type":"string"}},
"filters":{"type":"array","items":{"type":"array"}},
"order_by":{"type":"array","items":{"type":"array","minItems":2,"maxItems":2,"items":{"type":"string"}}},
"include":{"type":"object","additionalProperties":false,"properties":{"time_labels":{"type":"boolean"},
"total_rows":{"type":"boolean"},"imports":{"type":"boolean"},"comparisons":{"type":"object","required":["mode"],
"additionalProperties":false,"properties":{"mode":{"type":"string","enum":["previous_period","year_over_year","custom"]},
"date_range":{"type":"array","minItems":2,"maxItems":2,"items":{"type":"string"}},
"match_day_of_week":{"type":"boolean"}}}}},
"pagination":{"type":"object","additionalProperties":false,"properties":{"limit":{"type":"integer","minimum":1,
"maximum":10000},"offset":{"type":"integer","minimum":0}}}}})";

constexpr std::string_view kAnswerSchema = R"({"type":"object","required":["results","meta","query"],"properties":{
"results":{"type":"array","items":{"type":"object","required":["metrics","dimensions"],"properties":{
"metrics":{"type":"array","items":{"type":["number","null"]}},"dimensions":{"type":"array","items":{"type":"string"}},
"currency":{"type":"string"},
"comparison":{"type":["object","null"],"properties":{"metrics":{"type":"array","items":{"type":["number","null"]}},
"dimensions":{"type":"array","items":{"type":"string"}},"change":{"type":"array","items":{"type":["number","null"]}}}}}}},
"meta":{"type":"object","properties":{"time_labels":{"type":"array","items":{"type":"string"}},
"total_rows":{"type":"integer"},"partial_time_label":{"type":"string"},"as_of":{"type":"string","format":"date-time"},
"sampled":{"type":"boolean"},"imports_included":{"type":"boolean"},"freshness_warning":{"type":"object",
"required":["code","missing_ms","warning"],"properties":{"code":{"type":"string"},"missing_ms":{"type":"integer"},
"warning":{"type":"string"}}},"currency":{"type":"string"},"metric_warnings":{"type":"object"}}},
"query":{"type":"object"}}})";

Task<Result<std::string>> answer(Reports& reports, const http::Request& request) { return reports.answer(request); }

using Ask = Task<Result<std::string>> (*)(Reports&, const http::Request&);

Task<Result<http::Response>> answer_with(Ask ask, Reports& reports, http::Request& request) {
  auto text = co_await ask(reports, request);
  if (!text) co_return refuse(text);
  co_return http::json_text(std::move(*text));
}

}  // namespace

std::vector<http::Route> query_routes(Reports& reports) {
  using http::Method;
  using http::Request;
  std::vector<http::Route> routes;
  routes.push_back({.method = Method::kPost,
                    .path = "/api/v2/query",
                    .permission = Permission::kPublic,
                    .summary = "Answers a question about a site's history (Stats API v2)",
                    .handler = [&reports](Request& request) { return answer_with(answer, reports, request); },
                    .tag = "analytics",
                    .request_schema = std::string{kQuerySchema},
                    .response_schema = std::string{kAnswerSchema},
                    .body_bytes_max = kQueryBytesMax});
  routes.push_back({.method = Method::kGet,
                    .path = "/api/v1/sites/{site_id}/export",
                    .permission = Permission::kPublic,
                    .summary = "Streams what a query shows as CSV, or raw events as CSV or Parquet",
                    .handler = [&reports](Request& request) { return export_rows(reports, request); },
                    .tag = "analytics",
                    .query = {"format", "rows", "query", "share"}});
  const auto add = [&](std::string_view path, Permission permission, std::string_view summary, Ask ask,
                       http::Schema schema, std::vector<http::QueryParameter> query) {
    routes.push_back({.method = Method::kGet,
                      .path = path,
                      .permission = permission,
                      .summary = summary,
                      .handler = [ask, &reports](Request& request) { return answer_with(ask, reports, request); },
                      .tag = "analytics",
                      .response_schema = std::move(schema),
                      .query = std::move(query)});
  };
  add("/api/v1/sites/{site_id}/ledger", Permission::kPublic, "What was accepted, refused, judged a bot and set aside",
      ledger, ledger_schema(), {"from", "to", "share"});
  add("/api/v1/sites/{site_id}/bots", Permission::kPublic, "Recent hits of bots, newest first", recent_bots,
      bots_schema(), {"limit", "cursor", "share"});
  add("/api/v1/sites/{site_id}/properties", Permission::kPublic, "The names of the properties that events had",
      property_names, property_names_schema(), {"from", "to", "share"});
  add("/api/v1/ledger", Permission::kManageSites, "What was refused before it belonged to a site", stray_ledger,
      stray_ledger_schema(), {"from", "to"});
  return routes;
}

}  // namespace mainstay::analytics
