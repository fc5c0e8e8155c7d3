#include "modules/analytics/live.h"

#include <algorithm>

#include "base/json.h"

namespace mainstay::analytics {
namespace {

constexpr std::size_t kRowsMax = 10;
constexpr std::uint32_t kAllMinutes = (std::uint32_t{1} << kLiveMinutes) - 1;

std::int64_t minute_of(Instant at) { return std::chrono::floor<minutes>(at).time_since_epoch().count(); }

using Tally = std::unordered_map<std::string_view, std::uint64_t>;

json::Array top(const Tally& tally) {
  std::vector<std::pair<std::string_view, std::uint64_t>> rows(tally.begin(), tally.end());
  std::ranges::sort(rows, [](const auto& left, const auto& right) {
    return left.second != right.second ? left.second > right.second : left.first < right.first;
  });
  if (rows.size() > kRowsMax) rows.resize(kRowsMax);
  json::Array array;
  for (const auto& [value, visitors] : rows) {
    array.push_back(json::Object{{"value", boost::json::string{value}}, {"visitors", visitors}});
  }
  return array;
}

}  // namespace

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
  Tally pages;
  Tally sources;
  Tally countries;
  std::uint64_t current = 0;
  std::array<std::uint32_t, kLiveMinutes> visitors{};
  for (const auto& [visitor, presence] : visitors_) {
    for (auto bits = presence.minutes; bits != 0; bits &= bits - 1) {
      ++visitors[static_cast<std::size_t>(__builtin_ctz(bits))];
    }
    if (presence.last_at + kCurrentWindow <= now) continue;
    ++current;
    if (!presence.page.empty()) ++pages[presence.page];
    ++sources[presence.source.empty() ? "Direct / None" : std::string_view{presence.source}];
    if (!presence.country.empty()) ++countries[presence.country];
  }
  json::Array minute_rows;
  for (std::size_t i = kLiveMinutes; i-- > 0;) {
    const Instant minute{minutes{minute_ - static_cast<std::int64_t>(i)}};
    minute_rows.push_back(
        json::Object{{"minute", to_rfc3339(minute)}, {"visitors", visitors[i]}, {"pageviews", pageviews_[i]}});
  }
  const json::Object model{
      {"site_id", std::to_string(static_cast<std::int64_t>(site))},
      {"at", to_rfc3339(now)},
      {"current_visitors", current},
      {"minutes", std::move(minute_rows)},
      {"pages", top(pages)},
      {"sources", top(sources)},
      {"countries", top(countries)},
      {"ledger", json::Object{{"accepted", counts.accepted}, {"bots", counts.bots}, {"refused", counts.refused}}}};
  return boost::json::serialize(model);
}

}  // namespace mainstay::analytics
