#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "http/live.h"
#include "testing/http_client.h"
#include "testing/http_server.h"

namespace mainstay::testing {

/// A server with one live stream at /live, of messages that tests publish.
struct LiveFixture : ::testing::Test {
  static constexpr std::string_view kSubject = "events.test.live.1";
  TestServer test;
  http::LiveBody::Delivery delivery = http::LiveBody::Delivery::kNewest;
  bool snapshot = true;
  std::vector<std::string> rights;  ///< of the streams that are opened from now on
  Instant ends_at = Instant::max();
  std::function<void()> once_asked;  ///< happens within the first call of the handler, once
  bool withdrawn = false;

  void start() {
    test.router.add({.method = http::Method::kGet,
                     .path = "/live",
                     .permission = Permission::kPublic,
                     .summary = "A live stream.",
                     .handler = [this](http::Request&) { return answer(); }});
    test.start();
  }
  Task<Result<http::Response>> answer() {
    if (withdrawn) co_return refuse(Refusal::kForbidden, "test.withdrawn", "No longer.");
    if (const auto happens = std::exchange(once_asked, nullptr)) happens();
    http::LiveBody body{.patterns = {"events.test.live.*", "events.test.>"},
                        .snapshot = {},
                        .ends_with = rights,
                        .ends_at = ends_at,
                        .delivery = delivery};
    if (snapshot) body.snapshot.emplace_back(kSubject, "{\"n\":0}");
    http::Response response;
    response.body = std::move(body);
    co_return response;
  }
  void publish(int number) { test.bus.publish(std::string{kSubject}, fmt::format("{{\"n\":{}}}", number)); }
  void publish_to(int last) {
    for (int i = 1; i <= last; ++i) publish(i);
  }

  static std::string open(HttpClient& client, std::string_view fields = "") {
    client.send(fmt::format("GET /live HTTP/1.1\r\nHost: localhost\r\n{}\r\n", fields));
    return client.read_until("\r\n\r\n");
  }
  /// Opens a stream and reads its snapshot.
  static void begin(HttpClient& client, std::string_view fields = "") {
    open(client, fields);
    client.read_until("{\"n\":0}\n\n");
  }
  static std::string open_websocket(HttpClient& client, std::string_view fields = "") {
    return open(client,
                fmt::format("Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}",
                            fields));
  }
  /// The payload of the next frame, which is short.
  static std::string read_frame(HttpClient& client, unsigned first_byte) {
    const auto head = client.read_bytes(2);
    if (head.size() != 2) return "closed";
    EXPECT_EQ(static_cast<unsigned char>(head[0]), first_byte);
    std::size_t size = static_cast<unsigned char>(head[1]);
    if (size == 126) {
      const auto extended = client.read_bytes(2);
      size = static_cast<std::size_t>(static_cast<unsigned char>(extended[0])) << 8 |
             static_cast<unsigned char>(extended[1]);
    }
    return client.read_bytes(size);
  }
  static std::string id_of(std::string_view event) {
    const auto line = event.substr(event.find("id: ") + 4);
    return std::string{line.substr(0, line.find('\n'))};
  }
};

}  // namespace mainstay::testing
