// What is answered before a body is read, and the memory that all bodies share.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "http/inflate.h"
#include "testing/http_client.h"
#include "testing/http_server.h"

namespace mainstay::http {
namespace {

using testing::HttpClient;
using testing::TestServer;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::size_t kBodyBytesMax = 64 << 10;

struct EarlyAnswer : ::testing::Test {
  TestServer test;
  std::mutex mutex;
  std::vector<std::string> refused;  ///< guarded by `mutex`
  std::atomic<bool> open{true};
  std::atomic<int> handled{0};

  Route route(std::string_view path) {
    return {.method = Method::kPost,
            .path = path,
            .permission = Permission::kPublic,
            .summary = "Takes a body and waits until it may answer.",
            .handler = [this](Request& request) { return handle(request); },
            .body_bytes_max = kBodyBytesMax,
            .on_refused =
                [this](std::string_view code) {
                  const std::scoped_lock lock(mutex);
                  refused.emplace_back(code);
                }};
  }
  Task<Result<Response>> handle(Request& request) {
    ++handled;
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    for (int i = 0; i < 20'000 && !open; ++i) {
      timer.expires_after(1ms);
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
    co_return text(std::to_string(request.body.size()), "text/plain");
  }
  void start() {
    test.router.add(route("/body"));
    auto checked = route("/checked");
    checked.check = [](const Request& request) -> Result<> {
      EXPECT_EQ(request.body, "");
      if (request.query_parameter("key") == "right") return {};
      return refuse(Refusal::kForbidden, "test.wrong_key", "This is not the key.");
    };
    test.router.add(std::move(checked));
    auto own = route("/own");
    own.permission = Permission::kManageSites;
    test.router.add(std::move(own));
    test.start();
  }
  bool shows(std::string_view metric) { return test.metrics.render().contains(metric); }
  std::vector<std::string> told() {
    const std::scoped_lock lock(mutex);
    return refused;
  }
  /// True as soon as `path` is being handled.
  bool reaches_handler(int count) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (handled < count) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }
  static std::string head(std::string_view target, std::string_view fields) {
    return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\n{}\r\n", target, fields);
  }
};

TEST_F(EarlyAnswer, a_body_that_the_route_refuses_is_not_waited_for) {
  start();
  HttpClient client(test.port());
  client.send(head("/checked?key=wrong", "Content-Length: 60000\r\n"));
  const auto answer = client.read_answer();
  EXPECT_EQ(answer.status, 403);
  EXPECT_THAT(answer.body, HasSubstr("test.wrong_key"));
  EXPECT_EQ(answer.header("connection"), "close");
  client.shutdown_write();
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_EQ(handled, 0);
}

TEST_F(EarlyAnswer, a_body_without_permission_is_not_waited_for) {
  start();
  for (const auto& [fields, status] : std::vector<std::pair<std::string, int>>{
           {"", 401}, {"Authorization: Bearer viewer\r\n", 403}, {"Authorization: Bearer bad\r\n", 401}}) {
    HttpClient client(test.port());
    client.send(head("/own", fields + "Content-Length: 60000\r\n"));
    EXPECT_EQ(client.read_answer().status, status) << fields;
  }
  EXPECT_EQ(handled, 0);
  EXPECT_THAT(told(), ElementsAre("http.sign_in_required", "http.not_permitted", "test.bad_token"));
}

TEST_F(EarlyAnswer, a_client_that_asks_first_is_told_to_go_on_only_after_the_check) {
  start();
  HttpClient refused_client(test.port());
  refused_client.send(head("/checked?key=wrong", "Expect: 100-continue\r\nContent-Length: 5\r\n"));
  EXPECT_THAT(refused_client.read_until("\r\n"), StartsWith("HTTP/1.1 403"));
  HttpClient client(test.port());
  client.send(head("/checked?key=right", "Expect: 100-continue\r\nContent-Length: 5\r\n"));
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("12345");
  EXPECT_EQ(client.read_answer().body, "5");
}

TEST_F(EarlyAnswer, a_check_holds_for_a_request_without_a_body_too) {
  start();
  EXPECT_EQ(HttpClient::post(test.port(), "/checked?key=wrong", "").status, 403);
  EXPECT_EQ(HttpClient::post(test.port(), "/checked?key=right", "").status, 200);
}

TEST_F(EarlyAnswer, bodies_beyond_the_memory_are_503_until_others_are_done) {
  test.options.limits.body_memory_bytes = 64 << 10;
  start();
  const std::string body(40'000, 'b');
  open = false;
  HttpClient first(test.port());
  first.send(head("/body", "Content-Length: 40000\r\n") + body);
  ASSERT_TRUE(reaches_handler(1));
  EXPECT_TRUE(shows("mainstay_http_body_bytes 40000\n"));

  HttpClient second(test.port());
  second.send(head("/body", "Expect: 100-continue\r\nContent-Length: 40000\r\n"));
  const auto refused_answer = second.read_answer();
  EXPECT_EQ(refused_answer.status, 503);
  EXPECT_THAT(refused_answer.body, HasSubstr("http.body_memory"));
  EXPECT_NE(refused_answer.header("retry-after"), "");
  HttpClient chunked(test.port());
  chunked.send(head("/body", "Transfer-Encoding: chunked\r\n") + "9c40\r\n" + body + "\r\n0\r\n\r\n");
  EXPECT_EQ(chunked.read_answer().status, 503);
  EXPECT_TRUE(shows("mainstay_http_refused_total{code=\"http.body_memory\"} 2\n"));
  HttpClient small(test.port());
  small.send(head("/body", "Content-Length: 5\r\n") + "small");
  ASSERT_TRUE(reaches_handler(2)) << "what stands in the connection's own buffer needs no share";

  open = true;
  EXPECT_EQ(first.read_answer().body, "40000");
  EXPECT_EQ(small.read_answer().body, "5");
  EXPECT_EQ(HttpClient::post(test.port(), "/body", body).body, "40000");
  EXPECT_EQ(HttpClient::get(test.port(), "/nothing").status, 404);
  EXPECT_TRUE(shows("mainstay_http_body_bytes 0\n"));
  EXPECT_THAT(told(), ElementsAre("http.body_memory", "http.body_memory"));
}

TEST_F(EarlyAnswer, a_body_that_could_never_be_held_is_too_large_and_not_put_off) {
  test.options.limits.body_memory_bytes = 32 << 10;
  start();
  const std::string body(40'000, 'b');
  HttpClient client(test.port());
  client.send(head("/body", "Content-Length: 40000\r\n"));
  EXPECT_EQ(client.read_answer().status, 413);
  HttpClient chunked(test.port());
  chunked.send(head("/body", "Transfer-Encoding: chunked\r\n") + "9c40\r\n" + body + "\r\n0\r\n\r\n");
  EXPECT_EQ(chunked.read_answer().status, 413);
  EXPECT_EQ(HttpClient::post(test.port(), "/body", gzip(body, 6), "Content-Encoding: gzip\r\n").status, 413);
  EXPECT_EQ(HttpClient::post(test.port(), "/body", body.substr(0, 30'000)).body, "30000");
}

TEST_F(EarlyAnswer, a_connection_that_lives_on_keeps_no_large_body) {
  start();
  HttpClient client(test.port());
  for (int i = 0; i < 3; ++i) {
    client.send(head("/body", "Content-Length: 50000\r\n") + std::string(50'000, 'b'));
    EXPECT_EQ(client.read_answer().body, "50000");
  }
  client.send("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.read_answer().status, 404);
  EXPECT_TRUE(shows("mainstay_http_body_bytes 0\n"));
}

TEST_F(EarlyAnswer, a_route_is_told_what_is_refused_before_its_handler) {
  test.options.limits.body_patience = 100ms;
  start();
  EXPECT_EQ(HttpClient::post(test.port(), "/body", std::string(kBodyBytesMax + 1, 'b')).status, 413);
  EXPECT_EQ(HttpClient::post(test.port(), "/body", "b", "Content-Encoding: br\r\n").status, 415);
  EXPECT_EQ(HttpClient::post(test.port(), "/body", "b", "Content-Encoding: gzip\r\n").status, 400);
  HttpClient slow(test.port());
  slow.send(head("/body", "Content-Length: 9\r\n") + "half");
  EXPECT_EQ(slow.read_answer().status, 408);
  EXPECT_EQ(HttpClient::post(test.port(), "/body", "fine").status, 200);
  EXPECT_THAT(told(),
              ElementsAre("http.body_too_large", "http.unknown_encoding", "http.bad_encoding", "http.body_timeout"));
}

}  // namespace
}  // namespace mainstay::http
