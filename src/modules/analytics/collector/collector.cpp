#include "modules/analytics/collector/collector.h"

#include <algorithm>

#include "base/text.h"
#include "http/network.h"
#include "http/problem.h"
#include "modules/analytics/classify/match.h"

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

}  // namespace

/// The fields of a request that its hits are judged by; the first of each name counts.
struct Collector::Fields {
  std::string_view user_agent, accept_language, origin, referer, site_key;
  std::string_view sec_purpose, purpose, x_moz, client_hint, do_not_track, privacy_control;

  explicit Fields(const http::Headers& headers) {
    static constexpr std::pair<std::string_view, std::string_view Fields::*> kNames[] = {
        {"user-agent", &Fields::user_agent},   {"accept-language", &Fields::accept_language},
        {"origin", &Fields::origin},           {"referer", &Fields::referer},
        {"x-site-key", &Fields::site_key},     {"sec-purpose", &Fields::sec_purpose},
        {"purpose", &Fields::purpose},         {"x-moz", &Fields::x_moz},
        {"sec-ch-ua", &Fields::client_hint},   {"dnt", &Fields::do_not_track},
        {"sec-gpc", &Fields::privacy_control},
    };
    headers.each([this](std::string_view name, std::string_view value) {
      for (const auto& [known, member] : kNames) {
        if (name.size() != known.size() || !equal_ignoring_case(name, known)) continue;
        if ((this->*member).data() == nullptr) this->*member = value;
        return;
      }
    });
  }

  [[nodiscard]] Sender sender(std::string_view address) const {
    Sender sender{.address = address, .user_agent = user_agent, .accept_language = accept_language};
    sender.signals.has_accept_language = !accept_language.empty();
    sender.signals.prefetch = is_prefetch(sec_purpose) || is_prefetch(purpose) || is_prefetch(x_moz);
    sender.signals.client_hint = client_hint;
    sender.do_not_track = do_not_track == "1";
    sender.privacy_control = privacy_control == "1";
    return sender;
  }
  /// The host of the page, or "" where the request does not say.
  [[nodiscard]] std::string page_host() const {
    auto host = host_of(origin);
    return host.empty() ? host_of(referer) : host;
  }
};

Collector::Collector(Ports ports, Options options)
    : ports_(ports),
      limit_(ports.clock, {.tokens_per_second = options.events_per_second,
                           .burst_tokens = options.events_burst,
                           .hash_key = ports.random.bytes<16>()}),
      accepted_(ports.metrics.counter("mainstay_analytics_hits_total", "Hits acknowledged after they were on disk.")),
      refusals_(ports.metrics, ports.processor) {}

Result<> Collector::admit(const http::Request& request, const std::vector<Allowed>& allowed) {
  const auto first = std::ranges::find(allowed, false, &Allowed::trusted);
  const auto address = http::Address::parse(request.client_address);
  if (first == allowed.end() || !address || address->is_loopback()) return {};
  const auto events = std::count_if(first, allowed.end(), [](const Allowed& one) { return !one.trusted; });
  auto admitted = limit_.admit(address->client_key(), static_cast<std::size_t>(events));
  if (!admitted) refusals_.count(first->site->id, "rate_limited");
  return admitted;
}

Result<Collector::Allowed> Collector::authorise(const Fields& fields, const SiteMap& sites, const BeaconEvent& event) {
  auto site = sites.find(event.site);
  const auto refuse_as = [&](Refusal kind, std::string_view code, std::string message, std::string_view reason,
                             Asked asked = {}) {
    refusals_.count(site ? site->id : SiteId{}, reason, std::move(asked));
    return refuse(kind, code, std::move(message));
  };
  if (!site) {
    return refuse_as(Refusal::kNotFound, "analytics.unknown_site", "There is no such site.", "unknown_site",
                     {.site = event.site, .host = fields.page_host()});
  }
  const auto key = event.key.empty() ? fields.site_key : std::string_view{event.key};
  if (!key.empty() && equal_in_constant_time(key, site->key)) return Allowed{.site = std::move(site), .trusted = true};
  if (key.data() != nullptr) {
    return refuse_as(Refusal::kForbidden, "analytics.wrong_site_key", "This is not the site's key.", "wrong_site_key");
  }
  if (event.overrides()) {
    return refuse_as(Refusal::kForbidden, "analytics.site_key_required",
                     "Setting address, user_agent or timestamp needs the site's key.", "site_key_required");
  }
  auto host = fields.page_host();
  if (host.empty()) {
    return refuse_as(Refusal::kForbidden, "analytics.site_key_required",
                     "A request without Origin and Referer is a server's: it needs the site's key.", "no_origin");
  }
  if (!host_allowed(site->hosts, host)) {
    return refuse_as(Refusal::kForbidden, "analytics.foreign_origin", "This origin is not among the site's hosts.",
                     "foreign_origin", {.site = "", .host = std::move(host)});
  }
  return Allowed{.site = std::move(site)};
}

void Collector::count_refusal(std::string_view named_site, std::string_view code) {
  const auto site = ports_.sites.snapshot()->find(named_site);
  refusals_.count(site ? site->id : SiteId{}, code);
}

Result<std::vector<Collector::Allowed>> Collector::authorise(const http::Request& request,
                                                             const std::vector<BeaconEvent>& events) {
  const auto sites = ports_.sites.snapshot();
  const Fields fields{request.headers};
  std::vector<Allowed> all;
  all.reserve(events.size());
  for (const auto& event : events) {
    auto allowed = authorise(fields, *sites, event);
    if (!allowed) return refuse(allowed);
    all.push_back(std::move(*allowed));
  }
  if (auto admitted = admit(request, all); !admitted) return refuse(admitted);
  return all;
}

Result<Collector::Judged> Collector::judge(const http::Request& request, const std::vector<BeaconEvent>& events,
                                           const std::vector<Allowed>& allowed, Instant now) {
  const Fields fields{request.headers};
  auto sender = fields.sender(request.client_address);
  Judged judged;
  std::vector<Hit> hits;
  hits.reserve(events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto& site = *allowed[i].site;
    sender.trusted = allowed[i].trusted;
    sender.signals.headers_known = !allowed[i].trusted;
    auto hit = ports_.generaliser.event(site, events[i], sender, now, *allowed[i].salts);
    if (hit) {
      hits.push_back(std::move(*hit));
    } else if (hit.error().reason == kBadUrl) {
      refusals_.count(site.id, kBadUrl);
      return refuse_field("analytics.bad_event", "/url", "Expected an absolute URL of a page.");
    } else {
      judged.uncounted.emplace_back(site.id, std::move(hit.error()));
    }
  }
  if (hits.empty()) return judged;
  judged.record = encode(hits);
  judged.hits = hits.size();
  judged.site = hits.front().site;
  return judged;
}

Task<Result<>> Collector::take(const http::Request& request, std::vector<BeaconEvent> events) {
  const auto now = ports_.clock.now();
  auto allowed = authorise(request, events);
  if (!allowed) co_return refuse(allowed);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto day = utc_day(events[i].timestamp.value_or(now));
    auto& salts = (*allowed)[i].salts = ports_.salts.cached(day);
    if (!salts) salts = co_await ports_.salts.for_day(day);
  }
  auto judged = judge(request, events, *allowed, now);
  if (!judged) co_return refuse(judged);
  events = {};
  allowed->clear();  // and its salts
  if (judged->hits > 0) {
    const auto appended = co_await ports_.stream.append(std::move(judged->record));
    if (!appended) {
      refusals_.count(judged->site, appended.error().code);
      co_return refuse(appended);
    }
    accepted_.add(judged->hits);
  }
  for (auto& [site, why] : judged->uncounted) {
    refusals_.count(site, why.reason, {.site = "", .host = std::move(why.host)});
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
    if (!event) {
      const auto named =
          std::ranges::find_if(query, [](const auto& field) { return field.first == "site" || field.first == "d"; });
      collector.count_refusal(named == query.end() ? "" : named->second, event.error().code);
      co_return refuse(event);
    }
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
      collector.count_refusal("", failure.code);
      co_return http::problem(415, failure, request);
    }
    auto events = read_events(request.body);
    if (!events) {
      collector.count_refusal(named_site(request.body), events.error().code);
      co_return refuse(events);
    }
    const auto taken = co_await collector.take(request, std::move(*events));
    if (!taken) co_return refuse(taken);
    co_return answer();
  }

  static http::Response answer() {
    auto response = http::no_content();
    response.headers.add("Cache-Control", "no-store");
    return response;
  }
};

}  // namespace

std::vector<http::Route> beacon_routes(Collector& collector) {
  const BeaconHandlers handlers{collector};
  const auto route = [&](http::Method method, std::string_view summary, http::Handler handler) {
    return http::Route{
        .method = method,
        .path = "/api/v1/beacon",
        .permission = Permission::kPublic,
        .summary = summary,
        .handler = std::move(handler),
        .tag = "collector",
        .response_status = 204,
        .body_bytes_max = kBodyBytesMax,
        .browser = http::Route::Browser::kAnyOrigin,
        .identify = http::Route::Identify::kNever,
        .on_refused = [&collector](std::string_view code) { collector.refusals().count(SiteId{}, code); }};
  };
  auto get = route(http::Method::kGet, "Record one event given as query parameters",
                   [handlers](http::Request& request) { return handlers.get(request); });
  for (const auto& [name, schema] : event_parameters()) get.query.emplace_back(name.c_str(), schema);
  auto post = route(http::Method::kPost, "Record one event or an array of events",
                    [handlers](http::Request& request) { return handlers.post(request); });
  post.request_schema = events_schema();
  post.request_types = {"application/json", "text/plain"};
  return {std::move(get), std::move(post)};
}

}  // namespace mainstay::analytics
