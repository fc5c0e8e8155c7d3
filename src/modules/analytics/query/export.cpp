#include "modules/analytics/query/export.h"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <cstdio>
#include <filesystem>

#include "base/json.h"
#include "base/log.h"
#include "modules/analytics/query/answer.h"
#include "modules/analytics/query/csv.h"
#include "modules/analytics/query/filter_sql.h"
#include "modules/analytics/query/pieces.h"

namespace mainstay::analytics {
namespace {

namespace asio = boost::asio;
using columns::Statement;
using columns::Value;

constexpr std::size_t kNameBytesMax = 200;  ///< of a file, without its days and its ending
constexpr std::chrono::minutes kPatience{30};
constexpr std::size_t kCsvRowsMax = 1'000'000;
/// A Parquet file is whole before its answer begins, which is to come within the time that a request may take.
constexpr std::chrono::seconds kFilePatience{50};
constexpr std::size_t kFileBytesAtOnce = 256 << 10;
constexpr std::size_t kBytesAtOnce = 64 << 10;
/// A client that takes less than kBytesAtOnce in it has stalled, and its export ends.
constexpr std::chrono::seconds kStallPatience{30};

/// The columns of a raw event, in the order of the file.
constexpr std::string_view kEventColumns =
    R"(e.event_id, e."at", e.visit_id, e.visitor_id, e.name, e.interactive, e.hostname, e.path, e.referrer, e.source, )"
    R"(e.channel, e.utm_source, e.utm_medium, e.utm_campaign, e.utm_content, e.utm_term, e.click_id, e.entry_page, )"
    R"(e.country, e.region, e.city, e.browser, e.browser_version, e.os, e.os_version, e.device, e.screen, e.language, )"
    R"(e.scroll_depth, e.engagement_ms, e.revenue, e.currency, e.lcp, e.inp, e.cls, e.fcp, e.ttfb, e.properties, )"
    R"(e.origin, e.status, e.bytes)";

void put(query::CsvWriter& csv, const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return csv.plain(fmt::format("{}", *integer));
  if (const auto* real = std::get_if<double>(&value)) return csv.plain(fmt::format("{}", *real));
  if (const auto* flag = std::get_if<bool>(&value)) return csv.plain(*flag ? "true" : "false");
  if (const auto* instant = std::get_if<Instant>(&value)) return csv.plain(to_rfc3339(*instant));
  if (const auto* text = std::get_if<std::string>(&value)) return csv.text(*text);
  csv.plain("");
}

/// Turns chunks of an answer into pieces of CSV.
using Format = std::function<std::string(const columns::Answer& chunk)>;

std::string format_events(const columns::Answer& chunk) {
  query::CsvWriter csv;
  for (const auto& row : chunk.rows) {
    for (const auto& value : row) put(csv, value);
    csv.end_row();
  }
  return csv.take();
}

std::string format_report(const Prepared& prepared, const columns::Answer& chunk) {
  const auto& request = prepared.request;
  query::CsvWriter csv;
  for (const auto& row : chunk.rows) {
    for (std::size_t i = 0; i < request.dimensions.size(); ++i) {
      csv.text(query::shown(row[i], request.dimensions[i], prepared.goals, prepared.buckets));
    }
    for (const auto& value : query::shown_metrics(row, request, prepared.goals)) {
      csv.plain(value.is_null() ? std::string{} : json::to_text(value));
    }
    if (request.asks_revenue()) csv.text(query::row_currency(row, request));
    csv.end_row();
  }
  return csv.take();
}

Task<> send_rows(const Reports& reports, Statement statement, const Format& format, query::Pieces& pieces) {
  // A slow client stops the store's thread here, not memory from growing.
  const auto take = [&](const columns::Answer& chunk) { return pieces.put(format(chunk)); };
  const auto done = co_await reports.ports().columns.stream(std::move(statement), kPatience, take);
  if (!done) throw Unavailable("export ended early: " + done.error().message);
  if (pieces.has_stalled()) throw Unavailable("export ended early: the client takes nothing");
  pieces.end();
}

Task<> write_rows(query::Pieces& pieces, http::BodyWriter& writer) {
  struct Leaving {
    query::Pieces& pieces;
    ~Leaving() { pieces.leave(); }
  } const leaving{pieces};
  while (const auto piece = co_await pieces.next()) {
    for (std::size_t at = 0; at < piece->size(); at += kBytesAtOnce) {
      co_await writer.write(std::string_view{*piece}.substr(at, kBytesAtOnce));
      pieces.note_progress();
    }
  }
}

Task<> stream_csv(const Reports& reports, Statement statement, std::string header, Format format,
                  http::BodyWriter& writer) {
  using namespace asio::experimental::awaitable_operators;
  co_await writer.write(header);
  query::Pieces pieces(co_await asio::this_coro::executor, kStallPatience);
  co_await (send_rows(reports, std::move(statement), format, pieces) && write_rows(pieces, writer));
}

http::Response attachment(std::string_view type, std::string_view name,
                          std::function<Task<>(http::BodyWriter&)> produce) {
  http::Response response;
  response.headers.set("Content-Type", type);
  response.headers.set("Content-Disposition", fmt::format("attachment; filename=\"{}\"", name));
  response.headers.set("Cache-Control", "no-store");
  response.body = http::StreamBody{std::move(produce)};
  return response;
}

/// "example.com-entry_page-2026-11-01-2026-11-28.csv": what is in it, and of which local days. What is no letter or
/// digit of a name becomes a dash.
std::string file_name(const Prepared& prepared, std::string_view what, std::string_view ending) {
  const auto day = [&zone = prepared.calendar.zone](Instant at) { return query::local_date(at, zone); };
  const auto first = day(prepared.range.from);
  const auto last = day(std::max(prepared.range.from, prepared.range.to - std::chrono::microseconds{1}));
  const auto of = fmt::format("{}-{}", prepared.site->domain, what).substr(0, kNameBytesMax);
  auto name = fmt::format("{}-{}{}.{}", of, first, last == first ? "" : "-" + last, ending);
  std::ranges::replace_if(
      name,
      [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0 && !std::string_view{".-_"}.contains(c); },
      '-');
  return name;
}

/// What a report is of: its dimensions without what they are asked of ("entry_page", "time"), "totals" without any.
std::string subject_of(const query::Request& request) {
  std::string subject;
  for (const auto& dimension : request.dimensions) {
    const auto name = dimension.name();
    subject += (subject.empty() ? "" : "-") + name.substr(name.starts_with("time") ? 0 : name.find(':') + 1);
  }
  return subject.empty() ? "totals" : subject;
}

Task<Result<http::Response>> export_report(Reports& reports, Prepared prepared, Reports::ExportSlot slot) {
  auto& request = prepared.request;
  if (!request.limit) request.limit = kCsvRowsMax;
  request.total_rows = false;
  auto coverage = co_await reports.coverage_of(prepared, prepared.range);
  if (!coverage) co_return refuse(coverage);
  coverage->days.clear();  // a stream cannot start anew when a rollup comes or goes
  auto statement = statement_of(prepared, prepared.range, std::nullopt, *coverage);
  query::CsvWriter header;
  for (const auto& dimension : request.dimensions) header.text(dimension.name());
  for (const auto metric : request.metrics) header.text(query::to_text(metric));
  if (request.asks_revenue()) header.text("currency");
  header.end_row();
  auto name = file_name(prepared, subject_of(request), "csv");
  auto format = [prepared](const columns::Answer& chunk) { return format_report(prepared, chunk); };
  co_return attachment("text/csv; charset=utf-8; header=present", name,
                       [&reports, slot = std::move(slot), statement = std::move(statement), header = header.take(),
                        format = Format{std::move(format)}](http::BodyWriter& writer) {
                         return stream_csv(reports, statement, header, format, writer);
                       });
}

Statement events_statement(const Prepared& prepared) {
  query::Parameters parameters;
  const query::FilterScope scope{
      .parameters = parameters, .site = prepared.site->id, .range = prepared.range, .goals = prepared.goals};
  auto text = fmt::format("select {} from events e where {}{}", kEventColumns, query::events_in_range(scope),
                          query::events_filters(prepared.request.filters, scope));
  return {.text = std::move(text), .parameters = parameters.take()};
}

std::string events_header() {
  std::string header;
  for (std::size_t at = 0; at < kEventColumns.size();) {
    const auto end = std::min(kEventColumns.find(", ", at), kEventColumns.size());
    header += (header.empty() ? "" : ",") + std::string{kEventColumns.substr(at + 2, end - at - 2)};
    at = end + 2;
  }
  std::erase(header, '"');
  return header + "\r\n";
}

/// A file that nobody else sees: its name is gone once it is open, its bytes when this ends.
/// Everything here blocks.
class UnlinkedFile {
 public:
  explicit UnlinkedFile(const std::string& path) : file_(std::fopen(path.c_str(), "rbe")) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    if (file_ == nullptr) throw Unavailable("an export cannot be read back");
  }
  ~UnlinkedFile() { std::fclose(file_); }
  UnlinkedFile(const UnlinkedFile&) = delete;
  UnlinkedFile& operator=(const UnlinkedFile&) = delete;
  [[nodiscard]] std::string_view read(std::string& buffer) {
    return {buffer.data(), std::fread(buffer.data(), 1, buffer.size(), file_)};
  }

 private:
  std::FILE* file_;
};

/// Closes it on a thread that may block: the last close of a large file frees all of it.
std::shared_ptr<UnlinkedFile> open_unlinked(BlockingPool& files, const std::string& path) {
  return {new UnlinkedFile(path), [&files](UnlinkedFile* file) {
            try {
              files.post([file] { delete file; });
            } catch (const Unavailable&) {  // too much to do
              delete file;
            }
          }};
}

Task<> stream_file(BlockingPool& files, std::shared_ptr<UnlinkedFile> file, http::BodyWriter& writer) {
  std::string buffer(kFileBytesAtOnce, '\0');
  while (true) {
    const auto piece = co_await files.run([&] { return file->read(buffer); });
    if (piece.empty()) break;
    co_await writer.write(piece);
  }
}

Task<Result<http::Response>> export_parquet(const Reports& reports, const Prepared& prepared,
                                            Reports::ExportSlot slot) {
  static std::atomic<std::uint64_t> count{0};
  const auto& folder = reports.ports().export_folder;
  const auto path = fmt::format("{}/events-{}-{}.parquet", folder, to_micros(prepared.calendar.now), ++count);
  const auto written = co_await reports.ports().columns.write_parquet(events_statement(prepared), kFilePatience, path);
  if (!written) co_return refuse(written);
  auto& files = reports.ports().files;
  auto file = co_await files.run([&] { return open_unlinked(files, path); });
  co_return attachment("application/vnd.apache.parquet", file_name(prepared, "events", "parquet"),
                       [&files, slot = std::move(slot), file = std::move(file)](http::BodyWriter& writer) {
                         return stream_file(files, file, writer);
                       });
}

std::unexpected<Failure> bad_export(std::string field, std::string message) {
  return refuse_field("analytics.bad_export", std::move(field), std::move(message));
}

/// The query of an export; raw events need no metrics and no range.
Result<query::Request> exported_query(const http::Request& request, std::string_view site, bool events) {
  const auto text = request.query_parameter("query");
  if (!text && !events) return bad_export("query", "Must be a v2 query as JSON, or rows must be events.");
  auto value = json::parse(text.value_or("{}"));
  if (!value) return refuse(value);
  if (auto* object = value->if_object(); object != nullptr && events) {
    if (!object->contains("metrics")) (*object)["metrics"] = json::Array{json::Value("events")};
    if (!object->contains("date_range")) (*object)["date_range"] = "all";
  }
  return query::parse_request(*value, site);
}

}  // namespace

Task<Result<http::Response>> export_rows(Reports& reports, http::Request& request) {
  const auto rows = request.query_parameter("rows").value_or("");
  const auto format = request.query_parameter("format").value_or("csv");
  const bool events = rows == "events";
  if (!events && !rows.empty()) co_return bad_export("rows", "Must be events, or absent.");
  if (format != "csv" && format != "parquet") co_return bad_export("format", "Must be csv or parquet.");
  if (format == "parquet" && !events) co_return bad_export("format", "Parquet is for rows=events.");
  const auto id = request.path_parameter("site_id");
  const auto site = reports.site_for(request, id);
  if (!site) co_return refuse(site);
  if (events && !request.principal.may(Permission::kReadReports)) {
    const bool anonymous = request.principal.kind == Principal::Kind::kAnonymous;
    co_return refuse(anonymous ? Refusal::kUnauthenticated : Refusal::kForbidden, "analytics.no_access",
                     "Sign in to export single events.");
  }
  auto parsed = exported_query(request, id, events);
  if (!parsed) co_return refuse(parsed);
  auto taken = reports.take_export_slot();
  if (!taken) co_return refuse(taken);
  auto slot = std::move(*taken);
  co_await reports.ports().freshness.make_current();
  auto prepared = co_await reports.prepare(*site, std::move(*parsed));
  if (!prepared) co_return refuse(prepared);
  if (!events) co_return co_await export_report(reports, std::move(*prepared), std::move(slot));
  if (format == "parquet") co_return co_await export_parquet(reports, *prepared, std::move(slot));
  co_return attachment("text/csv; charset=utf-8; header=present", file_name(*prepared, "events", "csv"),
                       [&reports, slot, statement = events_statement(*prepared)](http::BodyWriter& writer) {
                         return stream_csv(reports, statement, events_header(), Format{format_events}, writer);
                       });
}

}  // namespace mainstay::analytics
