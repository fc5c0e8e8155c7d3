#include "modules/analytics/collector/generalise.h"

#include <mutex>
#include <unordered_map>

#include "base/text.h"
#include "modules/analytics/classify/match.h"
#include "modules/analytics/classify/network.h"
#include "modules/analytics/classify/page_url.h"
#include "modules/analytics/classify/referrer.h"
#include "modules/analytics/intake.h"

namespace mainstay::analytics {
namespace {

constexpr std::size_t kRulesCached = 10'000;
constexpr std::size_t kDomainsCached = 10'000;
constexpr std::string_view kDownloadEvent = "File Download";
constexpr std::string_view kNotFoundEvent = "404";
constexpr std::size_t kIdDigitsMax = 20;

std::unexpected<Uncounted> uncounted(std::string_view reason) { return std::unexpected(Uncounted{reason}); }

/// Bounded memory of answers that are costly to make; dropped whole when full.
template <class Key, class Value>
class Memo {
 public:
  explicit Memo(std::size_t entries_max) : entries_max_(entries_max) {}
  template <class Make>
  Value get(const Key& key, const Make& make) {
    {
      const std::scoped_lock lock(mutex_);
      if (const auto found = values_.find(key); found != values_.end()) return found->second;
    }
    auto value = make();
    const std::scoped_lock lock(mutex_);
    if (values_.size() >= entries_max_) values_.clear();
    values_.insert_or_assign(key, value);
    return value;
  }

 private:
  std::size_t entries_max_;
  std::mutex mutex_;
  std::unordered_map<Key, Value> values_;
};

/// Why the site does not count this page, or "".
std::string_view fault_of_page(const Site& site, const Hit& hit) {
  for (const auto& glob : site.excluded.paths) {
    if (path_matches(glob, hit.path)) return "excluded_path";
  }
  if (host_allowed(site.excluded.hosts, hit.hostname)) return "excluded_host";
  return "";
}

void set_page(Hit& hit, PageUrl page, const Site& site, const Referrer& referrer) {
  // Source and channel come from what is kept only.
  if (!site.collect.campaign) {
    page.campaign = {};
    page.ref.clear();
    page.click_id.clear();
  }
  static const Referrer kNoReferrer;
  const auto arrival = classify_arrival(page, site.collect.referrer ? referrer : kNoReferrer);
  hit.source = arrival.source;
  hit.channel = channel_name(arrival.channel);
  if (site.collect.referrer) hit.referrer = referrer.url;
  hit.hostname = std::move(page.hostname);
  hit.path = std::move(page.path);
  hit.utm_source = std::move(page.campaign.source);
  hit.utm_medium = std::move(page.campaign.medium);
  hit.utm_campaign = std::move(page.campaign.campaign);
  hit.utm_content = std::move(page.campaign.content);
  hit.utm_term = std::move(page.campaign.term);
  hit.click_id = std::move(page.click_id);
}

void set_place(Hit& hit, Place place, PlaceDetail detail) {
  if (detail == PlaceDetail::kNone) return;
  hit.country = std::move(place.country);
  if (detail == PlaceDetail::kCountry) return;
  hit.region = std::move(place.region);
  if (detail == PlaceDetail::kCity) hit.city = std::move(place.city);
}

void set_agent(Hit& hit, const Agent& agent) {
  hit.browser = agent.browser;
  hit.browser_version = agent.browser_version;
  hit.os = agent.os;
  hit.os_version = agent.os_version;
  hit.device = device_name(agent.device);
}

void set_bot(Hit& hit, BotVerdict verdict) {
  hit.kind = Hit::Kind::kBot;
  hit.bot_name = std::move(verdict.name);
  hit.bot_category = std::move(verdict.category);
  hit.bot_reason = std::move(verdict.reason);
}

}  // namespace

struct Generaliser::Caches {
  Memo<std::string, std::shared_ptr<const NetworkList>> networks{kRulesCached};  ///< by site id and version
  Memo<std::string, std::string> domains{kDomainsCached};
};

Generaliser::Generaliser(const Agents& agents, const Places& places, random::Random& random)
    : agents_(agents), places_(places), next_id_(random.number()), caches_(std::make_unique<Caches>()) {}

Generaliser::~Generaliser() = default;

/// SplitMix64 (Steele et al. 2014): a permutation of a counter that starts anywhere, so that no two are alike.
std::uint64_t Generaliser::next_event_id() const {
  auto id = next_id_.fetch_add(0x9E3779B97F4A7C15ULL, std::memory_order_relaxed);
  id = (id ^ (id >> 30)) * 0xBF58476D1CE4E5B9ULL;
  id = (id ^ (id >> 27)) * 0x94D049BB133111EBULL;
  return (id ^ (id >> 31)) & ~kStableId;
}

bool Generaliser::excluded_network(const Site& site, const IpAddress& address) const {
  if (site.excluded.networks.empty()) return false;
  const auto key = fmt::format("{}:{}", static_cast<std::int64_t>(site.id), site.version);
  const auto networks = caches_->networks.get(key, [&] {
    auto parsed = NetworkList::parse(site.excluded.networks);
    return std::make_shared<const NetworkList>(parsed ? std::move(*parsed) : NetworkList{});
  });
  return networks->contains(address);
}

std::string_view Generaliser::set_person(Hit& hit, const Site& site, std::string_view address,
                                         std::string_view user_agent, const DaySalts& salts) const {
  const auto parsed = IpAddress::parse(address);
  if (parsed) {
    if (excluded_network(site, *parsed)) return "excluded_network";
    auto place = places_.find(*parsed);
    if (!place.country.empty() &&
        std::ranges::find(site.excluded.countries, place.country) != site.excluded.countries.end()) {
      return "excluded_country";
    }
    set_place(hit, std::move(place), site.collect.place);
  }
  if (hit.kind == Hit::Kind::kBot) return "";
  const auto domain = caches_->domains.get(hit.hostname, [&] { return registrable_domain(hit.hostname); });
  std::string identity = parsed ? parsed->text() : std::string{address};
  identity.reserve(identity.size() + user_agent.size() + domain.size() + kIdDigitsMax + 3);
  ((identity += '\n') += user_agent) += '\n';
  ((identity += fmt::format_int(static_cast<std::int64_t>(site.id)).c_str()) += '\n') += domain;
  hit.visitor = keyed_hash(salts.today, identity);
  if (salts.before) hit.visitor_before = keyed_hash(*salts.before, identity);
  hit.visitor_day = utc_day(hit.at);
  return "";
}

Generalised Generaliser::event(const Site& site, const BeaconEvent& event, const Sender& sender, Instant at,
                               const DaySalts& salts) const {
  if (site.honour_gpc && sender.privacy_control) return uncounted("gpc");
  if (site.honour_dnt && sender.do_not_track) return uncounted("dnt");
  const auto routing = site.hash_routing || event.hash ? HashRouting::kOn : HashRouting::kOff;
  auto page = parse_page_url(event.url, routing);
  if (!page) return uncounted(kBadUrl);
  if (!sender.trusted && !host_allowed(site.hosts, page->hostname)) {
    return std::unexpected(Uncounted{.reason = "foreign_page", .host = std::move(page->hostname)});
  }
  const auto referrer = parse_referrer(event.referrer, page->hostname, site.hosts);
  if (referrer.is_spam) return uncounted("spam_referrer");

  Generalised made{std::in_place};  // filled where it stays: a hit is large
  Hit& hit = *made;
  hit.site = site.id;
  hit.origin = sender.trusted ? Origin::kServer : Origin::kScript;
  hit.at = event.timestamp.value_or(at);
  hit.event_id =
      event.event_id.empty()
          ? next_event_id()
          : keyed_hash(HashKey{}, fmt::format("{}\n{}", static_cast<std::int64_t>(site.id), event.event_id)) |
                kStableId;
  hit.name = event.name;
  hit.interactive = event.interactive;
  set_page(hit, std::move(*page), site, referrer);
  if (const auto fault = fault_of_page(site, hit); !fault.empty()) {
    made = uncounted(fault);
    return made;
  }
  const std::string_view agent_text = event.user_agent.empty() ? sender.user_agent : std::string_view{event.user_agent};
  const auto judged = agents_.look_up(agent_text);
  auto signals = sender.signals;
  signals.webdriver = signals.webdriver || event.webdriver;
  if (auto verdict = judge(*judged, signals); verdict.is_bot) set_bot(hit, std::move(verdict));
  if (site.collect.agent) set_agent(hit, judged->agent);
  if (site.collect.screen) hit.screen = screen_class(event.screen_width);
  if (site.collect.language) {
    hit.language = primary_language(event.language.empty() ? sender.accept_language : std::string_view{event.language});
  }
  if (site.collect.engagement) {
    hit.engagement_ms = event.engagement_ms;
    hit.scroll_depth = event.scroll_depth;
  }
  if (site.collect.vitals) {
    hit.lcp = event.lcp, hit.inp = event.inp, hit.cls = event.cls, hit.fcp = event.fcp, hit.ttfb = event.ttfb;
  }
  if (site.collect.properties) {
    hit.properties = event.properties;
    hit.revenue = event.revenue;
    hit.currency = event.currency;
  }
  const std::string_view address = event.address.empty() ? sender.address : std::string_view{event.address};
  if (const auto fault = set_person(hit, site, address, agent_text, salts); !fault.empty()) made = uncounted(fault);
  return made;
}

Generalised Generaliser::line(const Site& site, const LogLine& line, LineKind kind, std::uint64_t event_id,
                              const DaySalts& salts) const {
  const std::string_view host = line.host.empty() ? std::string_view{site.domain} : line.host;
  auto page = parse_request_target(host, line.target);
  if (!page) return uncounted(kBadUrl);
  if (!line.host.empty() && !host_allowed(site.hosts, page->hostname)) return uncounted("foreign_page");
  const auto referrer = parse_referrer(line.referrer, page->hostname, site.hosts);

  Generalised made{std::in_place};
  Hit& hit = *made;
  hit.site = site.id;
  hit.origin = Origin::kLog;
  hit.at = line.at;
  hit.event_id = event_id;
  hit.status = line.status;
  hit.bytes = line.bytes;
  hit.name = "pageview";
  set_page(hit, std::move(*page), site, referrer);
  if (const auto fault = fault_of_page(site, hit); !fault.empty()) return uncounted(fault);
  const auto judged = agents_.look_up(line.user_agent);
  if (judged->bot.is_bot && line.agent_logged) set_bot(hit, judged->bot);
  // A bot that forges referrers stays in the bots' list; a forged referrer alone is refused.
  if (hit.kind == Hit::Kind::kVisitor && referrer.is_spam) return uncounted("spam_referrer");
  if (kind != LineKind::kPageView && site.collect.properties) {
    hit.properties = {{kind == LineKind::kDownload ? "url" : "path", hit.path}};
  }
  if (kind == LineKind::kDownload) hit.name = kDownloadEvent;
  if (kind == LineKind::kNotFound) {
    hit.name = kNotFoundEvent;
    hit.interactive = false;
  }
  if (site.collect.agent) set_agent(hit, judged->agent);
  if (const auto fault = set_person(hit, site, line.address, line.user_agent, salts); !fault.empty()) {
    made = uncounted(fault);
  }
  return made;
}

std::string_view screen_class(std::int32_t width) {
  if (width <= 0) return "";
  if (width < 576) return "Mobile";
  if (width < 992) return "Tablet";
  if (width < 1440) return "Laptop";
  return "Desktop";
}

std::string primary_language(std::string_view accept_language) {
  auto rest = trim(accept_language.substr(0, accept_language.find_first_of(",;")));
  const auto next_part = [&rest] {
    const auto part = rest.substr(0, rest.find('-'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    return part;
  };
  const auto letters = [](std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  };
  const auto language = next_part();
  if (language.size() < 2 || language.size() > 3 || !letters(language)) return "";
  auto tag = to_lower_ascii(language);
  // Only a two-letter region is kept: scripts and variants tell people apart too well.
  for (int i = 0; i < 2; ++i) {
    const auto region = next_part();
    if (region.size() != 2 || !letters(region)) continue;
    tag += '-';
    for (const char c : region) tag += c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
    break;
  }
  return tag;
}

}  // namespace mainstay::analytics
