#include "modules/analytics/classify/device_rules.h"

#include <algorithm>
#include <array>

namespace mainstay::analytics {
namespace {

struct DeviceRule {
  std::string_view word;  ///< in lower case
  Device device;
};

/// The first word that occurs decides. Phones and tablets with Android are told apart further down.
constexpr auto kDeviceRules = std::to_array<DeviceRule>({
    {"smart-tv", Device::kTv},
    {"smarttv", Device::kTv},
    {"smart tv", Device::kTv},
    {"hbbtv", Device::kTv},
    {"appletv", Device::kTv},
    {"apple tv", Device::kTv},
    {"googletv", Device::kTv},
    {"google tv", Device::kTv},
    {"android tv", Device::kTv},
    {"androidtv", Device::kTv},
    {"netcast", Device::kTv},
    {"web0s", Device::kTv},
    {"webos.tv", Device::kTv},
    {"webostv", Device::kTv},
    {"roku", Device::kTv},
    {"crkey", Device::kTv},
    {"viera", Device::kTv},
    {"bravia", Device::kTv},
    {"opera tv", Device::kTv},
    {"nettv", Device::kTv},
    {"; aft", Device::kTv},
    {"tvos", Device::kTv},
    {"dtv", Device::kTv},
    {"playstation", Device::kConsole},
    {"xbox", Device::kConsole},
    {"nintendo", Device::kConsole},
    {"watchos", Device::kWearable},
    {"apple watch", Device::kWearable},
    {"wear os", Device::kWearable},
    {"watch1,", Device::kWearable},
    {"sm-r8", Device::kWearable},
    {"sm-r9", Device::kWearable},
    {"galaxy watch", Device::kWearable},
    {"oculusbrowser", Device::kWearable},
    {"ipad", Device::kTablet},
    {"playbook", Device::kTablet},
    {"kindle", Device::kTablet},
    {"iphone", Device::kMobile},
    {"ipod", Device::kMobile},
    {"windows phone", Device::kMobile},
    {"iemobile", Device::kMobile},
    {"blackberry", Device::kMobile},
    {"bb10", Device::kMobile},
    {"opera mini", Device::kMobile},
    {"opera mobi", Device::kMobile},
    {"kaios", Device::kMobile},
    {"symbian", Device::kMobile},
    {"series60", Device::kMobile},
    {"series40", Device::kMobile},
    {"ucweb", Device::kMobile},
    {"nokia", Device::kMobile},
    {"midp-", Device::kMobile},
});

constexpr auto kDesktopSystems = std::to_array<std::string_view>(
    {"Arch Linux", "CentOS",  "Chrome OS",  "Debian",    "Fedora",  "FreeBSD",  "Gentoo",  "Kubuntu", "Linux",
     "Linux Mint", "Lubuntu", "Mac OS",     "Mac OS X",  "Mageia",  "Mandriva", "NetBSD",  "OpenBSD", "PCLinuxOS",
     "Red Hat",    "SUSE",    "SerenityOS", "Slackware", "Solaris", "Ubuntu",   "Windows", "openSUSE"});
static_assert(std::ranges::is_sorted(kDesktopSystems));

struct Renaming {
  std::string_view from, to;
};

constexpr auto kBrowserNames = std::to_array<Renaming>({
    {"Android", "Android Browser"},
    {"Chrome Mobile", "Chrome"},
    {"Chrome Mobile WebView", "Chrome WebView"},
    {"Chrome Mobile iOS", "Chrome"},
    {"DuckDuckGo Mobile", "DuckDuckGo"},
    {"Edge Mobile", "Edge"},
    {"Firefox Mobile", "Firefox"},
    {"Firefox iOS", "Firefox"},
    {"IE Mobile", "Internet Explorer"},
    {"IE", "Internet Explorer"},
    {"Mobile Safari", "Safari"},
    {"Mobile Safari UI/WKWebView", "Safari WebView"},
    {"Opera Mobile", "Opera"},
    {"Opera Touch", "Opera"},
    {"Samsung Internet", "Samsung Browser"},
    {"UC Browser", "UC Browser"},
    {"Yandex Browser", "Yandex Browser"},
    {"Brave Mobile", "Brave"},
});

/// Apps that show pages in a browser of the system's, which uap-core takes for that browser.
struct AppRule {
  std::string_view word;  ///< in lower case
  std::string_view browser;
};
constexpr auto kApps = std::to_array<AppRule>({
    {"micromessenger/", "WeChat"},
    {"linkedinapp", "LinkedIn"},
    {"bytedancewebview", "TikTok"},
    {"musical_ly", "TikTok"},
    {"snapchat/", "Snapchat"},
    {"threads/", "Threads"},
    {"oculusbrowser/", "Meta Quest Browser"},
});

constexpr auto kSystemNames = std::to_array<Renaming>({
    {"ATV OS X", "tvOS"},
    {"Mac OS X", "macOS"},
    {"Mac OS", "macOS"},
    {"WatchOS", "watchOS"},
    {"Web0S", "webOS"},
    {"Other", ""},
});

template <class Table>
void rename(std::string& name, const Table& table) {
  const auto found = std::ranges::find(table, std::string_view{name}, &Renaming::from);
  if (found != table.end()) name = found->to;
}

/// Keeps "17.1" for those whose minor versions matter, "120" for the others.
void drop_minor(std::string& version) { version.resize(std::min(version.find('.'), version.size())); }

bool has(std::string_view text, std::string_view word) { return text.find(word) != std::string_view::npos; }

}  // namespace

std::string_view device_name(Device device) {
  switch (device) {
    case Device::kUnknown: return "";
    case Device::kDesktop: return "Desktop";
    case Device::kMobile: return "Mobile";
    case Device::kTablet: return "Tablet";
    case Device::kTv: return "TV";
    case Device::kConsole: return "Console";
    case Device::kWearable: return "Wearable";
    case Device::kOther: return "Other";
  }
  return "";
}

Device device_of(std::string_view lower, std::string_view os) {
  if (lower.empty()) return Device::kUnknown;
  const auto rule = std::ranges::find_if(kDeviceRules, [&](const DeviceRule& known) { return has(lower, known.word); });
  if (rule != kDeviceRules.end()) return rule->device;
  if (os == "Tizen" || os == "webOS") return has(lower, "mobile") ? Device::kMobile : Device::kTv;
  if (os == "Android" || os == "Firefox OS" || has(lower, "android")) {
    const bool tablet = has(lower, "tablet") || has(lower, "; sm-t") || has(lower, "; sm-x") || !has(lower, "mobile");
    return tablet ? Device::kTablet : Device::kMobile;
  }
  if (os == "iOS") return Device::kMobile;
  if (std::ranges::binary_search(kDesktopSystems, os)) return Device::kDesktop;
  return has(lower, "mobile") ? Device::kMobile : Device::kOther;
}

void tidy_agent(Agent& agent, std::string_view lower) {
  const auto app = std::ranges::find_if(kApps, [&](const AppRule& known) { return has(lower, known.word); });
  if (app != kApps.end()) {
    agent.browser = app->browser;
    agent.browser_version.clear();
  }
  rename(agent.browser, kBrowserNames);
  rename(agent.os, kSystemNames);
  if (agent.browser.empty()) agent.browser_version.clear();
  // Chrome OS tells its platform build, which nobody knows.
  if (agent.os.empty() || agent.os == "Chrome OS") agent.os_version.clear();
  const bool minor_tells = agent.browser.starts_with("Safari");
  if (!minor_tells) drop_minor(agent.browser_version);
  const bool os_minor_tells = agent.os == "iOS" || agent.os == "macOS" || agent.os == "tvOS" || agent.os == "watchOS" ||
                              agent.os == "Ubuntu" || (agent.os == "Windows" && agent.os_version == "8.1");
  if (!os_minor_tells) drop_minor(agent.os_version);
}

}  // namespace mainstay::analytics
