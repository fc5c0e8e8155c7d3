#include "modules/analytics/classify/referrer.h"

#include <gtest/gtest.h>

namespace mainstay::analytics {
namespace {

struct ReferrerCase {
  std::string_view referrer, host, source;
};

TEST(Referrer, known_hosts_have_a_source_and_others_are_their_own) {
  const std::vector<ReferrerCase> cases{
      {"https://www.google.com/", "google.com", "Google"},
      {"https://www.google.co.uk/search?q=secret", "google.co.uk", "Google"},
      {"https://www.google.com.au/", "google.com.au", "Google"},
      {"https://news.google.com/", "news.google.com", "Google News"},
      {"https://mail.google.com/mail/u/0/", "mail.google.com", "Gmail"},
      {"android-app://com.google.android.gm/", "com.google.android.gm", "Gmail"},
      {"android-app://com.google.android.googlequicksearchbox/https/www.google.com",
       "com.google.android.googlequicksearchbox", "Google"},
      {"https://t.co/abc", "t.co", "Twitter"},
      {"https://x.com/", "x.com", "Twitter"},
      {"https://de.search.yahoo.com/", "de.search.yahoo.com", "Yahoo!"},
      {"https://yandex.ru/", "yandex.ru", "Yandex"},
      {"https://duckduckgo.com/", "duckduckgo.com", "DuckDuckGo"},
      {"https://l.facebook.com/l.php?u=x", "l.facebook.com", "Facebook"},
      {"https://news.ycombinator.com/item?id=1", "news.ycombinator.com", "Hacker News"},
      {"https://chatgpt.com/", "chatgpt.com", "ChatGPT"},
      {"https://www.perplexity.ai/search/x", "perplexity.ai", "Perplexity"},
      {"https://claude.ai/chat/1", "claude.ai", "Claude"},
      {"https://gemini.google.com/app", "gemini.google.com", "Gemini"},
      {"https://copilot.microsoft.com/", "copilot.microsoft.com", "Copilot"},
      {"https://www.amazon.de/dp/1", "amazon.de", "Amazon"},
      {"https://blog.example.net/post/?id=7", "blog.example.net", "blog.example.net"},
      {"https://google.evil.example/", "google.evil.example", "google.evil.example"},
  };
  for (const auto& expected : cases) {
    const auto referrer = parse_referrer(expected.referrer, "mysite.test");
    EXPECT_EQ(referrer.host, expected.host) << expected.referrer;
    EXPECT_EQ(referrer.source, expected.source) << expected.referrer;
  }
}

TEST(Referrer, the_query_never_remains) {
  EXPECT_EQ(parse_referrer("https://blog.example.net/post/?token=secret#x", "mysite.test").url,
            "blog.example.net/post");
  EXPECT_EQ(parse_referrer("https://blog.example.net?token=secret", "mysite.test").url, "blog.example.net");
  EXPECT_EQ(parse_referrer("https://user:pw@blog.example.net/", "mysite.test").url, "blog.example.net");
}

TEST(Referrer, own_hosts_loopback_and_other_schemes_are_none) {
  const std::vector<std::string> own{"*.mysite.test", "mysite.example"};
  for (const std::string_view referrer :
       {"", "https://mysite.test/", "https://www.mysite.test/x", "https://shop.mysite.test/", "https://mysite.example/",
        "http://localhost:3000/", "http://127.0.0.1/", "http://127.9.9.9/", "http://[::1]/", "http://a.localhost/",
        "ftp://example.net/", "data:text/html,x", "javascript:1", "example.net", "https://", "https:///path",
        "http://exa mple.net/", "http://<script>/"}) {
    const auto read = parse_referrer(referrer, "mysite.test", own);
    EXPECT_EQ(read.host, "") << referrer;
    EXPECT_EQ(read.source, "") << referrer;
  }
}

TEST(Referrer, spam_is_flagged_below_its_domain_too) {
  EXPECT_TRUE(parse_referrer("http://semalt.com/", "mysite.test").is_spam);
  EXPECT_TRUE(parse_referrer("http://12.semalt.com/project.php", "mysite.test").is_spam);
  EXPECT_FALSE(parse_referrer("http://notsemalt.com/", "mysite.test").is_spam);
}

TEST(Referrer, hostile_bytes_are_survived) {
  std::string bytes = "https://example.net/";
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  EXPECT_EQ(parse_referrer(bytes, "mysite.test").host, "example.net");
  EXPECT_LE(parse_referrer("https://example.net/" + std::string(100'000, 'a'), "mysite.test").url.size(), kUrlBytesMax);
  EXPECT_EQ(parse_referrer("https://\xff\xfe/", "mysite.test").host, "");
}

struct ChannelCase {
  std::string_view query, referrer, source, channel;
};

TEST(Channel, rules_decide_in_order) {
  const std::vector<ChannelCase> cases{
      {"", "", "", "Direct"},
      {"", "https://www.google.com/", "Google", "Organic Search"},
      {"gclid=1", "https://www.google.com/", "Google", "Paid Search"},
      {"gclid=1", "", "Google", "Paid Search"},
      {"msclkid=1", "https://www.bing.com/", "Bing", "Paid Search"},
      {"utm_source=google&utm_medium=cpc", "", "Google", "Paid Search"},
      {"utm_source=adwords&utm_medium=ppc", "", "Google", "Paid Search"},
      {"utm_source=bing&utm_medium=organic", "", "Bing", "Organic Search"},
      {"", "https://t.co/x", "Twitter", "Organic Social"},
      {"fbclid=1", "https://l.facebook.com/", "Facebook", "Organic Social"},
      {"fbclid=1", "", "Facebook", "Organic Social"},
      {"utm_source=facebook&utm_medium=paid_social", "", "Facebook", "Paid Social"},
      {"utm_source=fb&utm_medium=cpc", "", "Facebook", "Paid Social"},
      {"utm_source=acme&utm_medium=social", "", "acme", "Organic Social"},
      {"utm_source=newsletter", "", "newsletter", "Email"},
      {"utm_source=acme&utm_medium=E-Mail", "", "acme", "Email"},
      {"", "https://mail.google.com/", "Gmail", "Email"},
      {"", "https://blog.example.net/", "blog.example.net", "Referral"},
      {"ref=producthunt", "", "Product Hunt", "Organic Social"},
      {"ref=friend", "", "friend", "Referral"},
      {"utm_source=acme&utm_medium=banner", "", "acme", "Display"},
      {"utm_source=acme&utm_medium=cpm", "", "acme", "Display"},
      {"utm_source=acme&utm_medium=affiliate", "", "acme", "Affiliates"},
      {"", "https://www.youtube.com/watch", "YouTube", "Organic Video"},
      {"utm_source=youtube&utm_medium=cpv", "", "YouTube", "Paid Video"},
      {"utm_source=youtube&utm_medium=cpc", "", "YouTube", "Paid Video"},
      {"", "https://www.amazon.de/", "Amazon", "Organic Shopping"},
      {"utm_source=amazon&utm_medium=cpc", "", "Amazon", "Paid Shopping"},
      {"utm_source=google&utm_medium=cpc&utm_campaign=spring-shopping", "", "Google", "Paid Shopping"},
      {"utm_source=google&utm_medium=cpc&utm_campaign=workshop", "", "Google", "Paid Search"},
      {"utm_source=google&utm_medium=cpc&utm_campaign=Cross-network", "", "Google", "Cross-network"},
      {"utm_source=acme&utm_medium=audio", "", "acme", "Audio"},
      {"utm_source=sms", "", "sms", "SMS"},
      {"utm_source=acme&utm_medium=webpush", "", "acme", "Mobile Push Notifications"},
      {"utm_source=firebase", "", "firebase", "Mobile Push Notifications"},
      {"utm_source=acme&utm_medium=cpc", "", "acme", "Paid Other"},
      {"", "https://chatgpt.com/", "ChatGPT", "AI Assistants"},
      {"utm_source=chatgpt.com", "", "ChatGPT", "AI Assistants"},
      {"utm_source=perplexity", "", "Perplexity", "AI Assistants"},
      {"", "https://gemini.google.com/", "Gemini", "AI Assistants"},
      {"utm_source=newsletter", "https://www.google.com/", "newsletter", "Email"},
  };
  for (const auto& expected : cases) {
    const auto page = parse_page_url("https://mysite.test/?" + std::string{expected.query});
    ASSERT_TRUE(page);
    const auto arrival = classify_arrival(*page, parse_referrer(expected.referrer, page->hostname));
    EXPECT_EQ(arrival.source, expected.source) << expected.query << " " << expected.referrer;
    EXPECT_EQ(channel_name(arrival.channel), expected.channel) << expected.query << " " << expected.referrer;
    EXPECT_FALSE(arrival.why.empty());
  }
}

}  // namespace
}  // namespace mainstay::analytics
