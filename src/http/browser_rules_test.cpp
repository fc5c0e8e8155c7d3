#include "http/browser_rules.h"

#include <gtest/gtest.h>

#include "testing/http_client.h"
#include "testing/http_server.h"

namespace mainstay::http {
namespace {

using testing::HttpClient;
using testing::TestServer;

Task<Result<Response>> who(Request& request) {
  co_return text(request.principal.name + "!", "text/html; charset=utf-8");
}

struct Browser : ::testing::Test {
  TestServer test;

  void add(std::string_view path, Permission permission, Route::Browser browser) {
    for (const auto method : {Method::kGet, Method::kPost}) {
      test.router.add({.method = method,
                       .path = path,
                       .permission = permission,
                       .summary = "A test.",
                       .handler = who,
                       .browser = browser});
    }
  }
  void SetUp() override {
    add("/owner", Permission::kManageSites, Route::Browser::kSameOrigin);
    add("/open", Permission::kPublic, Route::Browser::kSameOrigin);
    add("/beacon", Permission::kPublic, Route::Browser::kAnyOrigin);
    test.start();
  }
};

TEST_F(Browser, only_our_own_pages_may_change_something) {
  const std::string cookie = "Cookie: a=b; session=owner\r\n";
  const std::string mark = "X-Mainstay-Request: 1\r\n";
  const std::string origin = "Origin: http://localhost\r\n";
  const struct {
    std::string path, fields;
    int status;
  } cases[] = {
      // Signed in by cookie: same origin and the header.
      {"/owner", cookie + mark + "Sec-Fetch-Site: same-origin\r\n", 200},
      {"/owner", cookie + "Sec-Fetch-Site: same-origin\r\n", 403},
      {"/owner", cookie + mark + "Sec-Fetch-Site: same-site\r\n", 403},
      {"/owner", cookie + mark + "Sec-Fetch-Site: cross-site\r\n", 403},
      {"/owner", cookie + mark + "Sec-Fetch-Site: none\r\n", 403},
      {"/owner", cookie + mark + "Sec-Fetch-Site: cross-site\r\n" + origin, 403},
      {"/owner", cookie + mark + "Sec-Fetch-Site: unheard-of\r\n" + origin, 403},
      {"/owner", cookie + mark + origin, 200},
      {"/owner", cookie + origin, 403},
      {"/owner", cookie + mark, 403},
      {"/owner", cookie + mark + "Origin: null\r\n", 403},
      {"/owner", cookie + mark + "Origin: http://evil.example\r\n", 403},
      {"/owner", cookie + mark + "Origin: https://localhost\r\n", 403},
      {"/owner", cookie + mark + "Origin: http://localhost.evil.example\r\n", 403},
      {"/owner", cookie + mark + "Origin: http://localhost:81\r\n", 403},
      // A proxy that ends TLS says so.
      {"/owner", cookie + mark + "X-Forwarded-Proto: https\r\nOrigin: https://localhost\r\n", 200},
      // By token: no browser sends one by itself.
      {"/owner", "Authorization: Bearer owner\r\n", 200},
      {"/owner", "Authorization: Bearer viewer\r\n", 403},
      {"/owner", "Authorization: Bearer bad\r\n", 401},
      {"/owner", "", 401},
      // Anonymous (sign-in, set-up): a program says nothing of origins; a foreign page is refused.
      {"/open", "", 200},
      {"/open", "Sec-Fetch-Site: same-origin\r\n", 200},
      {"/open", "Sec-Fetch-Site: cross-site\r\n", 403},
      {"/open", "Sec-Fetch-Site: same-site\r\n", 403},
      {"/open", "Sec-Fetch-Site: none\r\n", 403},
      {"/open", origin, 200},
      {"/open", "Origin: null\r\n", 403},
      {"/open", "Origin: http://evil.example\r\n", 403},
      // Called from anywhere by design.
      {"/beacon", "Sec-Fetch-Site: cross-site\r\nOrigin: http://shop.example\r\n", 200},
      {"/beacon", "Origin: null\r\n", 200},
  };
  for (const auto& test_case : cases) {
    const auto answer = HttpClient::post(test.port(), test_case.path, "", test_case.fields);
    EXPECT_EQ(answer.status, test_case.status) << test_case.path << "\n" << test_case.fields;
  }
}

TEST_F(Browser, reading_needs_no_header) {
  EXPECT_EQ(HttpClient::get(test.port(), "/owner", "Cookie: session=owner\r\n").body, "owner!");
}

TEST_F(Browser, a_cookie_that_came_along_with_a_foreign_page_counts_for_nothing) {
  const auto answer =
      HttpClient::post(test.port(), "/beacon", "", "Cookie: session=owner\r\nSec-Fetch-Site: cross-site\r\n");
  EXPECT_EQ(answer.body, "!");
}

TEST_F(Browser, a_preflight_is_answered_for_routes_of_any_origin_only) {
  const auto preflight = [&](std::string_view path) {
    return HttpClient::ask(test.port(),
                           fmt::format("OPTIONS {} HTTP/1.1\r\nHost: localhost\r\nOrigin: http://shop.example\r\n"
                                       "Access-Control-Request-Method: POST\r\n"
                                       "Access-Control-Request-Headers: content-type\r\n\r\n",
                                       path));
  };
  const auto open = preflight("/beacon");
  EXPECT_EQ(open.status, 204);
  EXPECT_EQ(open.header("access-control-allow-origin"), "*");
  EXPECT_EQ(open.header("access-control-allow-methods"), "POST");
  EXPECT_EQ(open.header("access-control-allow-headers"), "content-type, x-site-key");
  EXPECT_EQ(open.header("access-control-allow-credentials"), "");
  const auto own = preflight("/owner");
  EXPECT_EQ(own.status, 204);
  EXPECT_EQ(own.header("access-control-allow-origin"), "");
  EXPECT_EQ(own.header("allow"), "GET, HEAD, POST, OPTIONS");
}

TEST_F(Browser, every_answer_carries_its_protection) {
  const auto page = HttpClient::get(test.port(), "/open");
  EXPECT_EQ(page.header("x-content-type-options"), "nosniff");
  EXPECT_EQ(page.header("referrer-policy"), "strict-origin-when-cross-origin");
  EXPECT_EQ(page.header("cross-origin-resource-policy"), "same-origin");
  EXPECT_EQ(page.header("cross-origin-opener-policy"), "same-origin");
  EXPECT_EQ(page.header("cache-control"), "no-store");
  EXPECT_NE(page.header("content-security-policy").find("script-src 'self';"), std::string::npos);
  EXPECT_NE(page.header("content-security-policy").find("frame-ancestors 'none'"), std::string::npos);
  EXPECT_EQ(page.header("strict-transport-security"), "");
  EXPECT_EQ(page.header("access-control-allow-origin"), "");
  const auto secure = HttpClient::get(test.port(), "/open", "X-Forwarded-Proto: https\r\n");
  EXPECT_NE(secure.header("strict-transport-security"), "");
  const auto problem = HttpClient::get(test.port(), "/nothing");
  EXPECT_EQ(problem.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
  const auto beacon = HttpClient::get(test.port(), "/beacon", "Origin: http://shop.example\r\n");
  EXPECT_EQ(beacon.header("access-control-allow-origin"), "*");
  EXPECT_EQ(beacon.header("cross-origin-resource-policy"), "cross-origin");
}

}  // namespace
}  // namespace mainstay::http
