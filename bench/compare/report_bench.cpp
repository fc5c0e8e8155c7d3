// The dashboard's whole set of questions over ten million events: ours, through Reports, and PostgreSQL 15 with
// indexes over the same rows.
//
//   report_bench FOLDER [--rows N] [--rounds N] [--postgres yes|no]
//
// FOLDER keeps the data from run to run. Cold: a new process for each question, from its start to the answer. Warm: one
// process, after a first round that is not counted. PostgreSQL: the same, and its answers are compared with ours.
// Both stores are given by the system's page cache; ours runs with the settings that the server has by default.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>

#include "base/json.h"
#include "modules/analytics/query/rollups.h"
#include "modules/analytics/query/service.h"
#include "modules/analytics/rows.h"
#include "modules/analytics/tables.h"
#include "ports/columns/duckdb/duckdb_columns.h"
#include "report_data.h"
#include "report_postgres.h"
#include "report_questions.h"
#include "testing/manual_clock.h"
#include "testing/run_task.h"

namespace mainstay::bench {
namespace {

using analytics::Goal;
using analytics::GoalKind;
using analytics::Site;
using analytics::SiteMap;
using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct Options {
  std::filesystem::path folder;
  std::int64_t rows = 10'000'000;
  int rounds = 3;
  bool postgres = true;
  std::optional<std::size_t> cold;  ///< the question that this process is for: what the program calls itself with
};

/// Reports over one site of the store in a folder.
class World final : analytics::Freshness, analytics::SiteDirectory, analytics::ShareCheck {
 public:
  explicit World(const Options& options) : map_(std::make_shared<SiteMap>()) {
    columns_ = columns::duckdb::open({.folder = options.folder / "columns", .export_folder = {}});
    columns_->create(analytics::tables());
    columns_->create(analytics::rollup_tables());
    auto site = std::make_shared<Site>();
    site->id = kSite;
    site->domain = "example.com";
    site->timezone = "Europe/Berlin";
    site_ = site;
    map_->by_key_text = {{"1", site_}, {"example.com", site_}};
    map_->goals[kSite] = goals();
    reports_ = std::make_unique<analytics::Reports>(analytics::Reports::Ports{.columns = *columns_,
                                                                              .clock = clock_,
                                                                              .freshness = *this,
                                                                              .sites = *this,
                                                                              .shares = *this,
                                                                              .export_folder = "",
                                                                              .files = files_});
  }
  ~World() override = default;

  std::string ask(const std::string& question) {
    auto parsed = analytics::query::parse_request(question);
    if (!parsed) throw std::runtime_error(parsed.error().message);
    auto answer = testing::run(reports_->answer(site_, std::move(*parsed)));
    if (!answer) throw std::runtime_error(answer.error().message);
    return *answer;
  }

  void roll_up() {
    analytics::RollupKeeper keeper(*columns_, *this);
    while (keeper.build_one(kNow)) {
    }
  }

  columns::Columns& columns() { return *columns_; }

 private:
  Task<std::chrono::milliseconds> make_current() override { co_return std::chrono::milliseconds{}; }
  [[nodiscard]] std::shared_ptr<const SiteMap> snapshot() const override { return map_; }
  static std::vector<Goal> goals() {
    const auto goal = [](std::int64_t id, GoalKind kind, std::string what, std::string name, std::int32_t depth = 0) {
      const bool event = kind == GoalKind::kEvent;
      return Goal{.id = id,
                  .site = kSite,
                  .kind = kind,
                  .event_name = event ? what : "",
                  .page_pattern = event ? "" : what,
                  .scroll_depth = depth,
                  .display_name = std::move(name)};
    };
    return {goal(1, GoalKind::kEvent, "Signup", "Signup"), goal(2, GoalKind::kPage, "/blog/article-1*", "Read"),
            goal(3, GoalKind::kEvent, "Download", "Download"), goal(4, GoalKind::kScroll, "/blog/*", "To the end", 75)};
  }
  [[nodiscard]] bool allows(const http::Request& /*request*/, SiteId /*site*/) const override { return true; }

  testing::ManualClock clock_{kNow};
  std::unique_ptr<columns::Columns> columns_;
  BlockingPool files_{{.name = "files"}};
  std::shared_ptr<const Site> site_;
  std::shared_ptr<SiteMap> map_;
  std::unique_ptr<analytics::Reports> reports_;
};

void load(const Options& options) {
  constexpr std::size_t kRowsAtOnce = 100'000;
  if (std::filesystem::exists(options.folder / "loaded")) {
    World{options}.roll_up();
    return;
  }
  std::filesystem::remove_all(options.folder / "columns");
  World world(options);
  analytics::BatchRows events("events");
  analytics::BatchRows visits("visits");
  std::int64_t count = 0;
  const auto flush = [&] {
    std::vector<columns::Step> steps;
    if (!events.empty()) steps.emplace_back(events.take());
    if (!visits.empty()) steps.emplace_back(visits.take());
    world.columns().commit(steps);
    fmt::print(stderr, "\r{} events", count);
  };
  const auto start = Clock::now();
  make_traffic(
      options.rows,
      [&](const analytics::Hit& hit, const analytics::Assigned& assigned) {
        add_event(events, hit, assigned);
        ++count;
      },
      [&](const analytics::Visit& visit) {
        add_visit(visits, visit);
        if (events.rows() >= kRowsAtOnce) flush();
      });
  flush();
  fmt::print(stderr, " written in {:.1f} s\n", ms_since(start) / 1000);
  const auto rolled = Clock::now();
  world.roll_up();
  fmt::print(stderr, "rolled up in {:.1f} s\n", ms_since(rolled) / 1000);
  world.columns().compact({});
  std::fclose(std::fopen((options.folder / "loaded").c_str(), "w"));
}

using Times = std::map<std::string, std::vector<double>>;

/// One question in a process of its own, from its start until it has the answer.
double cold_time(const std::string& program, const Options& options, std::size_t question) {
  const auto command = fmt::format("exec {} {} --cold {}", program, options.folder.string(), question);
  const auto start = Clock::now();
  auto* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot start the cold process");
  std::array<char, 16> answered{};
  const bool came = std::fgets(answered.data(), answered.size(), pipe) != nullptr;
  const auto time = ms_since(start);
  if (::pclose(pipe) != 0 || !came) throw std::runtime_error("the cold process failed");
  return time;
}

void one_round(World& world, Times& times) {
  for (const auto& question : questions()) {
    const auto start = Clock::now();
    world.ask(question.ours);
    times[question.name].push_back(ms_since(start));
  }
}

/// The first metric of each row.
std::vector<std::int64_t> numbers_of(const std::string& answer) {
  std::vector<std::int64_t> numbers;
  for (const auto& row : json::parse(answer).value().at("results").as_array()) {
    numbers.push_back(row.at("metrics").at(0).to_number<std::int64_t>());
  }
  return numbers;
}

/// A round of PostgreSQL; says so where its answers are not ours.
void peer_round(Postgres& postgres, World& world, Times& times) {
  for (const auto& question : questions()) {
    if (question.postgres.empty()) continue;
    const auto start = Clock::now();
    const auto theirs = postgres.run(question.postgres);
    times[question.name].push_back(ms_since(start));
    const auto ours = numbers_of(world.ask(question.ours));
    if (ours != theirs) {
      throw std::runtime_error(
          fmt::format("{}: ours {}, PostgreSQL's {}", question.name, fmt::join(ours, " "), fmt::join(theirs, " ")));
    }
  }
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

double quantile(const Times& times, bool filtered, double part) {
  std::vector<double> all;
  for (const auto& question : questions()) {
    if (question.filtered != filtered) continue;
    const auto& its = times.at(question.name);
    all.insert(all.end(), its.begin(), its.end());
  }
  std::ranges::sort(all);
  return all[static_cast<std::size_t>(static_cast<double>(all.size() - 1) * part)];
}

void print_table(const Times& cold, const Times& warm, const Times& peer) {
  fmt::print("{:<28} {:>12} {:>12} {:>14} {:>8}\n", "what", "ours cold ms", "ours warm ms", "PostgreSQL ms", "ratio");
  std::vector<double> ratios;
  double ours_in_all = 0;
  double theirs_in_all = 0;
  for (const auto& question : questions()) {
    const auto ours = median(warm.at(question.name));
    fmt::print("{:<28} {:>12.1f} {:>12.1f}", question.name, median(cold.at(question.name)), ours);
    if (const auto found = peer.find(question.name); found != peer.end()) {
      const auto theirs = median(found->second);
      ratios.push_back(theirs / ours);
      ours_in_all += ours;
      theirs_in_all += theirs;
      fmt::print(" {:>14.0f} {:>7.0f}x", theirs, theirs / ours);
    }
    fmt::print("\n");
  }
  for (const bool filtered : {false, true}) {
    for (const double part : {0.5, 0.95}) {
      const auto name = fmt::format("p{:.0f} {}", part * 100, filtered ? "(filtered)" : "(whole dashboard)");
      const auto ours = quantile(warm, filtered, part);
      fmt::print("{:<28} {:>12.1f} {:>12.1f}", name, quantile(cold, filtered, part), ours);
      if (!peer.empty() && !filtered) {
        const auto theirs = quantile(peer, false, part);
        fmt::print(" {:>14.0f} {:>7.0f}x", theirs, theirs / ours);
      }
      fmt::print("\n");
    }
  }
  if (ratios.empty()) return;
  std::ranges::sort(ratios);
  fmt::print("{:<28} {:>12} {:>12.0f} {:>14.0f} {:>7.0f}x\n", "one dashboard, in all", "", ours_in_all, theirs_in_all,
             theirs_in_all / ours_in_all);
  fmt::print("ratio of single questions: least {:.1f}x, median {:.0f}x\n", ratios.front(), ratios[ratios.size() / 2]);
}

Options options_of(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument{arguments[i]};
    const auto value = [&] { return std::string{i + 1 < count ? arguments[++i] : ""}; };
    if (argument == "--rows") {
      options.rows = std::stoll(value());
    } else if (argument == "--rounds") {
      options.rounds = std::stoi(value());
    } else if (argument == "--postgres") {
      options.postgres = value() == "yes";
    } else if (argument == "--cold") {
      options.cold = std::stoul(value());
    } else {
      options.folder = argument;
    }
  }
  return options;
}

int run(int count, char** arguments) {
  auto options = options_of(count, arguments);
  if (options.folder.empty()) {
    fmt::print(stderr, "usage: report_bench FOLDER [--rows N] [--rounds N] [--postgres yes|no]\n");
    return 2;
  }
  if (options.cold) {
    World world(options);
    world.ask(questions().at(*options.cold).ours);
    std::puts("answered");
    std::fflush(stdout);
    return 0;
  }
  options.folder /= std::to_string(options.rows);
  std::filesystem::create_directories(options.folder);
  load(options);
  Times cold;
  for (int round = 0; round < options.rounds; ++round) {
    for (std::size_t i = 0; i < questions().size(); ++i) {
      cold[questions()[i].name].push_back(cold_time(arguments[0], options, i));
    }
  }
  Times warm;
  Times ignored;
  World world(options);
  one_round(world, ignored);
  for (int i = 0; i < options.rounds; ++i) one_round(world, warm);
  Times peer;
  if (options.postgres) {
    Postgres postgres(options.folder / "postgres");
    postgres.load(options.rows);
    peer_round(postgres, world, ignored);
    for (int i = 0; i < options.rounds; ++i) peer_round(postgres, world, peer);
  }
  print_table(cold, warm, peer);
  return 0;
}

}  // namespace
}  // namespace mainstay::bench

int main(int count, char** arguments) {
  try {
    return mainstay::bench::run(count, arguments);
  } catch (const std::exception& error) {
    std::fputs(error.what(), stderr);
    std::fputs("\n", stderr);
    return 1;
  }
}
