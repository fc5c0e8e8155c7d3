// The dashboard's whole set of questions over ten million events: ours, through Reports, and PostgreSQL 15 with
// indexes over the same rows.
//
//   report_bench FOLDER [--rows N] [--rounds N] [--postgres yes|no] [--cold]
//
// FOLDER keeps the data from run to run. --cold is what the program calls itself with: one round, times to stdout.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>

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
  bool cold = false;
};

/// Reports over one site of the store in a folder.
class World final : analytics::Freshness, analytics::SiteDirectory, analytics::GoalSource, analytics::ShareCheck {
 public:
  explicit World(const Options& options) : map_(std::make_shared<SiteMap>()) {
    columns_ = columns::duckdb::open({.folder = options.folder / "columns", .export_folder = {}, .threads = 2});
    columns_->create(analytics::tables());
    columns_->create(analytics::rollup_tables());
    auto site = std::make_shared<Site>();
    site->id = kSite;
    site->domain = "example.com";
    site->timezone = "Europe/Berlin";
    site_ = site;
    map_->by_key_text = {{"1", site_}, {"example.com", site_}};
    reports_ = std::make_unique<analytics::Reports>(analytics::Reports::Ports{.columns = *columns_,
                                                                              .clock = clock_,
                                                                              .freshness = *this,
                                                                              .sites = *this,
                                                                              .goals = *this,
                                                                              .shares = *this,
                                                                              .export_folder = ""});
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
  Task<> make_current() override { co_return; }
  [[nodiscard]] std::shared_ptr<const SiteMap> snapshot() const override { return map_; }
  Task<std::vector<Goal>> goals_of(SiteId site) override {
    co_return std::vector<Goal>{{.id = 1,
                                 .site = site,
                                 .kind = GoalKind::kEvent,
                                 .event_name = "Signup",
                                 .page_pattern = {},
                                 .display_name = "Signup"},
                                {.id = 2,
                                 .site = site,
                                 .kind = GoalKind::kPage,
                                 .event_name = {},
                                 .page_pattern = "/blog/article-1*",
                                 .display_name = "Read"},
                                {.id = 3,
                                 .site = site,
                                 .kind = GoalKind::kEvent,
                                 .event_name = "Download",
                                 .page_pattern = {},
                                 .display_name = "Download"}};
  }
  [[nodiscard]] bool allows(const http::Request& /*request*/, SiteId /*site*/) const override { return true; }

  testing::ManualClock clock_{kNow};
  std::unique_ptr<columns::Columns> columns_;
  std::shared_ptr<const Site> site_;
  std::shared_ptr<SiteMap> map_;
  std::unique_ptr<analytics::Reports> reports_;
};

void load(const Options& options) {
  constexpr std::size_t kRowsAtOnce = 100'000;
  if (std::filesystem::exists(options.folder / "loaded")) {
    if (!options.cold) World{options}.roll_up();
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
  world.columns().compact();
  std::fclose(std::fopen((options.folder / "loaded").c_str(), "w"));
}

using Times = std::map<std::string, std::vector<double>>;

/// One round in a process of its own.
void cold_round(const std::string& program, const Options& options, Times& times) {
  const auto command = fmt::format("{} {} --rows {} --cold", program, options.folder.string(), options.rows);
  auto* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot start the cold round");
  std::array<char, 256> line{};
  while (std::fgets(line.data(), line.size(), pipe) != nullptr) {
    const std::string_view text{line.data()};
    const auto tab = text.find('\t');
    times[std::string{text.substr(0, tab)}].push_back(std::stod(std::string{text.substr(tab + 1)}));
  }
  if (::pclose(pipe) != 0) throw std::runtime_error("the cold round failed");
}

void one_round(World& world, Times& times) {
  for (const auto& question : questions()) {
    const auto start = Clock::now();
    world.ask(question.ours);
    times[question.name].push_back(ms_since(start));
  }
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

double p95(const Times& times, bool filtered) {
  std::vector<double> all;
  for (const auto& question : questions()) {
    if (question.filtered != filtered) continue;
    const auto& its = times.at(question.name);
    all.insert(all.end(), its.begin(), its.end());
  }
  std::ranges::sort(all);
  return all[static_cast<std::size_t>(static_cast<double>(all.size() - 1) * 0.95)];
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
    fmt::print("p95 {:<24} {:>12.1f} {:>12.1f}", filtered ? "(filtered)" : "(whole dashboard)", p95(cold, filtered),
               p95(warm, filtered));
    if (!peer.empty() && !filtered)
      fmt::print(" {:>14.0f} {:>7.0f}x", p95(peer, false), p95(peer, false) / p95(warm, false));
    fmt::print("\n");
  }
  if (ratios.empty()) return;
  std::ranges::sort(ratios);
  fmt::print("{:<28} {:>12} {:>12.0f} {:>14.0f} {:>7.0f}x\n", "one dashboard, in all", "", ours_in_all, theirs_in_all,
             theirs_in_all / ours_in_all);
  fmt::print("ratio of single questions: least {:.1f}x, median {:.0f}x\n", ratios.front(), ratios[ratios.size() / 2]);
}

int run(int count, char** arguments) {
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
      options.cold = true;
    } else {
      options.folder = argument;
    }
  }
  if (options.folder.empty()) {
    fmt::print(stderr, "usage: report_bench FOLDER [--rows N] [--rounds N] [--postgres yes|no]\n");
    return 2;
  }
  options.folder /= std::to_string(options.rows);
  if (options.cold) options.folder = options.folder.parent_path();
  std::filesystem::create_directories(options.folder);
  load(options);
  Times warm;
  if (options.cold) {
    World world(options);
    one_round(world, warm);
    for (const auto& [name, times] : warm) fmt::print("{}\t{}\n", name, times.front());
    return 0;
  }
  Times cold;
  for (int i = 0; i < options.rounds; ++i) cold_round(arguments[0], options, cold);
  {
    World world(options);
    Times ignored;
    one_round(world, ignored);
    for (int i = 0; i < options.rounds; ++i) one_round(world, warm);
  }
  Times peer;
  if (options.postgres) {
    Postgres postgres(options.folder / "postgres");
    postgres.load(options.rows);
    for (int i = 0; i <= options.rounds; ++i) {
      for (const auto& question : questions()) {
        if (question.postgres.empty()) continue;
        const auto start = Clock::now();
        postgres.run(question.postgres);
        if (i > 0) peer[question.name].push_back(ms_since(start));
      }
    }
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
