#include "app/wiring.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdlib>
#include <thread>

#include "app/admin_routes.h"
#include "app/web_app.h"
#include "base/log.h"
#include "http/dispatch.h"
#include "http/platform_routes.h"
#include "http/router.h"
#include "http/server.h"
#include "modules/analytics/collector/collector.h"
#include "modules/analytics/intake.h"
#include "modules/analytics/migrations/migrations.h"
#include "modules/analytics/query/rollups.h"
#include "modules/analytics/query/routes.h"
#include "modules/analytics/query/service.h"
#include "modules/analytics/routes.h"
#include "modules/analytics/sites/directory.h"
#include "modules/analytics/sites/markers.h"
#include "modules/analytics/sites/routes.h"
#include "modules/analytics/sites/service.h"
#include "modules/analytics/tables.h"
#include "modules/identity/migrations.h"
#include "modules/identity/passwords.h"
#include "modules/identity/routes.h"
#include "modules/identity/service.h"
#include "modules/identity/sessions.h"
#include "ports/bus/local/local_bus.h"
#include "ports/clock/system/system_clock.h"
#include "ports/columns/duckdb/duckdb_columns.h"
#include "ports/random/system/system_random.h"
#include "ports/sql/postgres/postgres.h"
#include "ports/sql/sqlite/sqlite.h"
#include "ports/stream/embedded/embedded.h"
#include "runtime/blocking_pool.h"
#include "runtime/io_threads.h"
#include "runtime/metrics.h"
#include "runtime/scheduling.h"
#include "runtime/task_group.h"

namespace mainstay::app {
namespace {

constexpr minutes kUpkeepEvery{1};
constexpr std::chrono::seconds kTasksPatience{5};

/// Runs a task on an I/O thread and waits for it here; for start-up, which is no I/O thread.
template <class T>
T run_on(const Executor& executor, Task<T> task) {
  return boost::asio::co_spawn(executor, std::move(task), boost::asio::use_future).get();
}

std::unique_ptr<sql::Database> open_database(const config::Settings& settings, const Paths& paths) {
  auto database =
      settings.sql.url.empty()
          ? sql::sqlite::open({.path = paths.database(), .readers = std::min<std::size_t>(settings.sql.connections, 4)})
          : sql::postgres::open({.url = settings.sql.url, .connections = settings.sql.connections});
  database->migrate(identity::migrations());
  database->migrate(analytics::migrations());
  return database;
}

std::unique_ptr<columns::Columns> open_columns(const config::Settings& settings, const Paths& paths) {
  auto opened = columns::duckdb::open({.folder = paths.columns(),
                                       .export_folder = paths.exports(),
                                       .threads = settings.columns.threads,
                                       .memory_bytes = settings.columns.memory_bytes});
  opened->create(analytics::tables());
  opened->create(analytics::rollup_tables());
  return opened;
}

/// What still runs may use anything that is here. All that was taken is written by now.
[[noreturn]] void leave_at_once(std::string_view what) {
  log::warning("they do not end; leaving without them", {{"what", std::string{what}}});
  std::_Exit(EXIT_SUCCESS);
}

/// What the sites room wants to know of the processor.
class Measured final : public analytics::SiteData, public analytics::CurrentVisitors {
 public:
  explicit Measured(analytics::Processor& processor) : processor_(processor) {}
  Task<> erase(SiteId site) override { return processor_.erase(site); }
  [[nodiscard]] std::int64_t current_visitors(SiteId site) const override {
    return static_cast<std::int64_t>(processor_.current_visitors(site));
  }

 private:
  analytics::Processor& processor_;
};

/// What the reports want to know of the sites room.
class SharedReports final : public analytics::ShareCheck {
 public:
  explicit SharedReports(const analytics::Shares& shares) : shares_(shares) {}
  [[nodiscard]] bool allows(const http::Request& request, SiteId site) const override {
    return analytics::shown_share_opens(shares_, request, site).has_value();
  }

 private:
  const analytics::Shares& shares_;
};

http::Server::Options server_options(const config::Settings& settings, const Paths& paths,
                                     const config::Address& address) {
  const auto& limits = settings.limits;
  http::Server::Options options{.host = address.host, .port = address.port};
  options.unix_socket = paths.socket().string();
  options.trusted_proxies = settings.trusted_proxies;
  if (!settings.tls.certificate.empty()) {
    options.tls = http::Tls{.certificate_path = settings.tls.certificate, .key_path = settings.tls.key};
  }
  options.limits.connections_max = limits.connections_max;
  options.limits.header_bytes_max = limits.header_bytes_max;
  options.limits.target_bytes_max = limits.target_bytes_max;
  options.limits.body_memory_bytes = limits.body_memory_bytes;
  options.limits.header_patience = limits.header_patience_ms;
  options.limits.body_patience = limits.body_patience_ms;
  options.limits.idle_patience = limits.idle_patience_ms;
  options.limits.write_patience = limits.write_patience_ms;
  options.limits.handler_patience = limits.handler_patience_ms;
  options.limits.requests_per_second = static_cast<double>(limits.requests_per_second);
  options.limits.requests_burst = static_cast<double>(limits.requests_burst);
  return options;
}

}  // namespace

/// Members stand in start order; C++ ends them in reverse.
struct Program::Parts {
  config::Settings settings;
  std::unique_ptr<DataFolder> folder;
  Paths paths;
  clock::system::SystemClock clock;
  random::system::SystemRandom random;
  metrics::Registry metrics;
  IoThreads threads;
  std::unique_ptr<sql::Database> database;
  std::unique_ptr<columns::Columns> columns;
  std::unique_ptr<stream::Stream> stream;
  bus::local::LocalBus bus;
  TaskGroup background{"background"};

  identity::Passwords passwords;
  identity::Sessions sessions;
  identity::Service identity;

  analytics::Directory directory;
  analytics::Markers markers;
  analytics::Shares shares;
  analytics::Salts salts;
  analytics::Agents agents;
  analytics::Places places;
  analytics::Generaliser generaliser;
  analytics::Processor processor;
  Measured measured;
  analytics::SiteService sites;
  analytics::Collector collector;
  analytics::LogImports imports;
  BlockingPool workers{{.name = "worker", .threads = 2, .queue_max = 256}};
  BlockingPool files{{.name = "files", .threads = 1, .queue_max = 256}};
  SharedReports shared_reports;
  analytics::Reports reports;

  http::Router router;
  std::unique_ptr<http::Dispatcher> local;  ///< for `ask`
  std::unique_ptr<http::Server> server;

  Parts(config::Settings given, std::unique_ptr<DataFolder> held, const std::filesystem::path& program_folder);
  ~Parts();
  void declare_routes();
  void mark_first_hit(SiteId site, Instant at);
  Task<> upkeep();
};

Program::Parts::Parts(config::Settings given, std::unique_ptr<DataFolder> held,
                      const std::filesystem::path& program_folder)
    : settings(std::move(given)),
      folder(std::move(held)),
      paths(settings),
      threads(settings.io_threads == 0 ? processors() : settings.io_threads),
      database(open_database(settings, paths)),
      columns(open_columns(settings, paths)),
      stream(stream::embedded::open({.folder = paths.stream(),
                                     .clock = &clock,
                                     .bytes_max = settings.stream.bytes_max,
                                     .offset_floor = analytics::last_commit(*columns).offset,
                                     .metrics = &metrics})),
      sessions(*database, clock, random, bus),
      identity(*database, clock, random, passwords, sessions),
      directory(*database),
      markers(*database, random, directory),
      shares(*database, clock, random, passwords, directory, bus),
      salts(*database, clock, random),
      places(program_folder / "country.mmdb",
             settings.analytics.geo_database.empty()
                 ? std::nullopt
                 : std::optional<std::filesystem::path>{settings.analytics.geo_database}),
      generaliser(agents, places, random),
      processor({.stream = *stream,
                 .columns = *columns,
                 .bus = bus,
                 .clock = clock,
                 .random = random,
                 .metrics = metrics,
                 .sites = directory,
                 .on_first_hit = [this](SiteId site, Instant at) { mark_first_hit(site, at); }},
                {.flush_every = settings.analytics.flush_ms}),
      measured(processor),
      sites(*database, clock, random, directory, measured, bus),
      collector({.stream = *stream,
                 .clock = clock,
                 .random = random,
                 .metrics = metrics,
                 .sites = directory,
                 .salts = salts,
                 .processor = processor,
                 .generaliser = generaliser},
                {}),
      imports({.stream = *stream,
               .clock = clock,
               .random = random,
               .sites = directory,
               .salts = salts,
               .processor = processor,
               .generaliser = generaliser,
               .executor = threads.executor(0)}),
      shared_reports(shares),
      reports({.columns = *columns,
               .clock = clock,
               .freshness = processor,
               .sites = directory,
               .shares = shared_reports,
               .export_folder = paths.exports().string(),
               .files = files}) {
  run_on(threads.executor(0), directory.load());
  run_on(threads.executor(0), shares.load());
  processor.start();
  declare_routes();
  local = std::make_unique<http::Dispatcher>(router, sessions, metrics);
  background.spawn(threads.executor(0), [this] { return upkeep(); });
}

Program::Parts::~Parts() {
  imports.stop();
  background.cancel();
  processor.stop();  // which may still start some tasks, and which requests may wait for
  if (server && !server->drain(std::chrono::milliseconds{0})) leave_at_once("requests");
  if (!background.join(kTasksPatience)) leave_at_once("background tasks");
}

void Program::Parts::mark_first_hit(SiteId site, Instant at) {
  background.spawn(threads.executor(0), [this, site, at] { return sites.mark_first_hit(site, at); });
}

Task<> Program::Parts::upkeep() {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  for (;;) {
    try {
      co_await salts.prune(clock.now());
      co_await sites.finish_first_hits();
      co_await sites.finish_erasures();
      if (!settings.sql.url.empty()) {
        co_await directory.load();
        co_await shares.load();
      }
    } catch (const Unavailable& outage) {
      log::warning("upkeep failed and is tried again in a minute", {{"error", outage.what()}});
    }
    timer.expires_after(kUpkeepEvery);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

void Program::Parts::declare_routes() {
  router.add(identity::identity_routes(identity));
  router.add(analytics::site_routes(
      {.sites = sites, .markers = markers, .shares = shares, .live = measured, .public_origin = settings.public_url}));
  router.add(analytics::beacon_routes(collector));
  router.add(analytics::analytics_routes({.sites = directory,
                                          .processor = processor,
                                          .imports = imports,
                                          .refusals = collector.refusals(),
                                          .workers = workers,
                                          .shares = shares,
                                          .agents = agents}));
  router.add(analytics::query_routes(reports));
  router.add(admin_routes(identity, sites));
  router.add(http::platform_routes({.metrics = metrics, .router = router, .version = MAINSTAY_VERSION, .ready = [this] {
                                      return server && server->ready();
                                    }}));
  router.set_fallback(web_app(directory));
}

Program::Program(config::Settings settings, std::unique_ptr<DataFolder> folder, std::filesystem::path program_folder)
    : parts_(std::make_unique<Parts>(std::move(settings), std::move(folder), program_folder)) {}

Program::~Program() = default;

void Program::serve() {
  auto& parts = *parts_;
  const auto address = config::parse_address(parts.settings.listen);
  if (!address) throw std::runtime_error(address.error().message);
  parts.server = std::make_unique<http::Server>(server_options(parts.settings, parts.paths, *address), parts.router,
                                                parts.sessions, parts.bus, parts.clock, parts.random, parts.metrics,
                                                parts.threads);
  parts.server->start();
}

std::string Program::address() const {
  const auto address = config::parse_address(parts_->settings.listen);
  const bool any = address->host == "0.0.0.0" || address->host == "::" || address->host == "127.0.0.1";
  return fmt::format("{}://{}:{}", parts_->settings.tls.certificate.empty() ? "http" : "https",
                     any ? "localhost" : address->host, parts_->server->port());
}

void Program::drain() {
  parts_->imports.stop();
  parts_->server->drain(parts_->settings.drain_ms);
}

void Program::reload() {
  if (parts_->server) parts_->server->reload_tls();
}

http::Response Program::ask(http::Request request) {
  auto& parts = *parts_;
  request.local = true;
  request.id = "local";
  request.client_address = "127.0.0.1";
  auto plan = parts.local->plan(request);
  if (plan.answer) return std::move(*plan.answer);
  return run_on(parts.threads.executor(0), parts.local->answer(request, plan));
}

analytics::LogImports& Program::imports() { return parts_->imports; }
const analytics::SiteDirectory& Program::sites() const { return parts_->directory; }

}  // namespace mainstay::app
