#include "modules/analytics/classify/match.h"

#include <gtest/gtest.h>

namespace mainstay::analytics {
namespace {

TEST(Match, a_host_is_brought_to_one_form) {
  EXPECT_EQ(normal_host("WWW.Example.com:443"), "example.com");
  EXPECT_EQ(normal_host("example.com."), "example.com");
  EXPECT_EQ(normal_host("[2001:db8::1]:8080"), "[2001:db8::1]");
  EXPECT_EQ(normal_host("2001:db8::1"), "2001:db8::1");
  EXPECT_EQ(normal_host("www.com"), "www.com");
  EXPECT_EQ(normal_host(""), "");
}

TEST(Match, a_host_pattern_is_exact_or_for_names_below) {
  EXPECT_TRUE(host_matches("example.com", "example.com"));
  EXPECT_TRUE(host_matches("www.Example.com", "example.com"));
  EXPECT_FALSE(host_matches("example.com", "shop.example.com"));
  EXPECT_TRUE(host_matches("*.example.com", "shop.example.com"));
  EXPECT_TRUE(host_matches("*.example.com", "a.b.example.com"));
  EXPECT_FALSE(host_matches("*.example.com", "example.com"));
  EXPECT_FALSE(host_matches("*.example.com", "badexample.com"));
  EXPECT_FALSE(host_matches("example.com", "example.com.evil.test"));
  EXPECT_TRUE(host_matches("*", "anything.test"));
  EXPECT_FALSE(host_allowed({}, "example.com"));
  EXPECT_TRUE(host_allowed({"other.test", "*.example.com"}, "x.example.com"));
}

TEST(Match, a_star_stays_within_a_segment_and_two_do_not) {
  EXPECT_TRUE(path_matches("/blog/*", "/blog/one"));
  EXPECT_FALSE(path_matches("/blog/*", "/blog/one/two"));
  EXPECT_TRUE(path_matches("/blog/**", "/blog/one/two"));
  EXPECT_TRUE(path_matches("/blog/*/edit", "/blog/7/edit"));
  EXPECT_FALSE(path_matches("/blog/*/edit", "/blog/7/8/edit"));
  EXPECT_TRUE(path_matches("/blog/**/edit", "/blog/7/8/edit"));
  EXPECT_TRUE(path_matches("**/edit", "/blog/7/8/edit"));
  EXPECT_TRUE(path_matches("**", "/"));
  EXPECT_TRUE(path_matches("/a*b*c", "/aXbYc"));
  EXPECT_FALSE(path_matches("/a*b*c", "/aXbYd"));
  EXPECT_TRUE(path_matches("/*.html", "/index.html"));
  EXPECT_FALSE(path_matches("/*.html", "/x/index.html"));
  EXPECT_TRUE(path_matches("/**x/*y", "/x/aax/y"));
  EXPECT_TRUE(path_matches("/", "/"));
  EXPECT_FALSE(path_matches("/", "/a"));
  EXPECT_FALSE(path_matches("", "/a"));
  EXPECT_TRUE(path_matches("", ""));
  EXPECT_TRUE(path_matches("/a*", "/a"));
}

TEST(Match, what_is_below_a_page_includes_the_page) {
  EXPECT_TRUE(path_matches("/docs/**", "/docs"));
  EXPECT_TRUE(path_matches("/docs/**", "/docs/a/b"));
  EXPECT_FALSE(path_matches("/docs/**", "/docsearch"));
  EXPECT_TRUE(path_matches("/*/docs/**", "/en/docs"));
  EXPECT_FALSE(path_matches("/docs/*", "/docs"));
  EXPECT_TRUE(path_matches("/**", "/"));
}

TEST(Match, a_glob_ends_as_paths_do) {
  EXPECT_EQ(normal_path_glob("/docs/"), "/docs");
  EXPECT_EQ(normal_path_glob("/"), "/");
  EXPECT_EQ(normal_path_glob("/docs/**"), "/docs/**");
}

TEST(Match, the_registrable_domain_follows_the_public_suffix_list) {
  EXPECT_EQ(registrable_domain("a.b.example.co.uk"), "example.co.uk");
  EXPECT_EQ(registrable_domain("www.example.com"), "example.com");
  EXPECT_EQ(registrable_domain("alice.github.io"), "alice.github.io");
  EXPECT_EQ(registrable_domain("co.uk"), "co.uk");
  EXPECT_EQ(registrable_domain("localhost"), "localhost");
  EXPECT_EQ(registrable_domain("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(registrable_domain("[2001:db8::1]"), "2001:db8::1");
  EXPECT_EQ(registrable_domain(""), "(none)");
  EXPECT_EQ(registrable_domain("(none)"), "(none)");
}

}  // namespace
}  // namespace mainstay::analytics
