#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fstream>
#include <future>

#include "testing/http_client.h"
#include "testing/http_server.h"
#include "testing/temporary_folder.h"

namespace mainstay::http {
namespace {

using testing::HttpClient;
using testing::TestServer;
using namespace std::chrono_literals;

/// Waits until the test lets it go, or for long.
struct Gate {
  std::promise<void> entered;
  std::atomic<bool> open{false};

  Task<Result<Response>> wait() {
    entered.set_value();
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    for (int i = 0; i < 20'000 && !open; ++i) {
      timer.expires_after(1ms);
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
    co_return text("done", "text/plain");
  }
};

/// Ten pieces within the patience of each, then one that comes too late.
Task<> write_slowly(BodyWriter& writer) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  const std::string padding(64 << 10, ' ');
  for (int i = 0; i < 10; ++i) {
    timer.expires_after(50ms);
    co_await timer.async_wait(boost::asio::use_awaitable);
    co_await writer.write(fmt::format("piece {}", i) + padding);
  }
  // In steps, so that a machine that stands still delays this as it delays the deadline.
  for (int i = 0; i < 20; ++i) {
    timer.expires_after(50ms);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
  co_await writer.write("too late");
}

struct Limited : ::testing::Test {
  TestServer test;
  Gate gate;

  void start() {
    test.add_text("/hello", "hello");
    test.add_text("/large", std::string(32 << 20, 'x'));
    test.router.add({.method = Method::kPost,
                     .path = "/body",
                     .permission = Permission::kPublic,
                     .summary = "Takes a body.",
                     .handler = [](Request&) -> Task<Result<Response>> { co_return no_content(); }});
    test.router.add({.method = Method::kGet,
                     .path = "/gate",
                     .permission = Permission::kPublic,
                     .summary = "Waits.",
                     .handler = [this](Request&) { return gate.wait(); }});
    test.start();
  }
  bool metric_comes(std::string_view line) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (test.metrics.render().find(line) == std::string::npos) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }
};

TEST_F(Limited, a_header_that_does_not_come_is_408) {
  test.options.limits.header_patience = 100ms;
  start();
  HttpClient client(test.port());
  client.send("GET /hello HTTP/1.1\r\nHo");
  EXPECT_EQ(client.read_answer().status, 408);
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(Limited, a_header_that_dribbles_in_is_408_all_the_same) {
  test.options.limits.header_patience = 200ms;
  start();
  HttpClient client(test.port());
  client.send("GET /hello HTTP/1.1\r\n");
  std::thread dribble([&] {
    while (client.send("X: y\r\n")) std::this_thread::sleep_for(10ms);
  });
  EXPECT_EQ(client.read_answer().status, 408);
  EXPECT_TRUE(client.closed_by_server());
  ::shutdown(client.native_handle(), SHUT_RDWR);
  dribble.join();
}

TEST_F(Limited, a_body_that_does_not_come_is_408) {
  test.options.limits.body_patience = 100ms;
  start();
  HttpClient client(test.port());
  client.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf");
  EXPECT_EQ(client.read_answer().status, 408);
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(Limited, an_idle_connection_is_closed_without_a_word) {
  test.options.limits.idle_patience = 100ms;
  start();
  HttpClient client(test.port());
  client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.read_answer().status, 200);
  EXPECT_EQ(client.read_until("never"), "");
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(Limited, a_client_that_does_not_read_is_closed) {
  test.options.limits.write_patience = 100ms;
  start();
  HttpClient client(test.port());
  client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(client.read_until("\r\n\r\n"), "");
  EXPECT_TRUE(metric_comes("mainstay_http_connections 0\n"));
}

TEST_F(Limited, a_handler_that_takes_too_long_is_503) {
  test.options.limits.handler_patience = 100ms;
  start();
  HttpClient client(test.port());
  client.send("GET /gate HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto answer = client.read_answer();
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.header("retry-after"), "");
  EXPECT_TRUE(client.closed_by_server());
  gate.open = true;
}

TEST_F(Limited, a_stream_may_last_but_not_stand_still) {
  test.options.limits.handler_patience = 300ms;
  test.router.add({.method = Method::kGet,
                   .path = "/stream",
                   .permission = Permission::kPublic,
                   .summary = "Streams for longer than the patience, then stands still.",
                   .handler = [](Request&) -> Task<Result<Response>> {
                     Response response;
                     response.body = StreamBody{[](BodyWriter& writer) { return write_slowly(writer); }};
                     co_return response;
                   }});
  start();
  HttpClient client(test.port());
  client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto all = client.read_until("0\r\n\r\n");
  EXPECT_NE(all.find("piece 9"), std::string::npos);
  EXPECT_EQ(all.find("too late"), std::string::npos);
  EXPECT_EQ(all.find("503"), std::string::npos);
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(Limited, a_connection_too_many_is_503_and_one_that_ends_makes_room) {
  test.options.limits.connections_max = 2;
  start();
  HttpClient second(test.port());
  second.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(second.read_answer().status, 200);
  {
    HttpClient first(test.port());
    first.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(first.read_answer().status, 200);
    HttpClient third(test.port());
    const auto answer = third.read_answer();
    EXPECT_EQ(answer.status, 503);
    EXPECT_NE(answer.header("retry-after"), "");
    EXPECT_NE(answer.body.find("http.too_many_connections"), std::string::npos);
  }
  EXPECT_TRUE(metric_comes("mainstay_http_connections 1\n"));
  EXPECT_EQ(HttpClient::get(test.port(), "/hello").status, 200);
}

TEST_F(Limited, a_client_that_asks_too_often_is_429_and_others_are_not) {
  test.options.limits.requests_per_second = 0.001;
  test.options.limits.requests_burst = 3;
  start();
  const auto ask = [&](std::string_view client) {
    return HttpClient::get(test.port(), "/hello", fmt::format("X-Forwarded-For: {}\r\n", client));
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask("203.0.113.7").status, 200);
  const auto answer = ask("203.0.113.7");
  EXPECT_EQ(answer.status, 429);
  EXPECT_NE(answer.header("retry-after"), "");
  EXPECT_EQ(ask("203.0.113.8").status, 200);
  // Addresses of one IPv6 network are one client; programs on this machine are not limited.
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(fmt::format("2001:db8::{}", i)).status, 200);
  EXPECT_EQ(ask("2001:db8::ffff").status, 429);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(HttpClient::get(test.port(), "/hello").status, 200);
}

TEST_F(Limited, a_draining_server_finishes_requests_in_flight_and_takes_no_more) {
  start();
  const auto port = test.port();
  HttpClient idle(port);
  idle.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  idle.read_answer();
  HttpClient busy(port);
  busy.send("GET /gate HTTP/1.1\r\nHost: x\r\n\r\n");
  gate.entered.get_future().wait();
  EXPECT_TRUE(test.server->ready());
  auto drained = std::async(std::launch::async, [&] { test.server->drain(20s); });
  EXPECT_TRUE(idle.closed_by_server());
  EXPECT_FALSE(test.server->ready());
  gate.open = true;
  const auto answer = busy.read_answer();
  EXPECT_EQ(answer.body, "done");
  EXPECT_EQ(answer.header("connection"), "close");
  drained.wait();
  EXPECT_THROW(HttpClient{port}, std::system_error);
}

TEST_F(Limited, a_drain_ends_when_its_patience_does) {
  start();
  HttpClient busy(test.port());
  busy.send("GET /gate HTTP/1.1\r\nHost: x\r\n\r\n");
  gate.entered.get_future().wait();
  auto drained = std::async(std::launch::async, [&] { test.server->drain(1ms); });
  EXPECT_TRUE(busy.closed_by_server());
  gate.open = true;
  drained.wait();
}

TEST_F(Limited, a_port_in_use_is_refused_at_start) {
  start();
  TestServer second;
  second.options.port = test.port();
  EXPECT_THROW(second.start(), std::system_error);
}

TEST_F(Limited, the_local_socket_makes_its_peer_the_owner_and_no_proxy_can) {
  const testing::TemporaryFolder folder;
  test.options.unix_socket = (folder.path() / "socket").string();
  test.router.add({.method = Method::kPost,
                   .path = "/users",
                   .permission = Permission::kManageUsers,
                   .summary = "For the owner.",
                   .handler = [](Request& request) -> Task<Result<Response>> {
                     co_return text(request.principal.name, "text/plain");
                   }});
  start();
  HttpClient local(test.options.unix_socket);
  local.send(
      "POST /users HTTP/1.1\r\nHost: x\r\n\r\nPOST /users HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n");
  EXPECT_EQ(local.read_answer().body, "local socket");
  EXPECT_EQ(local.read_answer().status, 401);
  EXPECT_EQ(std::filesystem::status(test.options.unix_socket).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(HttpClient::post(test.port(), "/users", "").status, 401);
}

/// Runs in a process of its own: takes away its descriptors and gives them back.
int survive_without_descriptors() {
  TestServer test;
  test.add_text("/hello", "hello");
  test.start();
  HttpClient before(test.port());
  before.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  if (before.read_answer().status != 200) return 1;
  // The client's own descriptor is the last one: the server gets none for it.
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const auto soft = limit.rlim_cur;
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  limit.rlim_cur = static_cast<rlim_t>(probe) + 1;
  ::close(probe);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  HttpClient starved(test.port(), 60s);
  starved.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto pauses = [&] {
    const auto all = test.metrics.render();
    const auto at = all.find("\nmainstay_http_accept_pauses_total ");
    return at == std::string::npos ? 0 : std::atoi(all.c_str() + at + 35);
  };
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (pauses() < 3 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  const int paused = pauses();
  if (paused < 3 || paused > 100) return 2;
  before.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  if (before.read_answer().status != 200) return 3;  // who is there is served on
  limit.rlim_cur = soft;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return starved.read_answer().status == 200 ? 0 : 4;
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

TEST(AcceptLoop, without_descriptors_it_pauses_says_so_once_and_recovers) {
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
  GTEST_SKIP() << "the sanitizer's look at virtual tables needs descriptors itself";
#endif
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      std::_Exit(survive_without_descriptors()), ::testing::ExitedWithCode(0),
      ::testing::Truly([](const std::string& log) { return count(log, "cannot accept connections, pausing") == 1; }));
}

}  // namespace
}  // namespace mainstay::http
