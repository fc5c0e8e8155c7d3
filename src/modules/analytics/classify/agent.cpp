#include "modules/analytics/classify/agent.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/text.h"
#include "modules/analytics/classify/agent_patterns.h"
#include "modules/analytics/classify/bot_rules.h"
#include "modules/analytics/classify/device_rules.h"
#include "modules/analytics/classify/lazy_regexes.h"

namespace mainstay::analytics {
namespace {

using Judged = std::shared_ptr<const JudgedAgent>;

/// A part of the cache: rows of a few places each; the place used longest ago makes room.
class CacheShard {
 public:
  static constexpr std::size_t kWays = 4;

  void resize(std::size_t entries) { rows_.resize(std::max<std::size_t>(1, entries / kWays)); }

  Judged find(std::size_t hash, std::string_view user_agent) {
    const std::scoped_lock lock{mutex_};
    for (auto& entry : row(hash)) {
      if (entry.hash != hash || entry.user_agent != user_agent) continue;
      entry.used = ++clock_;
      return entry.judged;
    }
    return nullptr;
  }

  void put(std::size_t hash, std::string_view user_agent, Judged judged) {
    const std::scoped_lock lock{mutex_};
    auto& entry = *std::ranges::min_element(row(hash), {}, &Entry::used);
    entry = {.hash = hash, .used = ++clock_, .user_agent = std::string{user_agent}, .judged = std::move(judged)};
  }

 private:
  struct Entry {
    std::size_t hash = 0;
    std::uint64_t used = 0;
    std::string user_agent;
    Judged judged;
  };
  std::array<Entry, kWays>& row(std::size_t hash) { return rows_[hash / Agents::kShards % rows_.size()]; }

  std::mutex mutex_;
  std::uint64_t clock_ = 0;
  std::vector<std::array<Entry, kWays>> rows_;
};

/// "$1" stands for group 1 and so on.
std::string fill_in(std::string_view form, std::span<const re2::StringPiece> groups) {
  std::string text;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool group = form[i] == '$' && i + 1 < form.size() && form[i + 1] >= '1' && form[i + 1] <= '9';
    if (!group) {
      text.push_back(form[i]);
      continue;
    }
    const auto number = static_cast<std::size_t>(form[++i] - '0');
    if (number < groups.size()) text.append(groups[number].data(), groups[number].size());
  }
  return std::string{trim(text)};
}

std::string version_text(std::string major, const std::string& minor) {
  return minor.empty() || major.empty() ? major : major + "." + minor;
}

/// What isbot must not see is blanked out.
std::string blanked(std::string lower, const AgentPatterns& patterns) {
  for (const auto phrase : patterns.blanked) {
    for (auto at = lower.find(phrase); at != std::string::npos; at = lower.find(phrase, at)) {
      lower.replace(at, phrase.size(), phrase.size(), ' ');
    }
  }
  return lower;
}

struct Match {
  std::size_t at = 0;
  std::size_t bytes = 0;
};

}  // namespace

struct Agents::State {
  explicit State(Options options) : regexes(patterns.agents.size() + patterns.bots.size(), options.compiled_max) {
    for (auto& shard : shards) shard.resize(options.cache_entries / kShards);
  }

  JudgedAgent parse(std::string_view user_agent) {
    user_agent = trim(user_agent.substr(0, kAgentBytesMax));
    JudgedAgent judged;
    if (user_agent.empty() || user_agent == "-") {
      judged.bot = {.is_bot = true, .name = "Empty user agent", .category = "other", .reason = "empty_agent"};
      return judged;
    }
    regexes.shrink();
    const auto held = regexes.hold();
    const auto lower = to_lower_ascii(user_agent);
    std::vector<std::uint16_t> candidates;
    find_candidates(patterns, lower, candidates);
    const auto systems_from = std::ranges::lower_bound(candidates, patterns.browsers);
    const auto bots_from = std::ranges::lower_bound(candidates, patterns.agents.size());
    judged.agent = agent_of(user_agent, {candidates.begin(), systems_from}, {systems_from, bots_from});
    judged.agent.device = device_of(lower, judged.agent.os);
    tidy_agent(judged.agent, lower);
    judged.bot = bot_of(user_agent, lower, {bots_from, candidates.end()});
    return judged;
  }

  using Numbers = std::span<const std::uint16_t>;

  Agent agent_of(std::string_view user_agent, Numbers browsers, Numbers systems) {
    Agent agent;
    std::array<re2::StringPiece, 10> groups;
    if (const auto* found = first_match(user_agent, browsers, groups)) {
      agent.browser = fill_in(found->name, groups);
      agent.browser_version = version_text(fill_in(found->major, groups), fill_in(found->minor, groups));
    }
    if (const auto* found = first_match(user_agent, systems, groups)) {
      agent.os = fill_in(found->name, groups);
      agent.os_version = version_text(fill_in(found->major, groups), fill_in(found->minor, groups));
    }
    return agent;
  }

  const AgentPattern* first_match(std::string_view text, Numbers numbers, std::span<re2::StringPiece> groups) {
    for (const auto number : numbers) {
      const auto& pattern = patterns.agents[number];
      const auto* regex = regexes.get(number, pattern.regex);
      if (regex == nullptr) continue;
      const auto wanted = std::min(groups.size(), static_cast<std::size_t>(regex->NumberOfCapturingGroups()) + 1);
      std::ranges::fill(groups, re2::StringPiece{});
      if (regex->Match({text.data(), text.size()}, 0, text.size(), re2::RE2::UNANCHORED, groups.data(),
                       static_cast<int>(wanted))) {
        return &pattern;
      }
    }
    return nullptr;
  }

  BotVerdict bot_of(std::string_view user_agent, const std::string& lower, Numbers candidates) {
    if (const auto* rule = find_bot_rule(lower)) {
      return {
          .is_bot = true, .name = std::string{rule->name}, .category = std::string{rule->category}, .reason = "list"};
    }
    std::optional<std::string> for_isbot;
    for (const auto number : candidates) {
      const auto& pattern = patterns.bots[number - patterns.agents.size()];
      const bool listed = number - patterns.agents.size() < patterns.listed_bots;
      if (!listed && !for_isbot) for_isbot = blanked(lower, patterns);
      const auto match = bot_match(listed ? user_agent : std::string_view{*for_isbot}, number, pattern);
      if (!match) continue;
      return {.is_bot = true,
              .name = pattern.name.empty() ? guess_bot_name(user_agent, match->at, match->bytes)
                                           : std::string{pattern.name},
              .category = listed ? std::string{pattern.category} : "other",
              .reason = listed ? "list" : "pattern"};
    }
    return {};
  }

  std::optional<Match> bot_match(std::string_view text, std::size_t number, const BotPattern& pattern) {
    if (pattern.regex.empty()) {
      const auto at = text.find(pattern.text);
      if (at == std::string_view::npos) return std::nullopt;
      return Match{.at = at, .bytes = pattern.text.size()};
    }
    const auto* regex = regexes.get(number, pattern.regex);
    re2::StringPiece found;
    const re2::StringPiece piece{text.data(), text.size()};
    if (regex == nullptr || !regex->Match(piece, 0, text.size(), re2::RE2::UNANCHORED, &found, 1)) return std::nullopt;
    return Match{.at = static_cast<std::size_t>(found.data() - text.data()), .bytes = found.size()};
  }

  const AgentPatterns& patterns = agent_patterns();
  LazyRegexes regexes;
  std::array<CacheShard, kShards> shards;
};

Agents::Agents() : Agents(Options{}) {}
Agents::Agents(Options options) : state_(std::make_unique<State>(options)) {}
Agents::~Agents() = default;

Judged Agents::look_up(std::string_view user_agent) const {
  user_agent = user_agent.substr(0, kAgentBytesMax);
  const auto hash = std::hash<std::string_view>{}(user_agent);
  auto& shard = state_->shards[hash % kShards];
  if (auto known = shard.find(hash, user_agent)) return known;
  auto judged = std::make_shared<const JudgedAgent>(state_->parse(user_agent));
  shard.put(hash, user_agent, judged);
  return judged;
}

JudgedAgent Agents::parse(std::string_view user_agent) const { return state_->parse(user_agent); }

bool is_prefetch(std::string_view purpose) {
  const auto lower = to_lower_ascii(purpose);
  return lower.find("prefetch") != std::string::npos || lower.find("prerender") != std::string::npos ||
         lower.find("preview") != std::string::npos;
}

BotVerdict judge(const JudgedAgent& judged, const Signals& signals) {
  if (judged.bot.is_bot) return judged.bot;
  if (signals.webdriver) {
    return {.is_bot = true, .name = "Automated browser", .category = "headless", .reason = "webdriver"};
  }
  if (to_lower_ascii(signals.client_hint).find("headless") != std::string::npos) {
    return {.is_bot = true, .name = "HeadlessChrome", .category = "headless", .reason = "header:sec_ch_ua"};
  }
  if (signals.prefetch) return {.is_bot = true, .name = "Prefetch", .category = "other", .reason = "prefetch"};
  if (signals.headers_known && !signals.has_accept_language) {
    return {.is_bot = true, .name = "No Accept-Language", .category = "other", .reason = "header:no_accept_language"};
  }
  return {};
}

}  // namespace mainstay::analytics
