#include "modules/analytics/classify/classify.h"

#include "modules/analytics/classify/agent.h"
#include "modules/analytics/classify/page_url.h"
#include "modules/analytics/classify/referrer.h"

namespace mainstay::analytics {

Result<Classification> classify(const Agents& agents, const ClassifyRequest& request) {
  PageUrl page;
  if (request.url && !request.url->empty()) {
    auto read = parse_page_url(*request.url);
    if (!read) return refuse_field("analytics.bad_url", "/url", read.error().message);
    page = std::move(*read);
  }
  const auto judged = agents.look_up(request.user_agent);
  const auto verdict = judge(*judged, {});
  const auto referrer = parse_referrer(request.referrer.value_or(""), page.hostname);
  const auto arrival = classify_arrival(page, referrer);
  const auto device = device_name(judged->agent.device);
  return Classification{
      .bot = {.is_bot = verdict.is_bot, .name = verdict.name, .category = verdict.category, .reason = verdict.reason},
      .browser = {.name = judged->agent.browser, .version = judged->agent.browser_version},
      .os = {.name = judged->agent.os, .version = judged->agent.os_version},
      .device = std::string{device.empty() ? "(not set)" : device},
      .referrer = {.host = referrer.host,
                   .source = arrival.source,
                   .channel = std::string{channel_name(arrival.channel)},
                   .why = std::string{referrer.is_spam ? "the referrer is on the list of referrer spam" : arrival.why}},
      .utm = {.source = page.campaign.source,
              .medium = page.campaign.medium,
              .campaign = page.campaign.campaign,
              .content = page.campaign.content,
              .term = page.campaign.term},
      .click_id = page.click_id};
}

}  // namespace mainstay::analytics
