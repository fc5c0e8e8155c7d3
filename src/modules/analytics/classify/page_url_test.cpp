#include "modules/analytics/classify/page_url.h"

#include <gtest/gtest.h>

#include <vector>

namespace mainstay::analytics {
namespace {

struct UrlCase {
  std::string_view url, hostname, path;
};

TEST(PageUrl, host_and_path_are_brought_to_one_form) {
  const std::vector<UrlCase> cases{
      {"https://www.Example.com:8443/", "example.com", "/"},
      {"https://example.com", "example.com", "/"},
      {"http://example.com/a/b/", "example.com", "/a/b"},
      {"http://example.com/a//", "example.com", "/a"},
      {"https://user:secret@example.com/x?y=1#z", "example.com", "/x"},
      {"https://example.com?utm_source=x", "example.com", "/"},
      {"https://example.com/caf%C3%A9", "example.com", "/café"},
      {"https://example.com/caf\xC3\xA9", "example.com", "/café"},
      {"https://example.com/50%", "example.com", "/50%"},
      {"https://example.com/a%2Fb", "example.com", "/a/b"},
      {"https://[2001:db8::1]:80/p", "[2001:db8::1]", "/p"},
      {"file:///home/a.html", "(none)", "/home/a.html"},
      {"app://local/start", "local", "/start"},
      {"HTTPS://EXAMPLE.COM/Path", "example.com", "/Path"},
  };
  for (const auto& expected : cases) {
    const auto page = parse_page_url(expected.url);
    ASSERT_TRUE(page) << expected.url << ": " << page.error().message;
    EXPECT_EQ(page->hostname, expected.hostname) << expected.url;
    EXPECT_EQ(page->path, expected.path) << expected.url;
  }
}

TEST(PageUrl, the_fragment_counts_with_hash_routing_only) {
  EXPECT_EQ(parse_page_url("https://example.com/#/settings")->path, "/");
  EXPECT_EQ(parse_page_url("https://example.com/#/settings", HashRouting::kOn)->path, "/#/settings");
  EXPECT_EQ(parse_page_url("https://example.com/app/?a=1#x%20y", HashRouting::kOn)->path, "/app#x y");
  EXPECT_EQ(parse_page_url("https://example.com/#", HashRouting::kOn)->path, "/");
}

TEST(PageUrl, campaign_fields_are_decoded_and_the_rest_of_the_query_is_gone) {
  const auto page = parse_page_url(
      "https://example.com/?utm_source=News%20Letter&utm_medium=e-mail&utm_campaign=spring+sale&utm_content=a%26b&"
      "utm_term=shoes&secret=42&utm_source=second");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->campaign.source, "News Letter");
  EXPECT_EQ(page->campaign.medium, "e-mail");
  EXPECT_EQ(page->campaign.campaign, "spring sale");
  EXPECT_EQ(page->campaign.content, "a&b");
  EXPECT_EQ(page->campaign.term, "shoes");
  EXPECT_EQ(page->path, "/");
}

TEST(PageUrl, ref_wins_over_source) {
  EXPECT_EQ(parse_page_url("https://example.com/?source=b&ref=a")->ref, "a");
  EXPECT_EQ(parse_page_url("https://example.com/?source=b")->ref, "b");
  EXPECT_EQ(parse_page_url("https://example.com/?ref=%FF")->ref, "");
}

TEST(PageUrl, of_a_click_id_only_the_name_is_kept) {
  for (const std::string name : {"gclid", "gbraid", "wbraid", "msclkid", "fbclid", "twclid", "ttclid", "dclid"}) {
    const auto page = parse_page_url("https://example.com/?a=1&" + name + "=Secret123");
    ASSERT_TRUE(page);
    EXPECT_EQ(page->click_id, name);
    EXPECT_EQ(page->path, "/");
  }
  EXPECT_EQ(parse_page_url("https://example.com/?gclid=")->click_id, "");
  EXPECT_EQ(parse_page_url("https://example.com/?clid=1")->click_id, "");
}

TEST(PageUrl, what_is_no_page_is_refused) {
  const std::vector<std::string> bad{"",
                                     "example.com/x",
                                     "/path",
                                     "data:text/html,hi",
                                     "JavaScript:alert(1)",
                                     "blob:https://example.com/1",
                                     "about:blank",
                                     "https://exa mple.com/",
                                     "https://example.com/\x01",
                                     std::string{"https://example.com/\0x", 22},
                                     "https://example.com/%00",
                                     "https://example.com/%ff",
                                     "https://example.com/\xff",
                                     "https://<script>/",
                                     "://example.com",
                                     "1http://example.com",
                                     "https://example.com/" + std::string(kUrlBytesMax, 'a')};
  for (const auto& url : bad) {
    const auto page = parse_page_url(url);
    ASSERT_FALSE(page) << url;
    EXPECT_EQ(page.error().code, "analytics.bad_url");
  }
  EXPECT_TRUE(parse_page_url("https://example.com/" + std::string(kUrlBytesMax - 20, 'a')));
}

TEST(RequestTarget, takes_the_host_that_was_asked) {
  const auto page = parse_request_target("www.example.com", "/shop/?utm_source=x&gclid=1");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->hostname, "example.com");
  EXPECT_EQ(page->path, "/shop");
  EXPECT_EQ(page->campaign.source, "x");
  EXPECT_EQ(page->click_id, "gclid");
  EXPECT_EQ(parse_request_target("", "http://other.test/a")->hostname, "other.test");
  EXPECT_EQ(parse_request_target("", "/a")->hostname, "(none)");
  EXPECT_EQ(parse_request_target("example.com", "http://other.test/a")->path, "/a");
}

TEST(RequestTarget, bytes_that_are_no_text_stay_encoded_and_what_is_no_path_is_refused) {
  EXPECT_EQ(parse_request_target("example.com", "/%ff")->path, "/%ff");
  EXPECT_EQ(parse_request_target("example.com", "/%00")->path, "/%00");
  for (const std::string_view target : {"", "*", "example.com:443", "\x16\x03\x01", "/a\nb"}) {
    EXPECT_FALSE(parse_request_target("example.com", target)) << target;
  }
}

}  // namespace
}  // namespace mainstay::analytics
