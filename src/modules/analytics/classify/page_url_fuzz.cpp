// Any bytes as URL, target, referrer, host and user agent. What is taken keeps the promises of its header.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/text.h"
#include "modules/analytics/classify/agent.h"
#include "modules/analytics/classify/match.h"
#include "modules/analytics/classify/page_url.h"
#include "modules/analytics/classify/referrer.h"

namespace {

using namespace mainstay;
using namespace mainstay::analytics;

bool is_clean(std::string_view text) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return is_utf8(text) && std::ranges::none_of(text, control);
}

void check(const PageUrl& page) {
  const auto& campaign = page.campaign;
  const bool clean = is_clean(page.path) && is_clean(page.hostname) && is_clean(page.ref) &&
                     is_clean(campaign.source) && is_clean(campaign.medium) && is_clean(campaign.campaign) &&
                     is_clean(campaign.content) && is_clean(campaign.term);
  if (!clean || page.path.empty() || page.hostname.empty()) std::abort();
  (void)registrable_domain(page.hostname);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Agents agents{{.cache_entries = 16, .compiled_max = 400}};
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto referrer = parse_referrer(text, "example.com", {"*.example.com"});
  if (!is_clean(referrer.host)) std::abort();
  for (const auto routing : {HashRouting::kOff, HashRouting::kOn}) {
    const auto page = parse_page_url(text, routing);
    if (!page) continue;
    check(*page);
    if (channel_name(classify_arrival(*page, referrer).channel).empty()) std::abort();
  }
  if (const auto page = parse_request_target("example.com", text)) check(*page);
  if (path_matches(text.substr(0, 40), text) && size == 0) return 0;
  const auto judged = agents.look_up(text);
  if (judged->bot.is_bot && judged->bot.name.empty()) std::abort();
  return 0;
}
