#include "http/static_files.h"

#include <gtest/gtest.h>

#include "testing/http_client.h"
#include "testing/http_server.h"

namespace mainstay::http {
namespace {

using testing::HttpClient;

constexpr Asset kAssets[] = {
    {"/assets/app-1a2b.js", "text/javascript; charset=utf-8", "\"js\"", "0123456789", "gz345", "br3"},
    {"/favicon.svg", "image/svg+xml", "\"svg\"", "<svg/>", "", ""},
    {"/index.html", "text/html; charset=utf-8", "\"html\"", "<html>", "", ""},
};

struct StaticFiles : ::testing::Test {
  testing::TestServer test;

  void SetUp() override {
    test.add_text("/api/v1/known", "api");
    test.router.set_fallback(static_files(kAssets));
    test.start();
  }
  HttpClient::Answer get(std::string_view path, std::string_view fields = "") {
    return HttpClient::get(test.port(), path, fields);
  }
};

TEST_F(StaticFiles, hashed_names_are_kept_for_ever_and_the_page_is_asked_for_again) {
  const auto script = get("/assets/app-1a2b.js");
  EXPECT_EQ(script.body, "0123456789");
  EXPECT_EQ(script.header("cache-control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(script.header("content-type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(script.header("vary"), "Accept-Encoding");
  EXPECT_EQ(get("/").header("cache-control"), "no-cache");
  EXPECT_EQ(get("/favicon.svg").header("cache-control"), "no-cache");
}

TEST_F(StaticFiles, the_smallest_accepted_variant_is_sent) {
  const struct {
    std::string_view accept, body, encoding;
  } cases[] = {
      {"gzip, deflate, br", "br3", "br"}, {"gzip", "gz345", "gzip"},      {"GZIP;q=1.0", "gz345", "gzip"},
      {"br;q=0, gzip", "gz345", "gzip"},  {"identity", "0123456789", ""}, {"*", "br3", "br"},
      {"gzip;q=0.0", "0123456789", ""},   {"", "0123456789", ""},         {"gzip;q=0.001", "gz345", "gzip"},
  };
  for (const auto& [accept, body, encoding] : cases) {
    const auto answer = get("/assets/app-1a2b.js", fmt::format("Accept-Encoding: {}\r\n", accept));
    EXPECT_EQ(answer.body, body) << accept;
    EXPECT_EQ(answer.header("content-encoding"), encoding) << accept;
  }
}

TEST_F(StaticFiles, what_the_client_has_is_not_sent_again) {
  for (const std::string_view tags : {"\"js\"", "W/\"js\"", "\"x\", \"js\"", "*"}) {
    const auto answer = get("/assets/app-1a2b.js", fmt::format("If-None-Match: {}\r\n", tags));
    EXPECT_EQ(answer.status, 304) << tags;
    EXPECT_EQ(answer.header("etag"), "\"js\"");
    EXPECT_EQ(answer.header("content-length"), "");
  }
  EXPECT_EQ(get("/assets/app-1a2b.js", "If-None-Match: \"other\"\r\n").status, 200);
}

TEST_F(StaticFiles, people_get_the_app_for_its_pages_and_programs_get_404) {
  const std::string_view html = "Accept: text/html,application/xhtml+xml\r\n";
  EXPECT_EQ(get("/sites/7/settings", html).body, "<html>");
  EXPECT_EQ(get("/sites/7/settings").status, 404);
  EXPECT_EQ(get("/assets/gone-9f.js", html).status, 404);
  EXPECT_EQ(get("/api/v1/unknown", html).status, 404);
  EXPECT_EQ(get("/api/v1/known", html).body, "api");
  EXPECT_EQ(get("/../etc/passwd").status, 404);
  EXPECT_EQ(get("/%2e%2e/%2e%2e/etc/passwd").status, 404);
  EXPECT_EQ(HttpClient::post(test.port(), "/", "").status, 404);
}

TEST(WebAssets, the_embedded_bundle_has_a_page) {
  const auto assets = web_assets();
  EXPECT_TRUE(std::is_sorted(assets.begin(), assets.end(),
                             [](const Asset& left, const Asset& right) { return left.path < right.path; }));
  EXPECT_TRUE(
      std::any_of(assets.begin(), assets.end(), [](const Asset& asset) { return asset.path == "/index.html"; }));
}

}  // namespace
}  // namespace mainstay::http
