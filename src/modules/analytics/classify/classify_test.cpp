#include "modules/analytics/classify/classify.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "modules/analytics/classify/agent.h"

namespace mainstay::analytics {
namespace {

TEST(Classify, tells_how_a_hit_would_be_judged_and_why) {
  const Agents agents;
  const auto answer =
      classify(agents, {.user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                        .referrer = "https://www.google.de/",
                        .url = "https://mysite.test/?utm_source=google&utm_medium=cpc&gclid=x"});
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->bot.is_bot);
  EXPECT_EQ(answer->browser.name, "Firefox");
  EXPECT_EQ(answer->browser.version, "145");
  EXPECT_EQ(answer->os.name, "Linux");
  EXPECT_EQ(answer->device, "Desktop");
  EXPECT_EQ(answer->referrer.host, "google.de");
  EXPECT_EQ(answer->referrer.source, "Google");
  EXPECT_EQ(answer->referrer.channel, "Paid Search");
  EXPECT_EQ(answer->utm.medium, "cpc");
  EXPECT_EQ(answer->click_id, "gclid");
}

TEST(Classify, a_bot_is_named_with_its_reason) {
  const Agents agents;
  const auto answer = classify(agents, {.user_agent = "CCBot/2.0"});
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->bot.is_bot);
  EXPECT_EQ(answer->bot.category, "ai_crawler");
  EXPECT_EQ(answer->bot.reason, "list");
  EXPECT_EQ(answer->referrer.channel, "Direct");
}

TEST(Classify, a_bad_url_is_refused_and_named) {
  const Agents agents;
  const auto answer = classify(agents, {.user_agent = "x", .url = "data:text/html,x"});
  ASSERT_FALSE(answer);
  ASSERT_EQ(answer.error().errors.size(), 1U);
  EXPECT_EQ(answer.error().errors[0].field, "/url");
}

TEST(Classify, speaks_json_as_the_contract_says) {
  const Agents agents;
  const auto request = json::read<ClassifyRequest>(R"({"user_agent":""})");
  ASSERT_TRUE(request);
  const auto text = json::write(classify(agents, *request).value());
  EXPECT_EQ(text,
            R"x({"bot":{"is_bot":true,"name":"Empty user agent","category":"other","reason":"empty_agent"},)x"
            R"x("browser":{"name":"","version":""},"os":{"name":"","version":""},"device":"(not set)",)x"
            R"x("referrer":{"host":"","source":"","channel":"Direct","why":"no referrer and no source in the URL"},)x"
            R"x("utm":{"source":"","medium":"","campaign":"","content":"","term":""},"click_id":""})x");
}

}  // namespace
}  // namespace mainstay::analytics
