#include "modules/analytics/tables.h"

namespace mainstay::analytics {
namespace {

using columns::Column;
using columns::Table;
using columns::Type;

/// How the visit began and who made it: on events and on visits alike.
const std::vector<Column> kVisitAttributes = {
    {"referrer", Type::kText},    {"source", Type::kText},     {"channel", Type::kText},
    {"utm_source", Type::kText},  {"utm_medium", Type::kText}, {"utm_campaign", Type::kText},
    {"utm_content", Type::kText}, {"utm_term", Type::kText},   {"click_id", Type::kText},
    {"entry_page", Type::kText},  {"country", Type::kText},    {"region", Type::kText},
    {"city", Type::kText},        {"browser", Type::kText},    {"browser_version", Type::kText},
    {"os", Type::kText},          {"os_version", Type::kText}, {"device", Type::kText},
    {"screen", Type::kText},      {"language", Type::kText},
};

std::vector<Column> with_attributes(std::vector<Column> before, std::vector<Column> after) {
  before.insert(before.end(), kVisitAttributes.begin(), kVisitAttributes.end());
  before.insert(before.end(), after.begin(), after.end());
  return before;
}

std::vector<Column> visit_columns() {
  return with_attributes({{"site_id", Type::kInteger},
                          {"visit_id", Type::kInteger},
                          {"visitor_id", Type::kInteger},
                          {"visitor_day", Type::kSmall},
                          {"started_at", Type::kTime},
                          {"ended_at", Type::kTime},
                          {"duration_ms", Type::kInteger},
                          {"pageviews", Type::kInteger},
                          {"events", Type::kInteger},
                          {"is_bounce", Type::kBoolean},
                          {"engagement_ms", Type::kInteger},
                          {"entry_hostname", Type::kText},
                          {"exit_hostname", Type::kText},
                          {"exit_page", Type::kText}},
                         {{"first_visit", Type::kBoolean}});
}

std::vector<Column> event_columns() {
  return with_attributes({{"site_id", Type::kInteger},
                          {"at", Type::kTime},
                          {"event_id", Type::kInteger},
                          {"visit_id", Type::kInteger},
                          {"visitor_id", Type::kInteger},
                          {"visitor_day", Type::kSmall},
                          {"name", Type::kText},
                          {"interactive", Type::kBoolean},
                          {"hostname", Type::kText},
                          {"path", Type::kText}},
                         {{"first_on_page", Type::kBoolean},
                          {"scroll_depth", Type::kSmall},
                          {"engagement_ms", Type::kInteger},
                          {"revenue", Type::kReal},
                          {"currency", Type::kText},
                          {"lcp", Type::kReal},
                          {"inp", Type::kReal},
                          {"cls", Type::kReal},
                          {"fcp", Type::kReal},
                          {"ttfb", Type::kReal},
                          {"properties", Type::kTextMap},
                          {"origin", Type::kSmall},
                          {"status", Type::kSmall},
                          {"bytes", Type::kInteger}});
}

const std::vector<Table>& all_tables() {
  static const std::vector<Table> made = {
      {.name = "events", .columns = event_columns(), .time_column = "at"},
      {.name = "visits", .columns = visit_columns(), .time_column = "started_at"},
      {.name = "open_visits", .columns = visit_columns(), .time_column = "started_at"},
      {.name = "bots",
       .columns = {{"site_id", Type::kInteger},
                   {"at", Type::kTime},
                   {"event_id", Type::kInteger},
                   {"name", Type::kText},
                   {"category", Type::kText},
                   {"reason", Type::kText},
                   {"hostname", Type::kText},
                   {"path", Type::kText},
                   {"country", Type::kText},
                   {"status", Type::kSmall},
                   {"bytes", Type::kInteger},
                   {"origin", Type::kSmall}},
       .time_column = "at"},
      {.name = "refusals",
       .columns = {{"site_id", Type::kInteger},
                   {"at", Type::kTime},
                   {"source", Type::kText},
                   {"reason", Type::kText},
                   {"count", Type::kInteger},
                   {"asked_site", Type::kText},
                   {"asked_host", Type::kText}},
       .time_column = "at"},
      {.name = "set_aside",
       .columns =
           {{"at", Type::kTime}, {"stream_offset", Type::kInteger}, {"reason", Type::kText}, {"bytes", Type::kText}},
       .time_column = "at"},
      {.name = "progress",
       .columns = {{"consumer", Type::kText}, {"stream_offset", Type::kInteger}, {"commit_number", Type::kInteger}},
       .time_column = ""},
      {.name = "deletions",
       .columns = {{"id", Type::kInteger}, {"at", Type::kTime}, {"at_once", Type::kBoolean}},
       .time_column = "at"},
  };
  return made;
}

}  // namespace

std::span<const columns::Table> tables() { return all_tables(); }

std::vector<std::vector<columns::Value>> stored_rows(columns::Columns& columns, const columns::Statement& statement) {
  constexpr columns::Columns::Limits kLimits{.rows_max = 50'000'000, .patience = std::chrono::minutes{10}};
  auto answer = columns.query_blocking(statement, kLimits);
  if (!answer) throw Unavailable("analytics: " + answer.error().message);
  return std::move(answer->rows);
}

}  // namespace mainstay::analytics
