#include "http/platform_routes.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "testing/http_client.h"
#include "testing/http_server.h"

namespace mainstay::http {
namespace {

using testing::HttpClient;

struct Platform : ::testing::Test {
  testing::TestServer test;
  std::atomic<bool> ready{true};

  void SetUp() override {
    test.router.add(platform_routes(
        {.metrics = test.metrics, .router = test.router, .version = "1.0", .ready = [this] { return ready.load(); }}));
    test.start();
  }
};

TEST_F(Platform, alive_and_ready_are_two_questions) {
  EXPECT_EQ(HttpClient::get(test.port(), "/readyz").status, 200);
  ready = false;
  const auto answer = HttpClient::get(test.port(), "/readyz");
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.header("retry-after"), "");
  EXPECT_EQ(HttpClient::get(test.port(), "/healthz").status, 200);
}

TEST_F(Platform, metrics_are_for_this_machine_and_for_administrators) {
  const auto get = [&](std::string_view fields) { return HttpClient::get(test.port(), "/metrics", fields); };
  EXPECT_NE(get("").body.find("mainstay_http_requests_total"), std::string::npos);
  EXPECT_EQ(get("X-Forwarded-For: 203.0.113.7\r\n").status, 401);
  EXPECT_EQ(get("X-Forwarded-For: 127.0.0.1\r\n").status, 401);
  EXPECT_EQ(get("Via: 1.1 proxy\r\n").status, 401);
  EXPECT_EQ(get("X-Forwarded-For: 203.0.113.7\r\nAuthorization: Bearer viewer\r\n").status, 403);
  EXPECT_EQ(get("X-Forwarded-For: 203.0.113.7\r\nAuthorization: Bearer owner\r\n").status, 200);
}

TEST_F(Platform, the_interface_describes_itself) {
  const auto document = json::parse(HttpClient::get(test.port(), "/api/openapi.json").body);
  ASSERT_TRUE(document);
  EXPECT_TRUE(document->at("paths").as_object().contains("/api/openapi.json"));
}

}  // namespace
}  // namespace mainstay::http
