#include "report_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace mainstay::bench {
namespace {

using analytics::Hit;
using analytics::Visit;

constexpr double kEventsPerVisit = 3.9;
constexpr int kDays = 30;

/// SplitMix64 (Steele et al. 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }
  double unit() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(unit() * static_cast<double>(limit)); }

 private:
  std::uint64_t state_;
};

/// Words with Zipf's frequencies.
class Words {
 public:
  Words(std::string_view format, std::size_t count, double exponent = 1.0) {
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
      words_.push_back(fmt::format(fmt::runtime(format), i));
      sum += 1 / std::pow(static_cast<double>(i + 1), exponent);
      ends_.push_back(sum);
    }
  }
  const std::string& draw(Random& random) const {
    const auto at = std::ranges::upper_bound(ends_, random.unit() * ends_.back()) - ends_.begin();
    return words_[std::min(static_cast<std::size_t>(at), words_.size() - 1)];
  }

 private:
  std::vector<std::string> words_;
  std::vector<double> ends_;
};

struct Vocabulary {
  Words paths{"/blog/article-{}", 2'000};
  Words sources{"Source {}", 300};
  Words referrers{"site-{}.example/links", 3'000};
  Words countries{"{}", 1};
  Words regions{"R-{}", 40};
  Words cities{"City {}", 120};
  Words campaigns{"campaign-{}", 60};
  Words versions{"1{:02}", 40};
};

constexpr std::array<const char*, 40> kCountries{"US", "DE", "GB", "FR", "IN", "CA", "NL", "BR", "ES", "IT",
                                                 "PL", "AU", "SE", "CH", "AT", "JP", "BE", "MX", "DK", "NO",
                                                 "FI", "PT", "CZ", "IE", "RO", "TR", "UA", "ZA", "ID", "SG",
                                                 "KR", "AR", "CL", "CO", "GR", "HU", "IL", "NZ", "TH", "VN"};
constexpr std::array<const char*, 6> kChannels{"Direct",         "Organic Search", "Referral",
                                               "Organic Social", "Email",          "Paid Search"};
constexpr std::array<const char*, 6> kBrowsers{"Chrome", "Safari", "Firefox", "Edge", "Opera", "Samsung Browser"};
constexpr std::array<const char*, 5> kSystems{"Windows", "iOS", "Android", "Mac", "Linux"};
constexpr std::array<const char*, 3> kDevices{"Desktop", "Mobile", "Tablet"};
constexpr std::array<const char*, 6> kLanguages{"en-US", "de-DE", "en-GB", "fr-FR", "es-ES", "pt-BR"};

template <std::size_t N>
const char* skewed(const std::array<const char*, N>& words, Random& random) {
  const double u = random.unit();
  return words[static_cast<std::size_t>(u * u * static_cast<double>(N))];
}

/// Who comes: the same for all visits of a visitor's day.
void dress(Hit& hit, const Vocabulary& words, std::uint64_t visitor) {
  Random random(visitor);
  hit.country = skewed(kCountries, random);
  hit.region = hit.country + "-" + words.regions.draw(random);
  hit.city = words.cities.draw(random) + " " + hit.country;
  hit.browser = skewed(kBrowsers, random);
  hit.browser_version = words.versions.draw(random);
  hit.os = skewed(kSystems, random);
  hit.os_version = words.versions.draw(random);
  hit.device = skewed(kDevices, random);
  hit.screen = hit.device == "Desktop" ? "Laptop" : hit.device;
  hit.language = skewed(kLanguages, random);
}

/// How a visit comes to be.
void lead_in(Hit& hit, const Vocabulary& words, Random& random) {
  hit.channel = skewed(kChannels, random);
  if (hit.channel == "Direct") return;
  hit.source = words.sources.draw(random);
  hit.referrer = words.referrers.draw(random);
  if (hit.channel != "Email" && hit.channel != "Paid Search") return;
  hit.utm_source = hit.source;
  hit.utm_medium = hit.channel == "Email" ? "email" : "cpc";
  hit.utm_campaign = words.campaigns.draw(random);
  hit.utm_content = fmt::format("content-{}", random.below(12));
  hit.utm_term = fmt::format("term-{}", random.below(40));
}

Instant draw_time(int day, double place, Random& random) {
  // More in the afternoon than at night: the place in the day is bent twice.
  const double bent = place + 0.12 * std::sin(2 * 3.14159265 * place);
  const auto start = std::chrono::floor<days>(kNow) + days{1} - days{day};
  const auto micros = static_cast<std::int64_t>((bent * 86'300.0 + random.unit() * 20.0) * 1e6);
  return start + microseconds{micros};
}

class Traffic {
 public:
  Traffic(const TakeEvent& take_event, const TakeVisit& take_visit)
      : take_event_(take_event), take_visit_(take_visit) {}

  void day(int day, std::int64_t rows) {
    const auto visits = static_cast<std::int64_t>(static_cast<double>(rows) / kEventsPerVisit);
    std::vector<std::uint64_t> seen;
    for (std::int64_t i = 0; i < visits; ++i) {
      const double place = static_cast<double>(i) / static_cast<double>(visits);
      const auto at = draw_time(day, place, random_);
      if (at >= kNow - hours{1}) break;
      const bool returns = !seen.empty() && random_.unit() < 0.22;
      const auto visitor = returns ? seen[random_.below(seen.size())] : random_.next() >> 1U;
      if (!returns) seen.push_back(visitor);
      visit(at, visitor, !returns);
    }
  }

 private:
  void visit(Instant at, std::uint64_t visitor, bool first) {
    Visit visit;
    Hit hit;
    hit.site = kSite;
    hit.hostname = "www.example.com";
    hit.visitor = visitor;
    hit.visitor_day = utc_day(at);
    dress(hit, words_, visitor);
    lead_in(hit, words_, random_);
    visit.site = kSite;
    visit.id = static_cast<std::int64_t>(random_.next() >> 1U);
    visit.visitor = visitor;
    visit.visitor_day = hit.visitor_day;
    visit.started_at = at;
    visit.first_visit = first;
    visit.begun_by = hit;
    visit.entry_hostname = hit.hostname;
    visit.exit_hostname = hit.hostname;
    const auto views = 1 + static_cast<int>(-std::log(1 - random_.unit() * 0.999) * 2.0);
    std::vector<std::string> pages;
    for (int i = 0; i < views; ++i) {
      hit.at = at;
      hit.path = i == 0 && random_.unit() < 0.4 ? "/" : words_.paths.draw(random_);
      view(hit, visit, pages);
      at += seconds{5 + static_cast<std::int64_t>(random_.below(90))};
    }
    take_visit_(visit);
  }

  void view(Hit& hit, Visit& visit, std::vector<std::string>& pages) {
    hit.name = "pageview";
    if (visit.pageviews == 0) visit.entry_page = hit.path;
    visit.exit_page = hit.path;
    const bool first_on_page = std::ranges::find(pages, hit.path) == pages.end();
    if (first_on_page) pages.push_back(hit.path);
    ++visit.pageviews;
    put(hit, visit, first_on_page);
    if (random_.unit() < 0.08) vitals(hit, visit);
    if (random_.unit() < 0.5) {
      Hit engagement = hit;
      engagement.name = "engagement";
      engagement.at += seconds{3};
      engagement.engagement_ms = 1'000 + static_cast<std::int64_t>(random_.below(60'000));
      engagement.scroll_depth = static_cast<std::int32_t>(random_.below(101));
      visit.engagement_ms += engagement.engagement_ms;
      put(engagement, visit, false);
    }
    if (random_.unit() < 0.03) {
      Hit event = hit;
      event.name = random_.unit() < 0.3 ? "Signup" : "Download";
      event.at += seconds{4};
      event.properties = {{"plan", random_.unit() < 0.7 ? "free" : "pro"}};
      visit.interactive_event = true;
      put(event, visit, false);
    }
  }

  void vitals(const Hit& view, Visit& visit) {
    Hit hit = view;
    hit.name = "vitals";
    hit.at += seconds{2};
    hit.lcp = 800 + 4'000 * random_.unit() * random_.unit();
    hit.inp = 20 + 500 * random_.unit() * random_.unit();
    hit.cls = 0.4 * random_.unit() * random_.unit();
    hit.fcp = 300 + 2'500 * random_.unit() * random_.unit();
    hit.ttfb = 50 + 1'500 * random_.unit() * random_.unit();
    put(hit, visit, false);
  }

  void put(Hit& hit, Visit& visit, bool first_on_page) {
    hit.event_id = random_.next();
    visit.ended_at = hit.at;
    if (hit.name != "engagement" && hit.name != "vitals") ++visit.events;
    take_event_(hit, {.visit = &visit, .first_on_page = first_on_page, .opened = false});
  }

  const TakeEvent& take_event_;
  const TakeVisit& take_visit_;
  Random random_{2026};
  Vocabulary words_;
};

}  // namespace

void make_traffic(std::int64_t rows, const TakeEvent& take_event, const TakeVisit& take_visit) {
  Traffic traffic(take_event, take_visit);
  for (int day = 2 * kDays; day > kDays; --day) traffic.day(day, rows / kDays / 4);
  for (int day = kDays; day > 0; --day) traffic.day(day, rows / kDays);
}

}  // namespace mainstay::bench
