#include "modules/analytics/query/dimensions.h"

#include <array>
#include <utility>
#include <vector>

#include "base/text.h"

namespace mainstay::analytics::query {
namespace {

constexpr std::string_view kNotSet = "(not set)";
constexpr std::string_view kDirectNone = "Direct / None";
constexpr std::string_view kPropertyPrefix = "event:props:";

// name, on_events, on_visits, as_entry, empty, special
constexpr auto kDimensions = std::to_array<DimensionInfo>({
    {"event:page", "path", "", "entry_page", kNotSet},
    {"event:hostname", "hostname", "", "entry_hostname", kNotSet},
    {"event:name", "name", "", "", kNotSet},
    {"event:goal", "", "", "", kNotSet, Special::kGoal},
    {kPropertyPrefix, "", "", "", kNotSet, Special::kProperty},
    {"visit:entry_page", "entry_page", "entry_page", "entry_page", kNotSet},
    {"visit:exit_page", "", "exit_page", "exit_page", kNotSet},
    {"visit:entry_page_hostname", "", "entry_hostname", "entry_hostname", kNotSet},
    {"visit:exit_page_hostname", "", "exit_hostname", "exit_hostname", kNotSet},
    {"visit:source", "source", "source", "source", kDirectNone},
    {"visit:referrer", "referrer", "referrer", "referrer", kDirectNone},
    {"visit:channel", "channel", "channel", "channel", kNotSet},
    {"visit:utm_medium", "utm_medium", "utm_medium", "utm_medium", kNotSet},
    {"visit:utm_source", "utm_source", "utm_source", "utm_source", kNotSet},
    {"visit:utm_campaign", "utm_campaign", "utm_campaign", "utm_campaign", kNotSet},
    {"visit:utm_content", "utm_content", "utm_content", "utm_content", kNotSet},
    {"visit:utm_term", "utm_term", "utm_term", "utm_term", kNotSet},
    {"visit:device", "device", "device", "device", kNotSet},
    {"visit:screen", "screen", "screen", "screen", kNotSet},
    {"visit:language", "language", "language", "language", kNotSet},
    {"visit:browser", "browser", "browser", "browser", kNotSet},
    {"visit:browser_version", "browser_version", "browser_version", "browser_version", kNotSet},
    {"visit:os", "os", "os", "os", kNotSet},
    {"visit:os_version", "os_version", "os_version", "os_version", kNotSet},
    {"visit:country", "country", "country", "country", kNotSet},
    {"visit:region", "region", "region", "region", kNotSet},
    {"visit:city", "city", "city", "city", kNotSet},
    {"visit:country_name", "country", "country", "country", kNotSet, Special::kCountryName},
    {"visit:region_name", "region", "region", "region", kNotSet},
    {"visit:city_name", "city", "city", "city", kNotSet},
    {"time", "", "", "", "", Special::kTime},
});

constexpr auto kIntervals = std::to_array<std::pair<std::string_view, Interval>>({
    {"time", Interval::kAuto},
    {"time:minute", Interval::kMinute},
    {"time:hour", Interval::kHour},
    {"time:day", Interval::kDay},
    {"time:week", Interval::kWeek},
    {"time:month", Interval::kMonth},
});

const DimensionInfo* find_info(std::string_view name) {
  for (const auto& info : kDimensions) {
    if (info.name == name) return &info;
  }
  return nullptr;
}

}  // namespace

std::string_view to_text(Interval interval) {
  for (const auto& [name, value] : kIntervals) {
    if (value == interval) return name;
  }
  return "";
}

std::string Dimension::name() const {
  if (is_time()) return std::string{to_text(interval)};
  return std::string{info->name} + property;
}

std::optional<Dimension> find_dimension(std::string_view name) {
  for (const auto& [text, interval] : kIntervals) {
    if (text == name) return Dimension{.info = find_info("time"), .property = {}, .interval = interval};
  }
  if (name.starts_with(kPropertyPrefix)) {
    const auto property = name.substr(kPropertyPrefix.size());
    if (property.empty() || property.size() > kPropertyNameBytesMax) return std::nullopt;
    return Dimension{.info = find_info(kPropertyPrefix), .property = std::string{property}};
  }
  const auto* info = find_info(name);
  if (info == nullptr) return std::nullopt;
  return Dimension{.info = info, .property = {}};
}

std::string_view nearest_dimension(std::string_view name) {
  std::vector<std::string_view> known;
  for (const auto& info : kDimensions) known.push_back(info.name);
  for (const auto& [text, interval] : kIntervals) known.push_back(text);
  return nearest(name, known);
}

}  // namespace mainstay::analytics::query
