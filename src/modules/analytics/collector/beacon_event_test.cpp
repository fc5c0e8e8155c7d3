#include "modules/analytics/collector/beacon_event.h"

#include <gtest/gtest.h>

namespace mainstay::analytics {
namespace {

TEST(BeaconEvent, long_and_short_names_mean_the_same) {
  const auto longer = read_events(
      R"({"site":"a.com","name":"Signup","url":"https://a.com/x","referrer":"https://b.com","props":{"plan":"gold","n":3,"ok":true},
          "revenue":{"currency":"EUR","amount":"12.5"},"interactive":false,"scroll_depth":40,"engagement_ms":1500,"screen_width":1280,
          "language":"de-AT","event_id":"e1","hash":true,"vitals":{"lcp":1200.5,"cls":0.1}})");
  const auto shorter = read_events(
      R"({"d":"a.com","n":"Signup","u":"https://a.com/x","r":"https://b.com","p":{"plan":"gold","n":3,"ok":true},
          "$":{"currency":"EUR","amount":12.5},"i":false,"sd":40,"e":1500,"w":1280,"l":"de-AT","id":"e1","h":1,"v":{"lcp":1200.5,"cls":0.1}})");
  ASSERT_TRUE(longer.has_value());
  ASSERT_TRUE(shorter.has_value());
  for (const auto* events : {&*longer, &*shorter}) {
    const auto& event = events->front();
    EXPECT_EQ(event.site, "a.com");
    EXPECT_EQ(event.name, "Signup");
    EXPECT_EQ(event.url, "https://a.com/x");
    EXPECT_EQ(event.referrer, "https://b.com");
    const std::vector<std::pair<std::string, std::string>> properties{{"plan", "gold"}, {"n", "3"}, {"ok", "true"}};
    EXPECT_EQ(event.properties, properties);
    EXPECT_EQ(event.revenue, 12.5);
    EXPECT_EQ(event.currency, "EUR");
    EXPECT_FALSE(event.interactive);
    EXPECT_EQ(event.scroll_depth, 40);
    EXPECT_EQ(event.engagement_ms, 1500);
    EXPECT_EQ(event.screen_width, 1280);
    EXPECT_EQ(event.language, "de-AT");
    EXPECT_EQ(event.event_id, "e1");
    EXPECT_TRUE(event.hash);
    EXPECT_EQ(event.lcp, 1200.5);
    EXPECT_EQ(event.cls, 0.1);
  }
}

struct BadBody {
  std::string_view body;
  std::string_view code;
  std::string_view field;
};

TEST(BeaconEvent, bad_input_names_the_field_at_fault) {
  const std::string long_name(121, 'n');
  const std::string long_url = "https://a.com/" + std::string(2'000, 'u');
  const std::string name_body = R"({"d":"a","u":"https://a","n":")" + long_name + "\"}";
  const std::string url_body = R"({"d":"a","u":")" + long_url + "\"}";
  const BadBody cases[] = {
      {"", "json.malformed", ""},
      {"{", "json.malformed", ""},
      {"{\"d\":\"a\",\"u\":\"\xff\xfe\"}", "json.malformed", ""},
      {R"({"d":"a","u":{"a":{"b":{"c":{"d":{}}}}}})", "json.malformed", ""},
      {"42", "analytics.bad_event", "/"},
      {"[42]", "analytics.bad_event", "/0"},
      {R"({"u":"https://a"})", "analytics.bad_event", "/site"},
      {R"({"d":"a"})", "analytics.bad_event", "/url"},
      {R"({"d":"a","u":5})", "analytics.bad_event", "/u"},
      {R"({"d":"a","u":"https://a","x":1})", "analytics.bad_event", "/x"},
      {R"({"d":"a","u":"https://a","n":""})", "analytics.bad_event", "/n"},
      {name_body, "analytics.bad_event", "/n"},
      {url_body, "analytics.bad_event", "/u"},
      {R"({"d":"a","u":"https://a","sd":-1})", "analytics.bad_event", "/sd"},
      {R"({"d":"a","u":"https://a","sd":101})", "analytics.bad_event", "/sd"},
      {R"({"d":"a","u":"https://a","e":-5})", "analytics.bad_event", "/e"},
      {R"({"d":"a","u":"https://a","e":1e300})", "analytics.bad_event", "/e"},
      {R"({"d":"a","u":"https://a","w":-1})", "analytics.bad_event", "/w"},
      {R"({"d":"a","u":"https://a","v":{"lcp":-1}})", "analytics.bad_event", "/v"},
      {R"({"d":"a","u":"https://a","$":{"currency":"euro","amount":1}})", "analytics.bad_event", "/$"},
      {R"({"d":"a","u":"https://a","$":{"currency":"XXQ","amount":1}})", "analytics.bad_event", "/$"},
      {R"({"d":"a","u":"https://a","$":{"currency":"eur","amount":1}})", "analytics.bad_event", "/$"},
      {R"({"d":"a","u":"https://a","$":{"currency":"UR ","amount":1}})", "analytics.bad_event", "/$"},
      {R"({"d":"a","u":"https://a","$":{"currency":"EUR","amount":"inf"}})", "analytics.bad_event", "/$"},
      {R"({"d":"a","u":"https://a","address":"999.1.1.1"})", "analytics.bad_event", "/address"},
      {R"({"d":"a","u":"https://a","p":{"a":[]}})", "analytics.bad_event", "/p"},
      {R"({"d":"a","u":"https://a","n":"engagement"})", "analytics.bad_event", "/engagement_ms"},
      {R"({"d":"a","u":"https://a","timestamp":"yesterday"})", "analytics.bad_event", "/timestamp"},
  };
  for (const auto& bad : cases) {
    const auto events = read_events(bad.body);
    ASSERT_FALSE(events.has_value()) << bad.body;
    EXPECT_EQ(events.error().code, bad.code) << bad.body;
    if (!bad.field.empty()) {
      ASSERT_FALSE(events.error().errors.empty()) << bad.body;
      EXPECT_EQ(events.error().errors[0].field, bad.field) << bad.body;
    }
  }
}

TEST(BeaconEvent, a_body_holds_at_most_a_hundred_events) {
  std::string body = "[";
  for (int i = 0; i < 101; ++i) body += std::string(i == 0 ? "" : ",") + R"({"d":"a","u":"https://a"})";
  EXPECT_EQ(read_events(body + "]").error().code, "analytics.too_many_events");
}

TEST(BeaconEvent, thirty_properties_are_the_most) {
  std::string properties;
  for (int i = 0; i < 31; ++i) properties += fmt::format(R"({}"k{}":1)", i == 0 ? "" : ",", i);
  const auto events = read_events(fmt::format(R"({{"d":"a","u":"https://a","p":{{{}}}}})", properties));
  ASSERT_FALSE(events.has_value());
  EXPECT_EQ(events.error().errors[0].field, "/p");
}

TEST(BeaconEvent, query_parameters_read_like_fields) {
  const auto event = read_event({{"site", "a.com"},
                                 {"url", "https://a.com/"},
                                 {"name", "404"},
                                 {"scroll_depth", "30"},
                                 {"interactive", "false"},
                                 {"props.path", "/x"}});
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->name, "404");
  EXPECT_EQ(event->scroll_depth, 30);
  EXPECT_FALSE(event->interactive);
  ASSERT_EQ(event->properties.size(), 1U);
  EXPECT_EQ(event->properties[0].second, "/x");
  EXPECT_EQ(read_event({{"site", "a"}, {"url", "\xff"}}).error().errors[0].field, "/url");
  EXPECT_EQ(read_event({{"site", "a"}, {"url", "https://a"}, {"nope", "1"}}).error().errors[0].field, "/nope");
}

}  // namespace
}  // namespace mainstay::analytics
