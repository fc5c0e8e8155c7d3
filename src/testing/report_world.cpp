#include "testing/report_world.h"

#include <filesystem>
#include <stdexcept>

#include "modules/analytics/query/rollups.h"
#include "modules/analytics/rows.h"
#include "modules/analytics/sessioniser.h"
#include "modules/analytics/tables.h"
#include "ports/columns/duckdb/duckdb_columns.h"
#include "testing/run_task.h"

namespace mainstay::testing {

using namespace mainstay::analytics;

ReportWorld::ReportWorld(std::string_view timezone)
    : site_(std::make_shared<Site>()), map_(std::make_shared<SiteMap>()) {
  std::filesystem::create_directories(export_folder());
  columns_ = columns::duckdb::open(
      {.folder = folder_ / "columns", .export_folder = export_folder(), .threads = 2, .memory_bytes = 512 << 20});
  columns_->create(tables());
  columns_->create(rollup_tables());
  site_->id = SiteId{7};
  site_->domain = "example.com";
  site_->timezone = timezone;
  site_->created_at = ManualClock::kStart - days{2};
  map_->by_key_text = {{"7", site_}, {"example.com", site_}};
  reports_ = std::make_unique<Reports>(Reports::Ports{.columns = *columns_,
                                                      .clock = clock,
                                                      .freshness = *this,
                                                      .sites = *this,
                                                      .shares = *this,
                                                      .export_folder = export_folder().string(),
                                                      .files = files_});
}

ReportWorld::~ReportWorld() = default;

void ReportWorld::view(std::uint64_t visitor, std::string_view at, std::string_view path, const Edit& edit) {
  Hit hit;
  hit.at = parse_rfc3339(at).value();
  hit.name = "pageview";
  hit.path = path;
  hit.visitor = visitor;
  if (edit) edit(hit);
  add(std::move(hit));
}

void ReportWorld::event(std::uint64_t visitor, std::string_view at, std::string_view name, const Edit& edit) {
  view(visitor, at, "/", [&](Hit& hit) {
    hit.name = name;
    if (edit) edit(hit);
  });
}

void ReportWorld::add(Hit hit) {
  hit.site = site_->id;
  hit.visitor_day = utc_day(hit.at);
  hit.hostname = hit.hostname.empty() ? "example.com" : hit.hostname;
  hit.event_id = hits_.size() + 1;
  // The salt of a day makes other ids of the same people.
  const auto day = static_cast<std::uint64_t>(hit.visitor_day);
  const auto visitor = hit.visitor;
  hit.visitor = visitor * 1'000'000 + day;
  hit.visitor_before = hit.visitor - 1;
  hits_.push_back(std::move(hit));
}

void ReportWorld::goal(Goal goal) {
  auto& goals = map_->goals[site_->id];
  goal.id = static_cast<std::int64_t>(goals.size()) + 1;
  goal.site = site_->id;
  goals.push_back(std::move(goal));
}

void ReportWorld::write() {
  std::ranges::sort(hits_, {}, [](const Hit& hit) { return std::pair{hit.at, hit.event_id}; });
  std::uint64_t next = 0;
  Sessioniser sessioniser([](std::int32_t) { return std::vector<std::uint64_t>{}; }, [&] { return next += 2; });
  BatchRows events("events");
  BatchRows visits("visits");
  BatchRows open("open_visits");
  const auto store = [&](const Sessioniser::Changes& changes) {
    for (const auto& visit : changes.ended) add_visit(visits, *visit);
  };
  for (const auto& hit : hits_) {
    store(sessioniser.take_changes(hit.at));
    const auto assigned = sessioniser.assign(hit);
    if (assigned.visit != nullptr) add_event(events, hit, assigned);
  }
  const auto changes = sessioniser.take_changes(clock.now());
  store(changes);
  const auto far = sessioniser.take_changes(clock.now() + hours{200});
  for (const auto& visit : far.ended) add_visit(open, *visit);
  std::vector<columns::Step> steps;
  for (auto* rows : {&events, &visits, &open}) {
    if (!rows->empty()) steps.emplace_back(rows->take());
  }
  columns_->commit(steps);
}

json::Object ReportWorld::ask(std::string_view query) {
  auto value = json::parse(query);
  if (!value) throw std::runtime_error(value.error().message);
  value->get_object()["site_id"] = "7";
  const auto answer = run(reports_->answer(request(boost::json::serialize(*value))));
  if (!answer) {
    std::string text{answer.error().code};
    for (const auto& error : answer.error().errors) text += " " + error.field + " " + error.message;
    if (answer.error().errors.empty()) text += " " + answer.error().message;
    throw std::runtime_error(text);
  }
  return json::parse(*answer).value().get_object();
}

std::vector<std::string> ReportWorld::rows(std::string_view query) {
  std::vector<std::string> rows;
  for (const auto& result : ask(query)["results"].get_array()) {
    std::string row;
    for (const auto& dimension : result.at("dimensions").get_array()) {
      row += (row.empty() ? "" : ",") + std::string{dimension.get_string()};
    }
    std::string metrics;
    for (const auto& metric : result.at("metrics").get_array()) {
      metrics += (metrics.empty() ? "" : ",") + json::to_text(metric);
    }
    rows.push_back(row.empty() ? metrics : row + ": " + metrics);
  }
  return rows;
}

http::Request ReportWorld::request(std::string_view body) const {
  http::Request request;
  request.method = http::Method::kPost;
  request.body = body;
  request.principal = {.kind = Principal::Kind::kUser, .user = UserId{1}, .role = Role::kViewer, .name = "reader"};
  return request;
}

Task<std::chrono::milliseconds> ReportWorld::make_current() { co_return missing; }

std::shared_ptr<const SiteMap> ReportWorld::snapshot() const { return map_; }

bool ReportWorld::allows(const http::Request& /*request*/, SiteId /*site*/) const { return share_allows; }

}  // namespace mainstay::testing
