#include "modules/analytics/routes.h"

#include "base/json.h"
#include "base/text.h"
#include "http/inflate.h"
#include "modules/analytics/background_thread.h"
#include "modules/analytics/classify/classify.h"
#include "modules/analytics/sites/routes.h"

namespace mainstay::analytics {
namespace {

constexpr std::size_t kLogBodyBytesMax = 32 << 20;   ///< as sent
constexpr std::size_t kLogTextBytesMax = 256 << 20;  ///< unpacked
constexpr std::size_t kSubjectsMax = 20;
constexpr std::string_view kLiveSubject = "events.analytics.live.";

/// What a body that holds log lines asks for.
struct LogRequest {
  std::shared_ptr<const Site> site;
  std::optional<LogFormat> format;
  std::string import;  ///< name of a longer import; "" for one of its own
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
    if (!may) {
      rooms.processor.count_refusal(asked.site->id, "collector", "site_key_required");
      return refuse(Refusal::kForbidden, "analytics.site_key_required", "Sending a log needs the site's key.");
    }
    const auto format = request.query_parameter("format").value_or("auto");
    if (format != "auto") {
      asked.format = parse_format_name(format);
      if (!asked.format) return refuse_field("analytics.unknown_log_format", "format", "There is no such log format.");
    }
    asked.import = request.query_parameter("import").value_or("");
    asked.finish = asked.import.empty() || request.query_parameter("finish") == "1";
    // A name belongs to its site, so that nobody feeds another one's import.
    if (!asked.import.empty()) {
      asked.import = fmt::format("{}/{}", static_cast<std::int64_t>(asked.site->id), asked.import);
    }
    return asked;
  }

  Result<std::string> body_text(http::Request& request) const {
    const auto encoding = request.header("Content-Encoding");
    if (encoding.empty() || equal_ignoring_case(encoding, "identity")) return std::move(request.body);
    if (equal_ignoring_case(encoding, "gzip")) return http::gunzip(request.body, kLogTextBytesMax);
    return refuse_field("analytics.unsupported_encoding", "Content-Encoding", "Send lines as they are or with gzip.");
  }

  Result<LogSummary> import(const LogRequest& asked, std::string_view lines) const {
    const auto import = rooms.imports.open(asked.import, asked.site, asked.format);
    if (!import) return refuse(import);
    if (auto fed = rooms.imports.feed(**import, lines); !fed) return refuse(fed);
    if (asked.finish) return rooms.imports.finish(asked.import, **import);
    return rooms.imports.so_far(**import);
  }

  Task<Result<http::Response>> log(http::Request& request) const {
    const auto asked = read_log_request(request);
    if (!asked) co_return refuse(asked);
    const auto summary = co_await rooms.workers.run([&]() -> Result<LogSummary> {
      become_background_thread("log-lines");
      const auto lines = body_text(request);
      if (!lines) return refuse(lines);
      return import(*asked, *lines);
    });
    if (!summary) co_return refuse(summary);
    co_return http::json_text(to_json(*summary));
  }

  Task<Result<http::Response>> classify_agent(http::Request& request) const {
    const auto asked = json::read<ClassifyRequest>(request.body);
    if (!asked) co_return refuse(asked);
    const auto answer = classify(rooms.agents, *asked);
    if (!answer) co_return refuse(answer);
    co_return http::json_text(json::write(*answer));
  }

  using Snapshot = std::vector<std::pair<std::string, std::string>>;
  static Task<Snapshot> snapshot(const Processor& processor, std::vector<SiteId> watched) {
    Snapshot models;
    for (const auto site : watched) {
      models.emplace_back(fmt::format("{}{}", kLiveSubject, static_cast<std::int64_t>(site)),
                          processor.live_model(site));
    }
    co_return models;
  }

  Task<Result<http::Response>> live(http::Request& request) const {
    http::LiveBody body;
    std::vector<SiteId> watched;
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
      const bool known = rooms.sites.snapshot()->find(std::to_string(*id)) != nullptr;
      const bool may =
          request.principal.may(Permission::kReadReports) || shown_share_opens(rooms.shares, request, site);
      if (!may) co_return refuse(Refusal::kForbidden, "analytics.forbidden", "This report is not yours to see.");
      if (!known) co_return refuse(Refusal::kNotFound, "analytics.unknown_site", "There is no such site.");
      body.patterns.emplace_back(subject);
      watched.push_back(site);
    }
    body.snapshot_once_subscribed = [&processor = rooms.processor, watched] { return snapshot(processor, watched); };
    http::Response response;
    response.body = std::move(body);
    co_return response;
  }
};

}  // namespace

std::vector<http::Route> analytics_routes(AnalyticsRooms rooms) {
  const Handlers handlers{rooms};
  std::vector<http::Route> routes;
  routes.push_back({.method = http::Method::kPost,
                    .path = "/api/v1/beacon/log",
                    .permission = Permission::kPublic,
                    .summary = "Record server log lines; needs the site's key",
                    .handler = [handlers](http::Request& request) { return handlers.log(request); },
                    .tag = "collector",
                    .query = {"site", "format", "import", "finish"},
                    .body_bytes_max = kLogBodyBytesMax,
                    .browser = http::Route::Browser::kAnyOrigin,
                    .encoding = http::Route::Encoding::kRaw});
  routes.push_back({.method = http::Method::kPost,
                    .path = "/api/v1/analytics/classify",
                    .permission = Permission::kSignedIn,
                    .summary = "How a hit would be judged, and why",
                    .handler = [handlers](http::Request& request) { return handlers.classify_agent(request); },
                    .tag = "analytics",
                    .request_schema = json::schema_text<ClassifyRequest>(),
                    .response_schema = json::schema_text<Classification>()});
  for (const std::string_view path : {"/api/v1/events", "/api/v1/live"}) {
    routes.push_back(
        {.method = http::Method::kGet,
         .path = path,
         .permission = Permission::kPublic,
         .summary = path == "/api/v1/live" ? "Live reports over a WebSocket" : "Live reports as server-sent events",
         .handler = [handlers](http::Request& request) { return handlers.live(request); },
         .tag = "analytics",
         .query = {"subjects", "share"}});
  }
  return routes;
}

}  // namespace mainstay::analytics
