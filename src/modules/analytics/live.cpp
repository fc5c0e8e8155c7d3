#include "modules/analytics/live.h"

#include <algorithm>

#include "base/json.h"

namespace mainstay::analytics {
namespace {

constexpr std::size_t kRowsMax = 10;
constexpr std::uint32_t kAllMinutes = (std::uint32_t{1} << kLiveMinutes) - 1;

std::int64_t minute_of(Instant at) { return std::chrono::floor<minutes>(at).time_since_epoch().count(); }

}  // namespace

namespace wire {

struct LiveMinute {
  Instant minute;
  std::int64_t visitors = 0;
  std::int64_t pageviews = 0;
};
BOOST_DESCRIBE_STRUCT(LiveMinute, (), (minute, visitors, pageviews))

struct LiveRow {
  std::string value;
  std::int64_t visitors = 0;
};
BOOST_DESCRIBE_STRUCT(LiveRow, (), (value, visitors))

struct LiveLedger {
  std::uint64_t accepted = 0;
  std::uint64_t bots = 0;
  std::uint64_t refused = 0;
};
BOOST_DESCRIBE_STRUCT(LiveLedger, (), (accepted, bots, refused))

struct LiveReport {
  std::string site_id;
  Instant at;
  std::int64_t current_visitors = 0;
  std::vector<LiveMinute> minutes;
  std::vector<LiveRow> pages;
  std::vector<LiveRow> sources;
  std::vector<LiveRow> countries;
  std::optional<LiveDay::Totals> totals_today;
  std::int64_t hits_total = 0;
  std::optional<Instant> first_hit_at;
  LiveLedger ledger;
};
BOOST_DESCRIBE_STRUCT(LiveReport, (),
                      (site_id, at, current_visitors, minutes, pages, sources, countries, totals_today, hits_total,
                       first_hit_at, ledger))

struct LiveMessage {
  std::string subject;
  std::optional<std::string> id;
  LiveReport data;
};
BOOST_DESCRIBE_STRUCT(LiveMessage, (), (subject, id, data))

}  // namespace wire

BOOST_DESCRIBE_STRUCT(LiveDay::Totals, (), (visitors, visits, pageviews, events))

namespace {

using Tally = std::unordered_map<std::string_view, std::int64_t>;

std::vector<wire::LiveRow> top(const Tally& tally) {
  std::vector<wire::LiveRow> rows;
  for (const auto& [value, visitors] : tally) rows.push_back({.value = std::string{value}, .visitors = visitors});
  std::ranges::sort(rows, [](const auto& left, const auto& right) {
    return left.visitors != right.visitors ? left.visitors > right.visitors : left.value < right.value;
  });
  if (rows.size() > kRowsMax) rows.resize(kRowsMax);
  return rows;
}

}  // namespace

std::string live_report_schema() { return json::schema_text<wire::LiveReport>(); }
std::string live_message_schema() { return json::schema_text<wire::LiveMessage>(); }

void LiveDay::move_to(const TimeZone& zone, Instant now) {
  const bool same_zone = zone_ == zone.name();
  if (same_zone && contains(now)) return;
  const auto day = std::chrono::floor<days>(zone.to_local(now));
  const bool amid = !zone_.empty() && !same_zone && contains(now);
  *this = LiveDay{};
  zone_ = zone.name();
  from_ = zone.to_utc(day);
  to_ = zone.to_utc(day + days{1});
  known_ = !amid;
}

void LiveDay::add_visit(std::uint64_t visit, std::uint64_t visitor) {
  visits_.insert(visit);
  visitors_.insert(visitor);
}

void LiveDay::add_events(std::int64_t pageviews, std::int64_t events) {
  pageviews_ += pageviews;
  events_ += events;
}

std::optional<LiveDay::Totals> LiveDay::totals() const {
  if (!known_) return std::nullopt;
  return Totals{.visitors = static_cast<std::int64_t>(visitors_.size()),
                .visits = static_cast<std::int64_t>(visits_.size()),
                .pageviews = pageviews_,
                .events = events_};
}

void LiveSite::roll_to(std::int64_t minute) {
  const auto steps = minute - minute_;
  if (steps <= 0) return;
  minute_ = minute;
  if (steps >= kLiveMinutes) {
    pageviews_.fill(0);
    visitors_.clear();
    return;
  }
  std::move_backward(pageviews_.begin(), pageviews_.end() - steps, pageviews_.end());
  std::fill_n(pageviews_.begin(), steps, 0);
  for (auto& [visitor, presence] : visitors_) presence.minutes = (presence.minutes << steps) & kAllMinutes;
  std::erase_if(visitors_, [](const auto& entry) { return entry.second.minutes == 0; });
}

void LiveSite::add(std::uint64_t visitor, const Hit& hit, const std::string& source, const std::string& country) {
  const auto minute = minute_of(hit.at);
  roll_to(minute);
  const auto back = minute_ - minute;
  if (back >= kLiveMinutes) return;
  auto& presence = visitors_[visitor];
  presence.minutes |= std::uint32_t{1} << back;
  if (hit.at >= presence.last_at) {
    presence.last_at = hit.at;
    if (hit.name == "pageview") presence.page = hit.path;
    presence.source = source;
    presence.country = country;
  }
  if (hit.name == "pageview") ++pageviews_[static_cast<std::size_t>(back)];
}

bool LiveSite::advance(Instant now) {
  const auto before = minute_;
  roll_to(minute_of(now));
  return minute_ != before || !visitors_.empty();
}

std::size_t LiveSite::current_visitors(Instant now) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(visitors_, [&](const auto& entry) { return entry.second.last_at + kCurrentWindow > now; }));
}

std::string LiveSite::json(SiteId site, Instant now) const {
  wire::LiveReport report{.site_id = std::to_string(static_cast<std::int64_t>(site)), .at = now};
  Tally pages;
  Tally sources;
  Tally countries;
  std::array<std::int64_t, kLiveMinutes> visitors{};
  for (const auto& [visitor, presence] : visitors_) {
    for (auto bits = presence.minutes; bits != 0; bits &= bits - 1) {
      ++visitors[static_cast<std::size_t>(__builtin_ctz(bits))];
    }
    if (presence.last_at + kCurrentWindow <= now) continue;
    ++report.current_visitors;
    if (!presence.page.empty()) ++pages[presence.page];
    ++sources[presence.source.empty() ? "Direct / None" : std::string_view{presence.source}];
    if (!presence.country.empty()) ++countries[presence.country];
  }
  for (std::size_t i = kLiveMinutes; i-- > 0;) {
    const Instant minute{minutes{minute_ - static_cast<std::int64_t>(i)}};
    report.minutes.push_back({.minute = minute, .visitors = visitors[i], .pageviews = pageviews_[i]});
  }
  report.pages = top(pages);
  report.sources = top(sources);
  report.countries = top(countries);
  report.totals_today = today.totals();
  report.hits_total = hits_total;
  report.first_hit_at = first_hit_at;
  report.ledger = {.accepted = counts.accepted, .bots = counts.bots, .refused = counts.refused};
  return json::write(report);
}

}  // namespace mainstay::analytics
