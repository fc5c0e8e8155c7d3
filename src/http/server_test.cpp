#include "http/server.h"

#include <gtest/gtest.h>

#include "testing/http_client.h"
#include "testing/http_server.h"

namespace mainstay::http {
namespace {

using testing::HttpClient;
using testing::TestServer;

Task<Result<Response>> echo(Request& request) { co_return text(request.body, "text/plain"); }

Route echo_route(std::size_t body_bytes_max = 1 << 20) {
  return {.method = Method::kPost,
          .path = "/echo",
          .permission = Permission::kPublic,
          .summary = "Answers the body.",
          .handler = echo,
          .body_bytes_max = body_bytes_max};
}

struct Server : ::testing::Test {
  TestServer test;

  void start() {
    test.add_text("/hello", "hello");
    test.router.add(echo_route());
    test.start();
  }
};

TEST_F(Server, answers_one_request_after_the_other_on_one_connection) {
  start();
  HttpClient client(test.port());
  for (int i = 0; i < 3; ++i) {
    client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto answer = client.read_answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "hello");
    EXPECT_EQ(answer.header("connection"), "");
    EXPECT_NE(answer.header("date"), "");
    EXPECT_EQ(answer.header("server"), "");
  }
}

TEST_F(Server, answers_a_hundred_pipelined_requests_in_order) {
  start();
  HttpClient client(test.port());
  std::string all;
  for (int i = 0; i < 100; ++i) {
    const auto body = std::to_string(i);
    all += fmt::format("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
  }
  client.send(all);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(client.read_answer().body, std::to_string(i));
}

}  // namespace
}  // namespace mainstay::http
