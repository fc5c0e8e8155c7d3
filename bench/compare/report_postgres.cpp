#include "report_postgres.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "report_data.h"

namespace mainstay::bench {
namespace {

constexpr const char* kBinaries = "/usr/lib/postgresql/15/bin";

/// What a machine of 8 GB and more would be given.
constexpr const char* kSettings =
    "-c shared_buffers=2GB -c work_mem=512MB -c maintenance_work_mem=1GB -c effective_cache_size=6GB "
    "-c random_page_cost=1.1 -c max_parallel_workers_per_gather=2 -c max_wal_size=8GB -c fsync=off -c "
    "listen_addresses=";

constexpr const char* kTables = R"(
create unlogged table events (site_id bigint, at timestamp, event_id bigint, visit_id bigint, visitor_id bigint,
  visitor_day int, name text, path text, country text, device text, scroll_depth int, engagement_ms bigint,
  lcp float8, inp float8, cls float8, fcp float8, ttfb float8, properties jsonb);
create unlogged table visits (site_id bigint, visit_id bigint, visitor_id bigint, started_at timestamp, ended_at timestamp,
  duration_ms bigint, pageviews int, events int, is_bounce boolean, entry_page text, exit_page text, referrer text,
  source text, channel text, utm_source text, utm_medium text, utm_campaign text, utm_content text, utm_term text,
  country text, region text, city text, browser text, os text, device text, screen text, language text);
)";

/// Index-only scans for everything that is asked of events; a visit has too many attributes for that.
constexpr const char* kIndexes = R"(
create index on events (site_id, at) include (visitor_id, name, path);
create index on events (site_id, name, at) include (visitor_id, path, scroll_depth);
create index on events (site_id, at) include (lcp, inp, cls, fcp, ttfb) where name = 'vitals';
create index on events (site_id, name, at) include (visitor_id, properties)
  where name not in ('pageview', 'engagement', 'vitals');
create index on visits (site_id, started_at) include (visitor_id, duration_ms, is_bounce);
vacuum analyze events;
vacuum analyze visits;
)";

/// The server does not run as root.
std::string as_server(const std::string& command) {
  return ::geteuid() == 0 ? fmt::format("runuser -u postgres -- {}", command) : command;
}

void shell(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

class CopyText {
 public:
  explicit CopyText(PGconn* connection) : connection_(connection) {}
  CopyText& text(std::string_view value) {
    separate();
    for (const char c : value) {
      if (c == '\\' || c == '\t' || c == '\n') buffer_ += '\\';
      buffer_ += c;
    }
    return *this;
  }
  CopyText& plain(std::string_view value) {
    separate();
    buffer_ += value;
    return *this;
  }
  CopyText& number(std::int64_t value) { return plain(std::to_string(value)); }
  void end_row() {
    buffer_ += '\n';
    begun_ = false;
    if (buffer_.size() > (1U << 20U)) flush();
  }
  void flush() {
    if (PQputCopyData(connection_, buffer_.data(), static_cast<int>(buffer_.size())) != 1) {
      throw std::runtime_error(PQerrorMessage(connection_));
    }
    buffer_.clear();
  }

 private:
  void separate() {
    if (begun_) buffer_ += '\t';
    begun_ = true;
  }
  PGconn* connection_;
  std::string buffer_;
  bool begun_ = false;
};

void put_event(CopyText& out, const analytics::Hit& hit, const analytics::Visit& visit) {
  out.number(1).plain(to_rfc3339(hit.at)).number(static_cast<std::int64_t>(hit.event_id)).number(visit.id);
  out.number(static_cast<std::int64_t>(hit.visitor)).number(hit.visitor_day).text(hit.name).text(hit.path);
  out.text(hit.country).text(hit.device);
  out.plain(hit.scroll_depth < 0 ? "\\N" : std::to_string(hit.scroll_depth)).number(hit.engagement_ms);
  for (const auto& vital : {hit.lcp, hit.inp, hit.cls, hit.fcp, hit.ttfb}) {
    out.plain(vital ? fmt::format("{}", *vital) : "\\N");
  }
  out.text(hit.properties.empty() ? "{}" : fmt::format(R"({{"plan":"{}"}})", hit.properties[0].second));
  out.end_row();
}

void put_visit(CopyText& out, const analytics::Visit& visit) {
  const auto& hit = visit.begun_by;
  out.number(1).number(visit.id).number(static_cast<std::int64_t>(visit.visitor));
  out.plain(to_rfc3339(visit.started_at)).plain(to_rfc3339(visit.ended_at));
  out.number(std::chrono::duration_cast<milliseconds>(visit.ended_at - visit.started_at).count());
  out.number(visit.pageviews).number(visit.events).plain(visit.is_bounce() ? "t" : "f");
  for (const auto& text : {visit.entry_page, visit.exit_page, hit.referrer, hit.source, hit.channel, hit.utm_source,
                           hit.utm_medium, hit.utm_campaign, hit.utm_content, hit.utm_term, hit.country, hit.region,
                           hit.city, hit.browser, hit.os, hit.device, hit.screen, hit.language}) {
    out.text(text);
  }
  out.end_row();
}

}  // namespace

Postgres::Postgres(std::filesystem::path folder) : folder_(std::move(folder)) { start(); }

Postgres::~Postgres() {
  PQfinish(connection_);
  static_cast<void>(std::system(
      as_server(fmt::format("{}/pg_ctl -D {}/data -m fast stop >/dev/null 2>&1", kBinaries, folder_.string()))
          .c_str()));
}

void Postgres::start() {
  const auto data = folder_ / "data";
  if (!std::filesystem::exists(data / "PG_VERSION")) {
    std::filesystem::create_directories(folder_);
    if (::geteuid() == 0) shell(fmt::format("chown postgres {}", folder_.string()));
    shell(as_server(fmt::format("{}/initdb -D {} -U bench --auth=trust --locale=C --encoding=UTF8 --no-sync >/dev/null",
                                kBinaries, data.string())));
  }
  shell(as_server(fmt::format("{}/pg_ctl -D {} -w -l {}/log -o \"{} -k {}\" start >/dev/null", kBinaries, data.string(),
                              folder_.string(), kSettings, folder_.string())));
  connection_ = PQconnectdb(fmt::format("host={} user=bench dbname=postgres", folder_.string()).c_str());
  if (PQstatus(connection_) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(connection_));
}

std::vector<std::int64_t> Postgres::run(const std::string& statements) {
  PGresult* result = PQexec(connection_, statements.c_str());
  const auto status = PQresultStatus(result);
  std::vector<std::int64_t> numbers;
  const int column = PQfnumber(result, "n");
  for (int row = 0; column >= 0 && row < PQntuples(result); ++row) {
    numbers.push_back(std::atoll(PQgetvalue(result, row, column)));
  }
  PQclear(result);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) throw std::runtime_error(PQerrorMessage(connection_));
  return numbers;
}

void Postgres::copy(const char* text, std::int64_t rows) {
  PQclear(PQexec(connection_, text));
  CopyText out(connection_);
  const bool of_events = std::string_view{text}.starts_with("copy events");
  make_traffic(
      rows,
      [&](const analytics::Hit& hit, const analytics::Assigned& assigned) {
        if (of_events) put_event(out, hit, *assigned.visit);
      },
      [&](const analytics::Visit& visit) {
        if (!of_events) put_visit(out, visit);
      });
  out.flush();
  PQputCopyEnd(connection_, nullptr);
  PGresult* result = PQgetResult(connection_);
  const auto status = PQresultStatus(result);
  PQclear(result);
  PQclear(PQgetResult(connection_));
  if (status != PGRES_COMMAND_OK) throw std::runtime_error(PQerrorMessage(connection_));
}

void Postgres::load(std::int64_t rows) {
  const auto mark = folder_ / "loaded";
  if (std::filesystem::exists(mark)) return;
  fmt::print(stderr, "loading PostgreSQL\n");
  run("drop table if exists events; drop table if exists visits");
  run(kTables);
  copy("copy events from stdin", rows);
  copy("copy visits from stdin", rows);
  for (std::string_view rest = kIndexes; rest.contains(';');) {
    const auto end = rest.find(';');
    run(std::string{rest.substr(0, end)});
    rest.remove_prefix(end + 1);
  }
  run("checkpoint");
  std::fclose(std::fopen(mark.c_str(), "w"));
}

}  // namespace mainstay::bench
