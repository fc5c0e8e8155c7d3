#include "modules/analytics/routes.h"

#include "base/json.h"
#include "base/text.h"
#include "modules/analytics/classify/classify.h"
#include "modules/analytics/collector/collector.h"
#include "modules/analytics/sites/ids.h"
#include "modules/analytics/sites/routes.h"
#include "runtime/scheduling.h"

namespace mainstay::analytics {
namespace {

constexpr std::size_t kLogBodyBytesMax = 32 << 20;   ///< as sent
constexpr std::size_t kLogTextBytesMax = 256 << 20;  ///< unpacked
constexpr std::size_t kSubjectsMax = 20;
constexpr std::string_view kLiveSubject = "events.analytics.live.";

constexpr std::string_view kLogLinesSchema =
    R"({"type":"string","description":"Lines of a server log, as they are or with Content-Encoding: gzip."})";
constexpr std::string_view kLogSummarySchema =
    R"({"type":"object","required":["lines","unparsable","accepted","bots","refused","status","bytes"],"properties":{)"
    R"("lines":{"type":"integer"},"unparsable":{"type":"integer"},"accepted":{"type":"integer"},)"
    R"("bots":{"type":"integer"},"refused":{"type":"object","additionalProperties":{"type":"integer"}},)"
    R"("status":{"type":"object","additionalProperties":{"type":"integer"}},"bytes":{"type":"integer"}}})";

constexpr std::string_view kPieceSchema =
    R"({"type":"integer","minimum":0,"maximum":4294967295,"description":"Number of this piece of the import; 0 begins one. )"
    R"(The same lines again under the same number add nothing; a number that skips is refused."})";

constexpr int kAccepted = 202;  ///< RFC 9110 §15.3.3

/// What a body that holds log lines asks for.
struct LogRequest {
  std::shared_ptr<const Site> site;
  std::optional<LogFormat> format;
  std::string import;  ///< name of a longer import; "" for one of its own
  std::optional<std::uint64_t> piece;
  bool finish = true;
};

/// Members, not capturing lambdas: a coroutine must not outlive what it captures.
struct Handlers {
  AnalyticsRooms rooms;

  Result<LogRequest> read_log_request(const http::Request& request) const {
    LogRequest asked;
    asked.site = rooms.sites.snapshot()->find(request.query_parameter("site").value_or(""));
    if (!asked.site) return refuse(Refusal::kNotFound, "analytics.unknown_site", "There is no such site.");
    auto key = request.header("X-Site-Key");
    if (key.empty()) key = request.query_parameter("key").value_or("");
    const bool may = request.principal.may(Permission::kManageSites) ||
                     (!key.empty() && equal_in_constant_time(key, asked.site->key));
    if (!may && key.empty()) {
      return refuse(Refusal::kForbidden, "analytics.site_key_required", "Sending a log needs the site's key.");
    }
    if (!may) return refuse(Refusal::kForbidden, "analytics.wrong_site_key", "This is not the site's key.");
    const auto format = request.query_parameter("format").value_or("auto");
    if (format != "auto") {
      asked.format = parse_format_name(format);
      if (!asked.format) return refuse_field("analytics.unknown_log_format", "format", "There is no such log format.");
    }
    asked.import = request.query_parameter("import").value_or("");
    if (const auto piece = request.query_parameter("piece")) {
      asked.piece = parse_number<std::uint32_t>(*piece);
      if (!asked.piece || asked.import.empty()) {
        return refuse_field("analytics.bad_piece", "piece", "Expected 0, 1, 2, … together with `import`.");
      }
    }
    asked.finish = asked.import.empty() || request.query_parameter("finish") == "1";
    // A name belongs to its site, so that nobody feeds another one's import.
    if (!asked.import.empty()) {
      asked.import = fmt::format("{}/{}", static_cast<std::int64_t>(asked.site->id), asked.import);
    }
    return asked;
  }

  std::unexpected<Failure> refuse_log(const http::Request& request, const Failure& failure) const {
    const auto named = request.query_parameter("site").value_or("");
    if (const auto site = rooms.sites.snapshot()->find(named)) {
      rooms.refusals.count(site->id, failure.code);
    } else {
      rooms.refusals.count(SiteId{}, failure.code, {.site = std::string{named}, .host = ""});
    }
    return std::unexpected(failure);
  }

  Result<> check_log(const http::Request& request) const {
    const auto asked = read_log_request(request);
    if (!asked) return refuse_log(request, asked.error());
    return {};
  }

  static Result<LogText> lines_of(const http::Request& request) {
    const auto encoding = request.header("Content-Encoding");
    if (encoding.empty() || equal_ignoring_case(encoding, "identity")) return LogText(request.body);
    if (equal_ignoring_case(encoding, "gzip")) return LogText::unpack(request.body, kLogTextBytesMax);
    return refuse_field("analytics.unsupported_encoding", "Content-Encoding", "Send lines as they are or with gzip.");
  }

  struct Fed {
    std::shared_ptr<LogImports::Import> import;
    LogSummary so_far;
    bool repeatable = false;  ///< sent again, the request counts nothing twice
  };
  Result<Fed> feed(const LogRequest& asked, LogText lines) const {
    std::optional<LogImports::Piece> piece;
    if (asked.piece) piece = {.number = *asked.piece, .fingerprint = lines.fingerprint()};
    const bool repeatable = piece || lines.empty();
    const auto import = rooms.imports.open(asked.import, asked.site, asked.format, piece);
    if (!import) return refuse(import);
    if (auto fed = rooms.imports.feed(**import, std::move(lines), piece); !fed) return refuse(fed);
    return Fed{.import = *import, .so_far = rooms.imports.so_far(**import), .repeatable = repeatable};
  }

  Task<Result<http::Response>> log(http::Request& request) const {
    const auto asked = read_log_request(request);
    if (!asked) co_return refuse(asked);
    const auto fed = co_await rooms.workers.run([&]() -> Result<Fed> {
      become_background_thread("log-lines");
      auto lines = lines_of(request);
      if (!lines) return refuse(lines);
      return feed(*asked, std::move(*lines));
    });
    if (!fed) co_return refuse_log(request, fed.error());
    if (!asked->finish) co_return http::json_text(to_json(fed->so_far));
    const auto summary = co_await rooms.imports.finish(fed->import);
    if (summary) co_return http::json_text(to_json(*summary));
    if (!fed->repeatable) co_return http::json_text(to_json(fed->so_far), kAccepted);
    co_return refuse(summary);
  }

  Task<Result<http::Response>> classify_agent(http::Request& request) const {
    const auto asked = json::read<ClassifyRequest>(request.body);
    if (!asked) co_return refuse(asked);
    const auto answer = classify(rooms.agents, *asked);
    if (!answer) co_return refuse(answer);
    co_return http::json_text(json::write(*answer));
  }

  static std::unexpected<Failure> refuse_watching(const Principal& principal) {
    if (principal.kind == Principal::Kind::kAnonymous) {
      return refuse(Refusal::kUnauthenticated, "analytics.sign_in_required", "Sign in, or use a shared link.");
    }
    return refuse(Refusal::kForbidden, "analytics.forbidden", "This report is not yours to see.");
  }

  Task<Result<http::Response>> live(http::Request& request) const {
    http::LiveBody body;
    const auto subjects = request.query_parameter("subjects").value_or("");
    for (const auto subject : split(subjects, ',')) {
      const auto id = subject.starts_with(kLiveSubject)
                          ? parse_number<std::int64_t>(subject.substr(kLiveSubject.size()))
                          : std::nullopt;
      if (!id || body.patterns.size() >= kSubjectsMax) {
        co_return refuse_field(
            "analytics.unknown_subject", "subjects",
            fmt::format("Expected 1 to {} subjects such as {}<site id>.", kSubjectsMax, kLiveSubject));
      }
      const SiteId site{*id};
      const bool known = rooms.sites.snapshot()->find(site) != nullptr;
      const auto share = shown_share_opens(rooms.shares, request, site);
      const bool reads_all = request.principal.may(Permission::kReadReports);
      if (!reads_all && !share) co_return refuse_watching(request.principal);
      if (!known) co_return refuse(Refusal::kNotFound, "analytics.unknown_site", "There is no such site.");
      body.patterns.emplace_back(subject);
      body.snapshot.emplace_back(subject, rooms.processor.live_model(site));
      body.ends_with.push_back(live_right_of(site));
      body.ends_with.push_back(reads_all ? request.principal.credential : live_right_of(share->share));
      body.ends_at = std::min(body.ends_at, reads_all ? request.principal.valid_until : share->until);
    }
    http::Response response;
    response.body = std::move(body);
    co_return response;
  }
};

}  // namespace

std::vector<http::Route> analytics_routes(AnalyticsRooms rooms) {
  const Handlers handlers{rooms};
  std::vector<http::Route> routes;
  routes.push_back(
      {.method = http::Method::kPost,
       .path = "/api/v1/beacon/log",
       .permission = Permission::kPublic,
       .summary = "Record server log lines; needs the site's key. 202: stored, and not all counted yet",
       .handler = [handlers](http::Request& request) { return handlers.log(request); },
       .tag = "collector",
       .request_schema = std::string{kLogLinesSchema},
       .response_schema = std::string{kLogSummarySchema},
       .query = {"site", "key", "format", "import", {"piece", std::string{kPieceSchema}}, "finish"},
       .request_types = {"text/plain"},
       .body_bytes_max = kLogBodyBytesMax,
       .browser = http::Route::Browser::kAnyOrigin,
       .encoding = http::Route::Encoding::kRaw,
       .check = [handlers](const http::Request& request) { return handlers.check_log(request); },
       .on_refused = [&refusals = rooms.refusals](std::string_view code) { refusals.count(SiteId{}, code); }});
  routes.push_back({.method = http::Method::kPost,
                    .path = "/api/v1/analytics/classify",
                    .permission = Permission::kSignedIn,
                    .summary = "How a hit would be judged, and why",
                    .handler = [handlers](http::Request& request) { return handlers.classify_agent(request); },
                    .tag = "analytics",
                    .request_schema = json::schema_text<ClassifyRequest>(),
                    .response_schema = json::schema_text<Classification>()});
  const auto add_live = [&](std::string_view path, std::string_view summary) -> http::Route& {
    return routes.emplace_back(
        http::Route{.method = http::Method::kGet,
                    .path = path,
                    .permission = Permission::kPublic,
                    .summary = summary,
                    .handler = [handlers](http::Request& request) { return handlers.live(request); },
                    .tag = "analytics",
                    .query = {"subjects", "share", "last_event_id"}});
  };
  auto& events = add_live("/api/v1/events", "Live reports as server-sent events; the schema is of an event's data");
  events.response_schema = live_report_schema();
  events.response_type = "text/event-stream";
  auto& live = add_live("/api/v1/live", "Live reports over a WebSocket; the schema is of a message");
  live.response_schema = live_message_schema();
  live.response_status = 101;
  return routes;
}

}  // namespace mainstay::analytics
