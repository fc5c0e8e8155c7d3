#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mainstay::analytics {

/// The class of device a browser runs on.
enum class Device : std::uint8_t { kUnknown, kDesktop, kMobile, kTablet, kTv, kConsole, kWearable, kOther };

/// "Desktop", "Mobile", "Tablet", "TV", "Console", "Wearable", "Other"; "" for kUnknown.
[[nodiscard]] std::string_view device_name(Device device);

/// What a user agent says about itself. "" where it says nothing we know.
struct Agent {
  std::string browser;          ///< "Chrome", "Safari", "Firefox", "Samsung Browser", …
  std::string browser_version;  ///< major, or major.minor where the minor tells versions apart (Safari)
  std::string os;               ///< "Windows", "macOS", "iOS", "Android", "Linux", "Ubuntu", …
  std::string os_version;       ///< major, or major.minor
  Device device = Device::kUnknown;
};

/// Whether a hit is a machine's, and how we know.
struct BotVerdict {
  bool is_bot = false;
  std::string name;      ///< "Googlebot", "GPTBot", "curl", …; for people
  std::string category;  ///< ai_crawler search monitor preview feed seo tool headless other
  std::string reason;    ///< list, pattern, empty_agent, header:…, prefetch, webdriver
};

struct JudgedAgent {
  Agent agent;
  BotVerdict bot;
};

/// What the headers and the script of a request give away beyond its user agent.
/// A log line has none of it: leave `headers_known` false.
struct Signals {
  bool headers_known = false;
  bool has_accept_language = false;
  bool prefetch = false;           ///< Purpose, Sec-Purpose or X-Moz say prefetch, prerender or preview
  bool webdriver = false;          ///< the script saw navigator.webdriver
  std::string_view client_hint{};  ///< Sec-CH-UA as it came
};

/// True when a Purpose, Sec-Purpose or X-Moz header asks for a page that nobody looks at yet.
[[nodiscard]] bool is_prefetch(std::string_view purpose);

/// The verdict on one request: the user agent's own, else what the signals say. A listed bot keeps its name.
[[nodiscard]] BotVerdict judge(const JudgedAgent& judged, const Signals& signals);

/// Parses user agents with the rules of uap-core, and finds bots by crawler-user-agents, isbot and a table of
/// our own (src/modules/analytics/classify/bot_rules.cpp). Data is compiled in; a pattern's regular expression is
/// compiled at its first use.
///
/// Lifetime: one per process, made by app/. Threads: any; a hit in the cache takes one short lock of one of
/// `kShards`. Memory: at most `cache_entries` parsed agents (about 600 bytes each), the one used longest ago makes
/// room, and about `compiled_max` regular expressions (some 5 kB each), which are all dropped when there are more.
class Agents {
 public:
  struct Options {
    std::size_t cache_entries = 8192;
    std::size_t compiled_max = 600;
  };
  /// Bytes of a user agent that are looked at; the rest is ignored.
  static constexpr std::size_t kAgentBytesMax = 1024;
  static constexpr std::size_t kShards = 16;

  Agents();
  explicit Agents(Options options);
  ~Agents();
  Agents(const Agents&) = delete;
  Agents& operator=(const Agents&) = delete;

  /// Never null. Costs under 200 ns for an agent in the cache, some tens of microseconds for a new one.
  [[nodiscard]] std::shared_ptr<const JudgedAgent> look_up(std::string_view user_agent) const;

  /// The same without the cache.
  [[nodiscard]] JudgedAgent parse(std::string_view user_agent) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mainstay::analytics
