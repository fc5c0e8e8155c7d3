#include "modules/analytics/collector/collector.h"

#include "base/text.h"
#include "http/problem.h"
#include "modules/analytics/classify/match.h"
#include "modules/analytics/classify/network.h"

namespace mainstay::analytics {
namespace {

constexpr std::size_t kBodyBytesMax = 256 << 10;

/// The host of an Origin or Referer header in normal form; "" when there is none ("null", "about:blank").
std::string host_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return "";
  const auto rest = url.substr(scheme + 3);
  return normal_host(rest.substr(0, rest.find_first_of("/?#")));
}

Sender sender_of(const http::Request& request, bool trusted) {
  Sender sender;
  sender.address = request.client_address;
  sender.user_agent = request.header("User-Agent");
  sender.accept_language = request.header("Accept-Language");
  sender.signals.headers_known = !trusted;
  sender.signals.has_accept_language = !sender.accept_language.empty();
  sender.signals.prefetch = is_prefetch(request.header("Sec-Purpose")) || is_prefetch(request.header("Purpose")) ||
                            is_prefetch(request.header("X-Moz"));
  sender.signals.client_hint = request.header("Sec-CH-UA");
  sender.do_not_track = request.header("DNT") == "1";
  sender.privacy_control = request.header("Sec-GPC") == "1";
  sender.trusted = trusted;
  return sender;
}

bool shows_key(const http::Request& request, const BeaconEvent& event, const Site& site) {
  const std::string_view shown = event.key.empty() ? request.header("X-Site-Key") : std::string_view{event.key};
  return !shown.empty() && equal_in_constant_time(shown, site.key);
}

}  // namespace

Collector::Collector(Ports ports, Options options)
    : ports_(ports),
      limit_(ports.clock, {.tokens_per_second = options.requests_per_second,
                           .burst_tokens = options.requests_burst,
                           .hash_key = ports.random.bytes<16>()}),
      accepted_(ports.metrics.counter("mainstay_analytics_hits_total", "Hits acknowledged after they were on disk.")),
      refused_(ports.metrics.counter("mainstay_analytics_refused_total",
                                     "Hits that the collector refused or did not count.")) {}

Result<> Collector::admit(const http::Request& request) {
  const auto address = IpAddress::parse(request.client_address);
  if (!address || (request.client_address == "127.0.0.1" || request.client_address == "::1")) return {};
  return limit_.admit(std::string_view{reinterpret_cast<const char*>(address->bytes.data()),
                                       address->is_v4() ? std::size_t{16} : std::size_t{8}});
}

Result<std::shared_ptr<const Site>> Collector::authorise(const http::Request& request, const SiteMap& sites,
                                                         const BeaconEvent& event) {
  auto site = sites.find(event.site);
  const auto refuse_as = [&](Refusal kind, std::string_view code, std::string message, std::string_view reason) {
    refused_.add();
    ports_.processor.count_refusal(site ? site->id : SiteId{}, "collector", reason);
    return refuse(kind, code, std::move(message));
  };
  if (!site) return refuse_as(Refusal::kNotFound, "analytics.unknown_site", "There is no such site.", "unknown_site");
  if (shows_key(request, event, *site)) return site;
  if (!event.key.empty() || request.headers.has("X-Site-Key")) {
    return refuse_as(Refusal::kForbidden, "analytics.wrong_site_key", "This is not the site's key.", "wrong_site_key");
  }
  if (event.overrides()) {
    return refuse_as(Refusal::kForbidden, "analytics.site_key_required",
                     "Setting address, user_agent or timestamp needs the site's key.", "site_key_required");
  }
  auto host = host_of(request.header("Origin"));
  if (host.empty()) host = host_of(request.header("Referer"));
  if (host.empty()) {
    return refuse_as(Refusal::kForbidden, "analytics.site_key_required",
                     "A request without Origin and Referer is a server's: it needs the site's key.", "no_origin");
  }
  if (!host_allowed(site->hosts, host)) {
    return refuse_as(Refusal::kForbidden, "analytics.foreign_origin", "This origin is not among the site's hosts.",
                     "foreign_origin");
  }
  if (auto admitted = admit(request); !admitted) {
    refused_.add();
    ports_.processor.count_refusal(site->id, "collector", "rate_limited");
    return refuse(admitted);
  }
  return site;
}

Task<std::shared_ptr<const DaySalts>> Collector::salts_of(std::int32_t day) {
  if (auto cached = ports_.salts.cached(day)) co_return cached;
  co_return co_await ports_.salts.for_day(day);
}

Task<Result<>> Collector::take(const http::Request& request, std::vector<BeaconEvent> events) {
  const auto sites = ports_.sites.snapshot();
  const auto now = ports_.clock.now();
  std::vector<Hit> hits;
  std::vector<std::pair<SiteId, std::string_view>> uncounted;
  for (const auto& event : events) {
    const auto site = authorise(request, *sites, event);
    if (!site) co_return refuse(site);
    const bool trusted = shows_key(request, event, **site);
    const auto salts = co_await salts_of(utc_day(event.timestamp.value_or(now)));
    auto hit = ports_.generaliser.event(**site, event, sender_of(request, trusted), now, *salts);
    if (hit) {
      hits.push_back(std::move(*hit));
    } else if (hit.error().reason == kBadUrl) {
      ports_.processor.count_refusal((*site)->id, "collector", kBadUrl);
      co_return refuse_field("analytics.bad_event", "/url", "Expected an absolute URL of a page.");
    } else {
      uncounted.emplace_back((*site)->id, hit.error().reason);
    }
  }
  if (!hits.empty()) {
    const auto appended = co_await ports_.stream.append(encode(hits));
    if (!appended) co_return refuse(appended);
    accepted_.add(hits.size());
  }
  for (const auto& [site, reason] : uncounted) {
    refused_.add();
    ports_.processor.count_refusal(site, "collector", reason);
  }
  co_return Result<>{};
}

namespace {

/// Members, not capturing lambdas: a coroutine must not outlive what it captures.
struct BeaconHandlers {
  Collector& collector;

  Task<Result<http::Response>> get(http::Request& request) const {
    auto query = request.query_parameters;
    // An image in a page without scripts cannot name its page; the browser does.
    const auto names_page = [](const auto& parameter) { return parameter.first == "url" || parameter.first == "u"; };
    if (std::ranges::none_of(query, names_page)) query.emplace_back("url", std::string{request.header("Referer")});
    auto event = read_event(query);
    if (!event) co_return refuse(event);
    std::vector<BeaconEvent> events;
    events.push_back(std::move(*event));
    const auto taken = co_await collector.take(request, std::move(events));
    if (!taken) co_return refuse(taken);
    co_return answer();
  }

  Task<Result<http::Response>> post(http::Request& request) const {
    const auto type = request.header("Content-Type");
    const auto media = trim(type.substr(0, type.find(';')));
    if (!media.empty() && !equal_ignoring_case(media, "application/json") &&
        !equal_ignoring_case(media, "text/plain")) {
      const Failure failure{.kind = Refusal::kInvalid,
                            .code = "analytics.unsupported_media",
                            .message = "Send JSON as application/json or text/plain."};
      constexpr int kUnsupportedMediaType = 415;
      auto response = http::text(http::problem_text(kUnsupportedMediaType, failure, request.id),
                                 "application/problem+json", kUnsupportedMediaType);
      co_return response;
    }
    auto events = read_events(request.body);
    if (!events) co_return refuse(events);
    const auto taken = co_await collector.take(request, std::move(*events));
    if (!taken) co_return refuse(taken);
    co_return answer();
  }

  static http::Response answer() {
    auto response = http::no_content();
    response.headers.set("Cache-Control", "no-store");
    return response;
  }
};

}  // namespace

std::vector<http::Route> beacon_routes(Collector& collector) {
  const BeaconHandlers handlers{collector};
  std::vector<http::Route> routes;
  const auto add = [&](http::Method method, std::string_view summary, http::Handler handler) {
    routes.push_back({.method = method,
                      .path = "/api/v1/beacon",
                      .permission = Permission::kPublic,
                      .summary = summary,
                      .handler = std::move(handler),
                      .tag = "collector",
                      .response_status = 204,
                      .body_bytes_max = kBodyBytesMax,
                      .browser = http::Route::Browser::kAnyOrigin,
                      .identify = http::Route::Identify::kNever});
  };
  add(http::Method::kGet, "Record one event given as query parameters",
      [handlers](http::Request& request) { return handlers.get(request); });
  add(http::Method::kPost, "Record one event or an array of events",
      [handlers](http::Request& request) { return handlers.post(request); });
  return routes;
}

}  // namespace mainstay::analytics
