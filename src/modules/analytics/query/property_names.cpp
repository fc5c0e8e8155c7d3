#include "modules/analytics/query/property_names.h"

#include <fmt/format.h>

#include "base/json.h"
#include "modules/analytics/query/ledger.h"

namespace mainstay::analytics {
namespace wire {

struct PropertyName {
  std::string name;
  std::int64_t events = 0;
};
BOOST_DESCRIBE_STRUCT(PropertyName, (), (name, events))

struct PropertyNames {
  std::vector<PropertyName> items;
  std::optional<std::string> next_cursor;
  Instant as_of;
};
BOOST_DESCRIBE_STRUCT(PropertyNames, (), (items, next_cursor, as_of))

}  // namespace wire

namespace {

constexpr std::size_t kNamesMax = 300;

}  // namespace

std::string property_names_schema() { return json::schema_text<wire::PropertyNames>(); }

Task<Result<std::string>> property_names(Reports& reports, const http::Request& request) {
  const auto days = co_await asked_days(reports, request);
  if (!days) co_return refuse(days);
  const auto& [site, range] = *days;
  const auto& ports = reports.ports();
  const auto rows = co_await ports.columns.query(
      {.text =
           fmt::format(R"(select p.name, count(*) from (select unnest(map_keys(e.properties)) as name from events e )"
                       R"(where e.site_id = $1 and e."at" >= $2 and e."at" < $3 and cardinality(e.properties) > 0) p )"
                       R"(group by p.name order by 2 desc, 1 limit {})",
                       kNamesMax),
       .parameters = {static_cast<std::int64_t>(site->id), range.from, range.to}},
      {});
  if (!rows) co_return refuse(rows);
  wire::PropertyNames names{.as_of = ports.clock.now()};
  for (const auto& row : rows->rows) {
    names.items.push_back({.name = std::get<std::string>(row[0]), .events = std::get<std::int64_t>(row[1])});
  }
  co_return json::write(names);
}

}  // namespace mainstay::analytics
