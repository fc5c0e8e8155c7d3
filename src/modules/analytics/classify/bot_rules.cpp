#include "modules/analytics/classify/bot_rules.h"

#include <algorithm>
#include <array>

namespace mainstay::analytics {
namespace {

/// In order; the first that occurs decides, so the longer of two alike comes first.
constexpr auto kRules = std::to_array<BotRule>({
    // Crawlers that gather texts for language models, and agents of assistants.
    {"gptbot", "GPTBot", "ai_crawler"},
    {"oai-searchbot", "OAI-SearchBot", "ai_crawler"},
    {"chatgpt-user", "ChatGPT-User", "ai_crawler"},
    {"chatgpt agent", "ChatGPT Agent", "ai_crawler"},
    {"claudebot", "ClaudeBot", "ai_crawler"},
    {"claude-searchbot", "Claude-SearchBot", "ai_crawler"},
    {"claude-user", "Claude-User", "ai_crawler"},
    {"claude-web", "Claude-Web", "ai_crawler"},
    {"claude-code", "Claude-Code", "ai_crawler"},
    {"anthropic-ai", "anthropic-ai", "ai_crawler"},
    {"perplexitybot", "PerplexityBot", "ai_crawler"},
    {"perplexity-user", "Perplexity-User", "ai_crawler"},
    {"google-extended", "Google-Extended", "ai_crawler"},
    {"google-cloudvertexbot", "Google-CloudVertexBot", "ai_crawler"},
    {"google-notebooklm", "Google-NotebookLM", "ai_crawler"},
    {"google-agent", "Google-Agent", "ai_crawler"},
    {"googleagent-mariner", "GoogleAgent-Mariner", "ai_crawler"},
    {"gemini-deep-research", "Gemini-Deep-Research", "ai_crawler"},
    {"ccbot", "CCBot", "ai_crawler"},
    {"bytespider", "Bytespider", "ai_crawler"},
    {"tiktokspider", "TikTokSpider", "ai_crawler"},
    {"amazonbot", "Amazonbot", "ai_crawler"},
    {"amzn-searchbot", "Amzn-SearchBot", "ai_crawler"},
    {"amzn-user", "Amzn-User", "ai_crawler"},
    {"applebot-extended", "Applebot-Extended", "ai_crawler"},
    {"meta-externalagent", "meta-externalagent", "ai_crawler"},
    {"meta-externalfetcher", "meta-externalfetcher", "ai_crawler"},
    {"facebookbot", "FacebookBot", "ai_crawler"},
    {"mistralai-user", "MistralAI-User", "ai_crawler"},
    {"mistralai-index", "MistralAI-Index", "ai_crawler"},
    {"cohere-ai", "cohere-ai", "ai_crawler"},
    {"cohere-training-data-crawler", "cohere-training-data-crawler", "ai_crawler"},
    {"deepseekbot", "DeepSeekBot", "ai_crawler"},
    {"diffbot", "Diffbot", "ai_crawler"},
    {"duckassistbot", "DuckAssistBot", "ai_crawler"},
    {"youbot", "YouBot", "ai_crawler"},
    {"ai2bot", "AI2Bot", "ai_crawler"},
    {"omgilibot", "omgilibot", "ai_crawler"},
    {"omgili/", "omgili", "ai_crawler"},
    {"webzio-extended", "Webzio-Extended", "ai_crawler"},
    {"timpibot", "Timpibot", "ai_crawler"},
    {"imagesiftbot", "ImagesiftBot", "ai_crawler"},
    {"icc-crawler", "ICC-Crawler", "ai_crawler"},
    {"pangubot", "PanguBot", "ai_crawler"},
    {"kangaroo bot", "Kangaroo Bot", "ai_crawler"},
    {"sentibot", "SentiBot", "ai_crawler"},
    {"img2dataset", "img2dataset", "ai_crawler"},
    {"firecrawl", "FirecrawlAgent", "ai_crawler"},
    {"crawl4ai", "Crawl4AI", "ai_crawler"},
    {"velenpublicwebcrawler", "VelenPublicWebCrawler", "ai_crawler"},
    {"phindbot", "PhindBot", "ai_crawler"},
    {"xai-bot", "xAI-Bot", "ai_crawler"},
    {"grokbot", "GrokBot", "ai_crawler"},
    {"novaact", "NovaAct", "ai_crawler"},
    {"manus-user", "Manus-User", "ai_crawler"},
    {"bedrockbot", "bedrockbot", "ai_crawler"},
    {"petalbot", "PetalBot", "search"},
    // Search engines.
    {"googlebot-image", "Googlebot-Image", "search"},
    {"googlebot-news", "Googlebot-News", "search"},
    {"googlebot-video", "Googlebot-Video", "search"},
    {"storebot-google", "Storebot-Google", "search"},
    {"google-inspectiontool", "Google-InspectionTool", "search"},
    {"adsbot-google", "AdsBot-Google", "other"},
    {"mediapartners-google", "Mediapartners-Google", "other"},
    {"googleother", "GoogleOther", "search"},
    {"googlebot", "Googlebot", "search"},
    {"bingpreview", "BingPreview", "preview"},
    {"adidxbot", "AdIdxBot", "other"},
    {"bingbot", "Bingbot", "search"},
    {"msnbot", "MSNBot", "search"},
    {"yandexbot", "YandexBot", "search"},
    {"baiduspider", "Baiduspider", "search"},
    {"duckduckbot", "DuckDuckBot", "search"},
    {"duckduckgo-favicons-bot", "DuckDuckGo-Favicons-Bot", "search"},
    {"applebot", "Applebot", "search"},
    {"slurp", "Yahoo! Slurp", "search"},
    {"sogou web spider", "Sogou Spider", "search"},
    {"seznambot", "SeznamBot", "search"},
    {"yeti/", "Naver Yeti", "search"},
    {"qwantbot", "Qwantbot", "search"},
    {"qwantify", "Qwantify", "search"},
    {"mojeekbot", "MojeekBot", "search"},
    // Previews of links that somebody shared.
    {"facebookexternalhit", "facebookexternalhit", "preview"},
    {"facebookcatalog", "facebookcatalog", "preview"},
    {"twitterbot", "Twitterbot", "preview"},
    {"linkedinbot", "LinkedInBot", "preview"},
    {"slackbot", "Slackbot", "preview"},
    {"slack-imgproxy", "Slack-ImgProxy", "preview"},
    {"discordbot", "Discordbot", "preview"},
    {"telegrambot", "TelegramBot", "preview"},
    {"^whatsapp/", "WhatsApp", "preview"},
    {"pinterestbot", "Pinterestbot", "preview"},
    {"^pinterest/", "Pinterest", "preview"},
    {"redditbot", "redditbot", "preview"},
    {"skypeuripreview", "SkypeUriPreview", "preview"},
    {"mastodon/", "Mastodon", "preview"},
    {"bluesky cardyb", "Bluesky", "preview"},
    {"embedly", "Embedly", "preview"},
    {"iframely", "Iframely", "preview"},
    {"vkshare", "vkShare", "preview"},
    {"google-pagerenderer", "Google-PageRenderer", "preview"},
    // Monitors.
    {"uptimerobot", "UptimeRobot", "monitor"},
    {"pingdom", "Pingdom", "monitor"},
    {"statuscake", "StatusCake", "monitor"},
    {"site24x7", "Site24x7", "monitor"},
    {"uptime-kuma", "Uptime-Kuma", "monitor"},
    {"better uptime bot", "Better Uptime Bot", "monitor"},
    {"blackbox exporter", "Blackbox Exporter", "monitor"},
    {"^kube-probe/", "kube-probe", "monitor"},
    {"^elb-healthchecker/", "ELB-HealthChecker", "monitor"},
    {"googlehc", "GoogleHC", "monitor"},
    {"chrome-lighthouse", "Chrome-Lighthouse", "monitor"},
    // Tools and libraries.
    {"^curl/", "curl", "tool"},
    {"libcurl", "libcurl", "tool"},
    {"^wget/", "Wget", "tool"},
    {"python-requests", "python-requests", "tool"},
    {"python-urllib", "Python-urllib", "tool"},
    {"python-httpx", "python-httpx", "tool"},
    {"aiohttp", "aiohttp", "tool"},
    {"scrapy", "Scrapy", "tool"},
    {"go-http-client", "Go-http-client", "tool"},
    {"^okhttp", "okhttp", "tool"},
    {"apache-httpclient", "Apache-HttpClient", "tool"},
    {"java-http-client", "Java-http-client", "tool"},
    {"^java/", "Java", "tool"},
    {"^axios/", "axios", "tool"},
    {"node-fetch", "node-fetch", "tool"},
    {"^undici", "undici", "tool"},
    {"^node", "Node.js", "tool"},
    {"guzzlehttp", "GuzzleHttp", "tool"},
    {"libwww-perl", "libwww-perl", "tool"},
    {"^ruby", "Ruby", "tool"},
    {"postmanruntime", "PostmanRuntime", "tool"},
    {"insomnia/", "Insomnia", "tool"},
    {"httpie/", "HTTPie", "tool"},
    {"^php/", "PHP", "tool"},
    {"reqwest/", "reqwest", "tool"},
    // Browsers that nobody looks at.
    {"headlesschrome", "HeadlessChrome", "headless"},
    {"phantomjs", "PhantomJS", "headless"},
    {"playwright", "Playwright", "headless"},
    {"puppeteer", "Puppeteer", "headless"},
    {"selenium", "Selenium", "headless"},
    {"cypress/", "Cypress", "headless"},
    {"htmlunit", "HtmlUnit", "headless"},
    {"slimerjs", "SlimerJS", "headless"},
});

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

std::string_view leading_word(std::string_view text) {
  return text.substr(0, static_cast<std::size_t>(std::ranges::find_if_not(text, is_word) - text.begin()));
}

/// "FooFetch" of "Mozilla/5.0 (compatible; FooFetch/1.0; …)", or of "FooFetch/1.0 …".
std::string_view first_product(std::string_view user_agent) {
  constexpr std::string_view kCompatible = "compatible; ";
  const auto word = leading_word(user_agent);
  if (word != "Mozilla") return word;
  const auto at = user_agent.find(kCompatible);
  return at == std::string_view::npos ? std::string_view{} : leading_word(user_agent.substr(at + kCompatible.size()));
}

}  // namespace

const BotRule* find_bot_rule(std::string_view lower) {
  const auto found = std::ranges::find_if(kRules, [&](const BotRule& rule) {
    return rule.text.starts_with('^') ? lower.starts_with(rule.text.substr(1))
                                      : lower.find(rule.text) != std::string_view::npos;
  });
  return found == kRules.end() ? nullptr : &*found;
}

std::string guess_bot_name(std::string_view user_agent, std::size_t match_at, std::size_t match_bytes) {
  constexpr std::size_t kNameBytesMax = 64;
  auto from = std::min(match_at, user_agent.size());
  auto to = std::min(match_at + match_bytes, user_agent.size());
  const bool one_word = from < to && std::ranges::all_of(user_agent.substr(from, to - from), is_word);
  while (one_word && from > 0 && is_word(user_agent[from - 1])) --from;
  while (one_word && to < user_agent.size() && is_word(user_agent[to])) ++to;
  auto word = one_word ? user_agent.substr(from, to - from) : std::string_view{};
  const bool address = word.starts_with("http") || word.find('.') != std::string_view::npos ||
                       (from > 0 && (user_agent[from - 1] == '/' || user_agent[from - 1] == '@'));
  if (word.empty() || address) word = first_product(user_agent);
  return std::string{word.empty() ? "Unknown bot" : word.substr(0, kNameBytesMax)};
}

}  // namespace mainstay::analytics
