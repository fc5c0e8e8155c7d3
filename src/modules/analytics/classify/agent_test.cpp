#include "modules/analytics/classify/agent.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/text.h"
#include "modules/analytics/classify/agent_patterns.h"

namespace mainstay::analytics {
namespace {

struct BrowserCase {
  std::string_view user_agent, browser, version, os, os_version, device;
};

constexpr std::string_view kChrome =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

const std::vector<BrowserCase> kBrowsers{
    {kChrome, "Chrome", "142", "Windows", "10", "Desktop"},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 "
     "Edg/142.0.0.0",
     "Edge", "142", "Windows", "10", "Desktop"},
    {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 "
     "Safari/605.1.15",
     "Safari", "18.3", "macOS", "10.15", "Desktop"},
    {"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox", "145", "Ubuntu", "",
     "Desktop"},
    {"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox", "145", "Linux", "",
     "Desktop"},
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 "
     "Mobile/15E148 Safari/604.1",
     "Safari", "18.3", "iOS", "18.3", "Mobile"},
    {"Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.7 "
     "Mobile/15E148 "
     "Safari/604.1",
     "Safari", "17.7", "iOS", "17.7", "Tablet"},
    {"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
     "Chrome", "142", "Android", "10", "Mobile"},
    {"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
     "Chrome", "142", "Android", "10", "Tablet"},
    {"Mozilla/5.0 (Linux; Android 14; SM-S928B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 "
     "Chrome/125.0.0.0 Mobile Safari/537.36",
     "Samsung Browser", "27", "Android", "14", "Mobile"},
    {"Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0", "Firefox", "133", "Android", "14",
     "Mobile"},
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1",
     "Chrome", "131", "iOS", "17.5", "Mobile"},
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/133.0 "
     "Mobile/15E148 Safari/605.1.15",
     "Firefox", "133", "iOS", "17.5", "Mobile"},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 "
     "OPR/115.0.0.0",
     "Opera", "115", "Windows", "10", "Desktop"},
    {"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
     "Chrome", "131", "Chrome OS", "", "Desktop"},
    {"Mozilla/5.0 (Linux; Android 12; CUBOT_NOTE 20) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile "
     "Safari/537.36",
     "Chrome", "120", "Android", "12", "Mobile"},
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_6_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21G93 "
     "[FBAN/FBIOS;FBAV/486.0.0.60.104;FBBV/653573098;FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS;FBSV/17.6.1]",
     "Facebook", "486", "iOS", "17.6", "Mobile"},
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
     "[Pinterest/iOS]",
     "Pinterest", "", "iOS", "16.6", "Mobile"},
    {"Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer", "11", "Windows", "7",
     "Desktop"},
    {"Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0.3809.146/6.0 TV "
     "Safari/537.36",
     "Safari", "", "Tizen", "6", "TV"},
    {"Mozilla/5.0 (PlayStation; PlayStation 5/7.20) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.0 "
     "Safari/605.1.15",
     "Safari", "16.0", "", "", "Console"},
    {"Mozilla/5.0 (Linux; Android 9; AFTS) AppleWebKit/537.36 (KHTML, like Gecko) Silk/120.4.1 like "
     "Chrome/120.0.6099.269 Safari/537.36",
     "Amazon Silk", "120", "Android", "9", "TV"},
    {"Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5", "Firefox", "48", "KaiOS", "2",
     "Mobile"},
};

const std::vector<BrowserCase> kApps{
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
     "LinkedInApp",
     "LinkedIn", "", "iOS", "18.0", "Mobile"},
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21A329 "
     "MicroMessenger/8.0.42(0x18002a2c) NetType/WIFI Language/zh_CN",
     "WeChat", "", "iOS", "17.0", "Mobile"},
    {"Mozilla/5.0 (Linux; Android 13; SM-G991B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
     "Chrome/131.0.6778.39 Mobile Safari/537.36",
     "Chrome WebView", "131", "Android", "13", "Mobile"},
};

struct BotCase {
  std::string_view user_agent, name, category, reason;
};

const std::vector<BotCase> kBots{
    {"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)", "GPTBot",
     "ai_crawler", "list"},
    {"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
     "ClaudeBot", "ai_crawler", "list"},
    {"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot",
     "ChatGPT-User", "ai_crawler", "list"},
    {"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; OAI-SearchBot/1.0; +https://openai.com/searchbot",
     "OAI-SearchBot", "ai_crawler", "list"},
    {"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0; "
     "+https://perplexity.ai/perplexitybot)",
     "PerplexityBot", "ai_crawler", "list"},
    {"CCBot/2.0 (https://commoncrawl.org/faq/)", "CCBot", "ai_crawler", "list"},
    {"Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; "
     "Bytespider; spider-feedback@bytedance.com)",
     "Bytespider", "ai_crawler", "list"},
    {"Mozilla/5.0 (compatible; Amazonbot/0.1; +https://developer.amazon.com/support/amazonbot)", "Amazonbot",
     "ai_crawler", "list"},
    {"meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)", "meta-externalagent",
     "ai_crawler", "list"},
    {"Mozilla/5.0 (compatible; Google-Extended)", "Google-Extended", "ai_crawler", "list"},
    {"Mozilla/5.0 (Applebot-Extended/0.1)", "Applebot-Extended", "ai_crawler", "list"},
    {"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot", "search", "list"},
    {"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "Bingbot", "search", "list"},
    {"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "facebookexternalhit", "preview",
     "list"},
    {"Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", "UptimeRobot", "monitor", "list"},
    {"Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "AhrefsBot", "seo", "list"},
    {"Feedfetcher-Google; (+http://www.google.com/feedfetcher.html; 22 subscribers)", "Feedfetcher-Google", "feed",
     "list"},
    {"curl/8.5.0", "curl", "tool", "list"},
    {"python-requests/2.31.0", "python-requests", "tool", "list"},
    {"Go-http-client/1.1", "Go-http-client", "tool", "list"},
    {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36",
     "HeadlessChrome", "headless", "list"},
    {"Mozilla/5.0 (compatible; FreshNewFetcherBot/1.0; +https://example.test/info)", "FreshNewFetcherBot", "other",
     "pattern"},
    {"", "Empty user agent", "other", "empty_agent"},
    {"-", "Empty user agent", "other", "empty_agent"},
};

TEST(Agents, browsers_of_people_are_named_and_are_no_bots) {
  const Agents agents;
  auto cases = kBrowsers;
  cases.insert(cases.end(), kApps.begin(), kApps.end());
  for (const auto& expected : cases) {
    const auto judged = agents.look_up(expected.user_agent);
    SCOPED_TRACE(expected.user_agent);
    EXPECT_EQ(judged->agent.browser, expected.browser);
    EXPECT_EQ(judged->agent.browser_version, expected.version);
    EXPECT_EQ(judged->agent.os, expected.os);
    EXPECT_EQ(judged->agent.os_version, expected.os_version);
    EXPECT_EQ(device_name(judged->agent.device), expected.device);
    EXPECT_FALSE(judged->bot.is_bot) << judged->bot.name << " " << judged->bot.reason;
  }
}

TEST(Agents, bots_are_named_with_category_and_reason) {
  const Agents agents;
  for (const auto& expected : kBots) {
    const auto judged = agents.look_up(expected.user_agent);
    SCOPED_TRACE(expected.user_agent);
    EXPECT_TRUE(judged->bot.is_bot);
    EXPECT_EQ(judged->bot.name, expected.name);
    EXPECT_EQ(judged->bot.category, expected.category);
    EXPECT_EQ(judged->bot.reason, expected.reason);
  }
}

TEST(Agents, an_agent_from_the_cache_is_the_same_as_a_parsed_one) {
  const Agents agents;
  const auto first = agents.look_up(kChrome);
  const auto second = agents.look_up(kChrome);
  EXPECT_EQ(first, second);
  EXPECT_EQ(agents.parse(kChrome).agent.browser, second->agent.browser);
}

TEST(Agents, a_full_cache_and_few_compiled_expressions_change_no_answer) {
  const Agents roomy;
  const Agents tight{{.cache_entries = 16, .compiled_max = 4}};
  for (int round = 0; round < 2; ++round) {
    for (const auto& expected : kBrowsers) {
      const auto judged = tight.look_up(expected.user_agent);
      EXPECT_EQ(judged->agent.browser, roomy.look_up(expected.user_agent)->agent.browser);
    }
    for (const auto& expected : kBots) EXPECT_EQ(tight.look_up(expected.user_agent)->bot.name, expected.name);
  }
}

TEST(Agents, hostile_agents_are_answered) {
  const Agents agents;
  EXPECT_FALSE(agents.look_up(std::string(200'000, 'A'))->bot.name.empty());
  EXPECT_TRUE(agents.look_up(std::string(1000, '('))->bot.is_bot);
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  EXPECT_NE(agents.look_up(bytes), nullptr);
  EXPECT_NE(agents.look_up("Mozilla/5.0 (" + bytes + ") Chrome/" + std::string(900, '9')), nullptr);
}

TEST(Agents, threads_get_the_same_answers) {
  const Agents agents{{.cache_entries = 16, .compiled_max = 8}};
  std::vector<std::jthread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        for (const auto& expected : kBrowsers)
          wrong += agents.look_up(expected.user_agent)->agent.browser != expected.browser;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

TEST(Agents, signals_give_their_reason_and_a_listed_bot_keeps_its_name) {
  const Agents agents;
  const auto chrome = agents.look_up(kChrome);
  EXPECT_FALSE(judge(*chrome, {}).is_bot);
  EXPECT_FALSE(judge(*chrome, {.headers_known = true, .has_accept_language = true}).is_bot);
  EXPECT_EQ(judge(*chrome, {.headers_known = true}).reason, "header:no_accept_language");
  EXPECT_EQ(judge(*chrome, {.webdriver = true}).reason, "webdriver");
  EXPECT_EQ(judge(*chrome, {.prefetch = true}).reason, "prefetch");
  EXPECT_EQ(judge(*chrome, {.client_hint = R"("HeadlessChrome";v="120")"}).reason, "header:sec_ch_ua");
  EXPECT_EQ(judge(*agents.look_up("curl/8.0"), {.headers_known = true}).name, "curl");
  EXPECT_TRUE(is_prefetch("prefetch;prerender"));
  EXPECT_TRUE(is_prefetch("Preview"));
  EXPECT_FALSE(is_prefetch(""));
}

TEST(AgentPatterns, every_expression_is_one_that_re2_takes) {
  re2::RE2::Options options;
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  for (const auto& pattern : agent_patterns().agents) {
    const re2::RE2 regex{{pattern.regex.data(), pattern.regex.size()}, options};
    EXPECT_TRUE(regex.ok()) << pattern.regex << ": " << regex.error();
  }
  for (const auto& pattern : agent_patterns().bots) {
    if (pattern.regex.empty()) continue;
    const re2::RE2 regex{{pattern.regex.data(), pattern.regex.size()}, options};
    EXPECT_TRUE(regex.ok()) << pattern.regex << ": " << regex.error();
  }
}

/// The filter by literals may only save work: every pattern that matches is among the candidates.
TEST(AgentPatterns, the_filter_loses_no_match) {
  re2::RE2::Options options;
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  const auto& patterns = agent_patterns();
  std::vector<std::unique_ptr<re2::RE2>> regexes;
  for (const auto& pattern : patterns.agents) {
    regexes.push_back(
        std::make_unique<re2::RE2>(re2::StringPiece{pattern.regex.data(), pattern.regex.size()}, options));
  }
  std::vector<std::uint16_t> candidates;
  const auto expect_complete = [&](std::string_view user_agent) {
    find_candidates(patterns, to_lower_ascii(user_agent), candidates);
    for (std::size_t i = 0; i < regexes.size(); ++i) {
      if (!re2::RE2::PartialMatch({user_agent.data(), user_agent.size()}, *regexes[i])) continue;
      EXPECT_TRUE(std::ranges::binary_search(candidates, i)) << patterns.agents[i].regex << " on " << user_agent;
    }
  };
  for (const auto& known : kBrowsers) expect_complete(known.user_agent);
  for (const auto& known : kBots) expect_complete(known.user_agent);
}

}  // namespace
}  // namespace mainstay::analytics
