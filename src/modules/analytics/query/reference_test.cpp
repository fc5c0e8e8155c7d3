#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <random>
#include <set>

#include "modules/analytics/query/rollups.h"
#include "testing/report_world.h"

/// Reports beside a count in plain C++ over the hits: what the numbers are by definition. Asked twice, so that rows and
/// rollups both face it.
namespace mainstay::analytics {
namespace {

using testing::ReportWorld;

struct NaiveVisit {
  std::uint64_t visitor = 0;
  std::vector<Hit> hits;

  /// The paths of what counts: views and events.
  [[nodiscard]] std::vector<std::string> paths() const {
    std::vector<std::string> result;
    for (const auto& hit : hits) {
      if (hit.name != "engagement") result.push_back(hit.path);
    }
    return result;
  }
  [[nodiscard]] Instant started_at() const { return hits.front().at; }
  [[nodiscard]] bool bounced() const {
    const auto interacts = [](const Hit& hit) { return hit.name == "Signup"; };
    return paths().size() <= 1 && std::ranges::none_of(hits, interacts);
  }
};

bool is_counted(const Hit& hit) { return hit.name != "engagement" && hit.name != "vitals"; }

/// Hits of a person, given by time, belong together while no gap is longer than half an hour.
std::vector<NaiveVisit> visits_of(const std::vector<Hit>& hits) {
  std::map<std::uint64_t, std::vector<Hit>> by_person;
  for (const auto& hit : hits) by_person[hit.visitor / 1'000'000].push_back(hit);
  std::vector<NaiveVisit> visits;
  for (const auto& [person, its_hits] : by_person) {
    NaiveVisit visit;
    for (const auto& hit : its_hits) {
      const bool goes_on = !visit.hits.empty() && hit.at <= visit.hits.back().at + minutes{30};
      if (!goes_on && !visit.hits.empty()) visits.push_back(std::exchange(visit, {}));
      if (!goes_on && !is_counted(hit)) continue;
      if (!goes_on) visit.visitor = hit.visitor;
      visit.hits.push_back(hit);
    }
    if (!visit.hits.empty()) visits.push_back(visit);
  }
  return visits;
}

struct Counts {
  std::set<std::uint64_t> visitors;
  std::set<const NaiveVisit*> visits;
  std::int64_t pageviews = 0, events = 0, started = 0, bounces = 0;
  double duration_ms = 0;
};

struct Question {
  std::string dimension;
  std::string filter;  ///< "dimension=value", or ""
  query::TimeRange range;
  std::string range_text;
};

/// The values that `hit` of `visit` has.
std::vector<std::string> values(const std::string& dimension, const NaiveVisit& visit, const Hit& hit,
                                const TimeZone& zone) {
  const auto& first = visit.hits.front();
  const auto shown = [](const std::string& text, const char* none) { return text.empty() ? none : text; };
  if (dimension.empty()) return {""};
  if (dimension == "event:page") return {hit.path};
  if (dimension == "event:name") return {hit.name};
  if (dimension == "visit:source") return {shown(first.source, "Direct / None")};
  if (dimension == "visit:country") return {shown(first.country, "(not set)")};
  if (dimension == "visit:entry_page") return {visit.paths().front()};
  if (dimension == "visit:exit_page") return {visit.paths().back()};
  if (dimension == "time:day") return {query::local_date(hit.at, zone)};
  if (dimension == "event:props:plan") return {hit.properties.empty() ? "(not set)" : hit.properties.front().second};
  std::vector<std::string> goals;
  if (hit.name == "Signup") goals.emplace_back("Signed up");
  if (hit.name == "pageview" && hit.path == "/a") goals.emplace_back("Saw a");
  if (hit.name == "pageview" && hit.path.starts_with("/blog/")) goals.emplace_back("Read");
  if (hit.name == "engagement" && hit.scroll_depth >= 60 && hit.path.starts_with("/blog/"))
    goals.emplace_back("To the end");
  return goals;
}

/// The same of the visit's beginning: where its bounce and duration count.
std::string value_of_start(const std::string& dimension, const NaiveVisit& visit, const TimeZone& zone) {
  if (dimension == "event:page") return values("visit:entry_page", visit, visit.hits.front(), zone).front();
  return values(dimension, visit, visit.hits.front(), zone).front();
}

bool of_events(const std::string& dimension) {
  return dimension == "event:name" || dimension == "event:goal" || dimension == "event:props:plan";
}

std::map<std::string, Counts> count(const std::vector<NaiveVisit>& visits, const Question& question,
                                    const TimeZone& zone) {
  const auto equals = question.filter.find('=');
  const auto filtered = question.filter.empty() ? "" : question.filter.substr(0, equals);
  const auto wanted = question.filter.empty() ? "" : question.filter.substr(equals + 1);
  const auto in_range = [&](Instant at) { return at >= question.range.from && at < question.range.to; };
  std::map<std::string, Counts> result;
  for (const auto& visit : visits) {
    for (const auto& hit : visit.hits) {
      const bool looked_at = is_counted(hit) || question.dimension == "event:goal";
      if (!looked_at || !in_range(hit.at) || values(filtered, visit, hit, zone).front() != wanted) continue;
      for (const auto& value : values(question.dimension, visit, hit, zone)) {
        auto& counts = result[value];
        counts.visitors.insert(visit.visitor);
        counts.visits.insert(&visit);
        counts.pageviews += hit.name == "pageview" ? 1 : 0;
        counts.events += is_counted(hit) ? 1 : 0;
      }
    }
    if (!in_range(visit.started_at()) || of_events(question.dimension)) continue;
    if (value_of_start(filtered, visit, zone) != wanted) continue;
    auto& counts = result[value_of_start(question.dimension, visit, zone)];
    const auto last = std::ranges::max(visit.hits, {}, &Hit::at).at;
    ++counts.started;
    counts.bounces += visit.bounced() ? 1 : 0;
    counts.duration_ms += std::chrono::duration<double, std::milli>(last - visit.started_at()).count();
  }
  std::erase_if(result, [](const auto& entry) { return entry.second.visitors.empty(); });
  return result;
}

class Chance {
 public:
  explicit Chance(unsigned seed) : random_(seed) {}
  unsigned below(unsigned limit) { return static_cast<unsigned>(random_()) % limit; }
  template <class List>
  const auto& one_of(const List& list) {
    return list[below(static_cast<unsigned>(std::size(list)))];
  }

 private:
  std::mt19937 random_;
};

void add_traffic(ReportWorld& world, unsigned seed) {
  Chance chance(seed);
  const Instant first = testing::ManualClock::kStart - days{9};
  for (int visit = 0; visit < 250; ++visit) {
    Hit hit;
    hit.visitor = chance.below(50) + 1;
    hit.at = first + minutes{chance.below(9 * 24 * 60)};
    hit.country = chance.one_of(std::array{"DE", "FR", ""});
    hit.source = chance.one_of(std::array{"Google", "Bing", ""});
    const auto length = chance.below(6) + 1;
    for (unsigned i = 0; i < length; ++i) {
      hit.name = chance.one_of(std::array{"pageview", "pageview", "Signup", "engagement"});
      if (i == 0 && hit.name == "engagement") hit.name = "pageview";
      hit.path = chance.one_of(std::array{"/", "/a", "/blog/1", "/blog/2"});
      const bool engaged = hit.name == "engagement";
      hit.engagement_ms = engaged ? 1000 : 0;
      hit.properties.clear();
      const auto* const plan = chance.one_of(std::array{"free", "pro", ""});
      if (hit.name == "Signup" && *plan != '\0') hit.properties = {{"plan", plan}};
      hit.scroll_depth = engaged ? static_cast<std::int32_t>(chance.below(101)) : -1;
      world.add(hit);
      hit.at += minutes{chance.below(29) + 1};
    }
  }
  world.goal({.kind = GoalKind::kEvent, .event_name = "Signup", .display_name = "Signed up"});
  world.goal({.kind = GoalKind::kPage, .page_pattern = "/a", .display_name = "Saw a"});
  world.goal({.kind = GoalKind::kPage, .page_pattern = "/blog/*", .display_name = "Read"});
  world.goal({.kind = GoalKind::kPage, .page_pattern = "/nowhere", .display_name = "Never"});
  world.goal({.kind = GoalKind::kScroll, .page_pattern = "/blog/**", .scroll_depth = 60, .display_name = "To the end"});
  world.write();
}

/// A range of whole local days, or one that cuts them.
Question draw_range(Chance& chance, const TimeZone& zone) {
  const auto today = std::chrono::floor<days>(testing::ManualClock::kStart);
  const auto first = today - days{chance.below(10)};
  const auto last = first + days{chance.below(10)};
  const auto local = [&](std::chrono::sys_days day, microseconds time) {
    return zone.to_utc(std::chrono::local_time<microseconds>{day.time_since_epoch() + time});
  };
  const auto text = [](std::chrono::sys_days day) { return to_rfc3339(Instant{day}).substr(0, 10); };
  Question question;
  if (chance.below(2) == 0) {
    question.range = {.from = local(first, {}), .to = local(last + days{1}, {})};
    question.range_text = fmt::format(R"(["{}","{}"])", text(first), text(last));
  } else {
    question.range = {.from = local(first, hours{5} + minutes{30}), .to = local(last, hours{22} + minutes{10})};
    question.range_text = fmt::format(R"(["{}T05:30:00","{}T22:10:00"])", text(first), text(last));
  }
  return question;
}

std::vector<Question> draw_questions(unsigned seed, const TimeZone& zone) {
  Chance chance(seed);
  const std::vector<std::string> filters{"",
                                         "",
                                         "visit:country=DE",
                                         "visit:source=Direct / None",
                                         "event:page=/blog/1",
                                         "event:name=Signup",
                                         "visit:entry_page=/blog/1",
                                         "visit:exit_page=/a"};
  std::vector<Question> questions;
  for (const auto* dimension : {"", "event:page", "event:name", "visit:source", "visit:country", "visit:entry_page",
                                "visit:exit_page", "time:day", "event:goal", "event:props:plan"}) {
    for (int i = 0; i < 12; ++i) {
      auto question = draw_range(chance, zone);
      question.dimension = dimension;
      question.filter = chance.one_of(filters);
      // One event cannot have two names; goals of a filtered event are another test's.
      if (of_events(question.dimension)) question.filter.clear();
      if (question.dimension == "event:props:plan")
        question.filter = chance.one_of(std::array{"", "event:name=Signup"});
      questions.push_back(std::move(question));
    }
  }
  return questions;
}

/// Averages of visits make no sense where single events are looked at.
bool has_averages(const Question& question) {
  return !of_events(question.dimension) && !question.filter.starts_with("event:");
}

std::string text_of(const Question& question) {
  std::string text = R"({"metrics":["visitors","visits","pageviews","events")";
  if (has_averages(question)) text += R"(,"bounce_rate","visit_duration")";
  text += fmt::format(R"(],"date_range":{})", question.range_text);
  if (!question.dimension.empty()) text += fmt::format(R"(,"dimensions":["{}"])", question.dimension);
  if (const auto equals = question.filter.find('='); equals != std::string::npos) {
    text += fmt::format(R"(,"filters":[["is","{}",["{}"]]])", question.filter.substr(0, equals),
                        question.filter.substr(equals + 1));
  }
  return text + "}";
}

std::vector<std::string> expected(const std::map<std::string, Counts>& counted, const Question& question) {
  std::vector<std::string> rows;
  for (const auto& [value, counts] : counted) {
    const bool by_scrolling = question.dimension == "event:goal" && value == "To the end";
    auto row =
        fmt::format("{}{}{},{},{},{}", value, value.empty() ? "" : ": ", counts.visitors.size(), counts.visits.size(),
                    counts.pageviews, by_scrolling ? "null" : std::to_string(counts.events));
    if (has_averages(question)) {
      const auto started = static_cast<double>(counts.started);
      row += counts.started == 0
                 ? ",null,null"
                 : "," + json::to_text(std::round(100.0 * static_cast<double>(counts.bounces) / started * 10) / 10) +
                       "," + fmt::format("{:.0f}", std::round(counts.duration_ms / started / 1000));
    }
    rows.push_back(std::move(row));
  }
  if (rows.empty() && question.dimension.empty())
    rows.push_back(has_averages(question) ? "0,0,0,0,null,null" : "0,0,0,0");
  return rows;
}

class ReferenceTest : public ::testing::TestWithParam<const char*> {};

TEST_P(ReferenceTest, rows_and_rollups_agree_with_a_naive_count) {
  const auto zone = TimeZone::find(GetParam()).value();
  ReportWorld world(GetParam());
  add_traffic(world, 42);
  const auto visits = visits_of(world.hits());
  const auto questions = draw_questions(7, zone);
  const auto check = [&] {
    for (const auto& question : questions) {
      SCOPED_TRACE(text_of(question));
      EXPECT_THAT(world.rows(text_of(question)),
                  ::testing::UnorderedElementsAreArray(expected(count(visits, question, zone), question)));
    }
  };
  check();
  RollupKeeper keeper(world.columns(), world.directory());
  while (keeper.build_one(world.clock.now())) {
  }
  check();
}

INSTANTIATE_TEST_SUITE_P(Zones, ReferenceTest, ::testing::Values("UTC", "Europe/Berlin", "America/St_Johns"));

}  // namespace
}  // namespace mainstay::analytics
