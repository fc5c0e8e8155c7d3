#include "http/live.h"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>

#include "base/text.h"
#include "testing/http_client.h"
#include "testing/http_server.h"

namespace mainstay::http {
namespace {

using testing::HttpClient;
using testing::TestServer;

constexpr std::string_view kSubject = "events.test.live.1";

std::string masked(unsigned first_byte, std::string_view payload) {
  std::string frame;
  frame += static_cast<char>(first_byte);
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80 | payload.size());
  } else {
    frame += static_cast<char>(0x80 | 127);
    for (int i = 7; i >= 0; --i) frame += static_cast<char>((payload.size() >> (8 * i)) & 0xff);
  }
  const std::string_view mask = "\x11\x22\x33\x44";
  frame += mask;
  for (std::size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(payload[i] ^ mask[i % 4]);
  return frame;
}

struct Live : ::testing::Test {
  TestServer test;
  LiveBody::Delivery delivery = LiveBody::Delivery::kNewest;
  bool snapshot = true;
  std::vector<std::string> rights;  ///< of the streams that are opened from now on
  Instant ends_at = Instant::max();
  std::function<void()> once_asked;  ///< happens within the first call of the handler, once
  bool withdrawn = false;

  void start() {
    test.router.add({.method = Method::kGet,
                     .path = "/live",
                     .permission = Permission::kPublic,
                     .summary = "A live stream.",
                     .handler = [this](Request&) { return answer(); }});
    test.start();
  }
  Task<Result<Response>> answer() {
    if (withdrawn) co_return refuse(Refusal::kForbidden, "test.withdrawn", "No longer.");
    if (const auto happens = std::exchange(once_asked, nullptr)) happens();
    LiveBody body{.patterns = {"events.test.live.*", "events.test.>"},
                  .snapshot = {},
                  .ends_with = rights,
                  .ends_at = ends_at,
                  .delivery = delivery};
    if (snapshot) body.snapshot.emplace_back(kSubject, "{\"n\":0}");
    Response response;
    response.body = std::move(body);
    co_return response;
  }
  void publish(int number) { test.bus.publish(std::string{kSubject}, fmt::format("{{\"n\":{}}}", number)); }

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

TEST_F(Live, an_event_stream_begins_with_its_snapshot) {
  start();
  HttpClient client(test.port());
  const auto head = open(client);
  EXPECT_NE(head.find("200 OK"), std::string::npos);
  EXPECT_NE(head.find("Content-Type: text/event-stream"), std::string::npos);
  EXPECT_EQ(head.find("Content-Length"), std::string::npos);
  EXPECT_EQ(client.read_until("\n\n"), "retry: 2000\n\n");
  EXPECT_EQ(client.read_until("\n\n"), "event: events.test.live.1\ndata: {\"n\":0}\n\n");
}

TEST_F(Live, a_message_arrives_once_however_many_patterns_match) {
  delivery = LiveBody::Delivery::kEvery;
  start();
  HttpClient client(test.port());
  begin(client);
  publish(1);
  EXPECT_NE(client.read_until("\n\n").find("data: {\"n\":1}"), std::string::npos);
  publish(2);
  EXPECT_NE(client.read_until("\n\n").find("data: {\"n\":2}"), std::string::npos);
}

TEST_F(Live, of_a_burst_the_first_comes_at_once_and_the_newest_next) {
  start();
  HttpClient client(test.port());
  begin(client);
  // On the stream's own thread, so that no push comes between them.
  boost::asio::post(test.threads.executor(0), [this] {
    for (int i = 1; i <= 100; ++i) publish(i);
  });
  EXPECT_NE(client.read_until("\n\n").find("{\"n\":1}"), std::string::npos);
  EXPECT_NE(client.read_until("\n\n").find("{\"n\":100}"), std::string::npos);
}

TEST_F(Live, every_message_arrives_in_order_when_each_counts) {
  delivery = LiveBody::Delivery::kEvery;
  start();
  HttpClient client(test.port());
  begin(client);
  for (int i = 1; i <= 100; ++i) publish(i);
  for (int i = 1; i <= 100; ++i) {
    EXPECT_NE(client.read_until("\n\n").find(fmt::format("{{\"n\":{}}}", i)), std::string::npos);
  }
}

TEST_F(Live, a_client_that_comes_back_gets_what_it_missed) {
  delivery = LiveBody::Delivery::kEvery;
  start();
  std::string id;
  {
    HttpClient client(test.port());
    begin(client);
    publish(1);
    id = id_of(client.read_until("\n\n"));
  }
  publish(2);
  publish(3);
  HttpClient client(test.port());
  begin(client, fmt::format("Last-Event-ID: {}\r\n", id));
  EXPECT_NE(client.read_until("\n\n").find("{\"n\":2}"), std::string::npos);
  const auto last = client.read_until("\n\n");
  EXPECT_NE(last.find("{\"n\":3}"), std::string::npos);
  EXPECT_GT(parse_number<std::uint64_t>(id_of(last)), parse_number<std::uint64_t>(id));
}

TEST_F(Live, of_a_state_only_the_newest_is_resumed) {
  start();
  std::string id;
  {
    HttpClient client(test.port());
    begin(client);
    publish(1);
    id = id_of(client.read_until("\n\n"));
  }
  for (int i = 2; i < 9; ++i) publish(i);
  HttpClient client(test.port());
  begin(client, fmt::format("Last-Event-ID: {}\r\n", id));
  EXPECT_NE(client.read_until("\n\n").find("{\"n\":8}"), std::string::npos);
}

TEST_F(Live, an_id_from_the_future_or_nonsense_resumes_nothing) {
  delivery = LiveBody::Delivery::kEvery;
  start();
  for (const std::string_view id : {"99999999999999999", "-1", "x", "18446744073709551616"}) {
    HttpClient client(test.port());
    begin(client, fmt::format("Last-Event-ID: {}\r\n", id));
    publish(7);
    EXPECT_NE(client.read_until("\n\n").find("{\"n\":7}"), std::string::npos) << id;
  }
}

TEST_F(Live, an_idle_stream_is_pinged) {
  test.options.limits.live_ping = std::chrono::milliseconds{100};
  start();
  HttpClient client(test.port());
  begin(client);
  EXPECT_EQ(client.read_until("\n\n"), ": ping\n\n");
  EXPECT_EQ(client.read_until("\n\n"), ": ping\n\n");
}

TEST_F(Live, a_client_that_takes_nothing_is_closed_and_its_place_is_free_again) {
  delivery = LiveBody::Delivery::kEvery;
  test.options.limits.live_backlog_max = 8;
  start();
  HttpClient client(test.port());
  begin(client);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  const std::string large(1 << 20, 'x');
  const auto connections = [&] { return test.metrics.render().find("mainstay_http_connections 0\n"); };
  while (connections() == std::string::npos && std::chrono::steady_clock::now() < deadline) {
    test.bus.publish(std::string{kSubject}, "\"" + large + "\"");
    HttpClient::get(test.port(), "/nothing");
  }
  EXPECT_NE(connections(), std::string::npos);
}

TEST_F(Live, a_drained_server_ends_its_streams_at_once) {
  start();
  HttpClient events(test.port());
  begin(events);
  HttpClient socket(test.port());
  open_websocket(socket);
  read_frame(socket, 0x81);
  test.server->drain(std::chrono::seconds{10});
  EXPECT_TRUE(events.closed_by_server());
  EXPECT_EQ(read_frame(socket, 0x88), "\x03\xe9");
  EXPECT_TRUE(socket.closed_by_server());
}

TEST_F(Live, the_end_of_a_right_ends_its_streams_and_no_others) {
  start();
  rights = {"token-1", "site-9"};
  HttpClient events(test.port());
  begin(events);
  HttpClient websocket(test.port());
  open_websocket(websocket);
  read_frame(websocket, 0x81);
  rights = {"token-2", "site-9"};
  HttpClient other(test.port());
  begin(other);
  end_live_streams(test.bus, "token-1");
  EXPECT_TRUE(events.closed_by_server());
  EXPECT_EQ(read_frame(websocket, 0x88), "\x03\xf0");
  EXPECT_TRUE(websocket.closed_by_server());
  publish(1);
  EXPECT_NE(other.read_until("\n\n").find("{\"n\":1}"), std::string::npos);
  end_live_streams(test.bus, "site-9");
  EXPECT_TRUE(other.closed_by_server());
}

TEST_F(Live, the_end_of_a_right_ends_a_stream_whose_client_takes_nothing) {
  start();
  rights = {"token-1"};
  HttpClient client(test.port());
  begin(client);
  test.bus.publish(std::string{kSubject}, fmt::format("{{\"n\":\"{}\"}}", std::string(32 << 20, 'x')));
  end_live_streams(test.bus, "token-1");
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(Live, a_right_that_has_run_out_ends_its_streams_with_the_next_ping) {
  test.options.limits.live_ping = std::chrono::milliseconds{60};
  start();
  ends_at = test.clock.now();
  HttpClient events(test.port());
  open(events);
  EXPECT_TRUE(events.closed_by_server());
  HttpClient websocket(test.port());
  open_websocket(websocket);
  read_frame(websocket, 0x81);
  EXPECT_EQ(read_frame(websocket, 0x88), "\x03\xf0");
  EXPECT_TRUE(websocket.closed_by_server());
}

TEST_F(Live, a_right_that_ends_while_a_stream_is_opened_opens_none) {
  start();
  once_asked = [this] { withdrawn = true; };
  HttpClient client(test.port());
  EXPECT_NE(open(client).find("403 Forbidden"), std::string::npos);
  withdrawn = false;
  HttpClient again(test.port());
  EXPECT_NE(open(again).find("200 OK"), std::string::npos);
}

/// More than an I/O thread's inbox and the log hold, while that thread is busy with a request.
constexpr int kFlood = 20'000;

TEST_F(Live, the_end_of_a_right_is_not_lost_in_a_flood_of_messages) {
  start();
  rights = {"token-1"};
  HttpClient events(test.port());
  begin(events);
  rights = {"token-2"};
  const auto flood = [this] {
    end_live_streams(test.bus, "token-1");
    for (int i = 0; i < kFlood; ++i) publish(i);
  };
  once_asked = [this, flood] { once_asked = flood; };  // when the right is looked at again, within the second call
  HttpClient other(test.port());
  open(other);
  EXPECT_TRUE(events.closed_by_server());
  EXPECT_TRUE(other.closed_by_server()) << "the log cannot say any more whether its right has ended";
  HttpClient again(test.port());
  begin(again);
  publish(kFlood);
  EXPECT_NE(again.read_until("\n\n").find(fmt::format("{{\"n\":{}}}", kFlood)), std::string::npos);
}

TEST_F(Live, more_ends_of_rights_than_can_be_held_end_all_streams) {
  start();
  rights = {"token-1"};
  HttpClient events(test.port());
  begin(events);
  once_asked = [this] {
    end_live_streams(test.bus, "token-1");
    for (int i = 0; i < kFlood; ++i) end_live_streams(test.bus, fmt::format("other-{}", i));
  };
  rights = {"token-2"};
  HttpClient other(test.port());
  begin(other);
  EXPECT_TRUE(events.closed_by_server());
  publish(1);
  EXPECT_NE(other.read_until("\n\n").find("{\"n\":1}"), std::string::npos);
}

TEST_F(Live, a_websocket_is_agreed_as_in_rfc_6455) {
  start();
  HttpClient client(test.port());
  const auto head = open_websocket(client);
  EXPECT_NE(head.find("101 Switching Protocols"), std::string::npos);
  EXPECT_NE(head.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos);
  EXPECT_EQ(read_frame(client, 0x81), "{\"subject\":\"events.test.live.1\",\"id\":null,\"data\":{\"n\":0}}");
  publish(1);
  const auto message = read_frame(client, 0x81);
  EXPECT_NE(message.find("\"data\":{\"n\":1}"), std::string::npos);
  EXPECT_NE(message.find("\"id\":\""), std::string::npos);
}

TEST_F(Live, a_websocket_handshake_is_checked) {
  start();
  const auto ask = [&](std::string_view fields) {
    return HttpClient::get(test.port(), "/live",
                           fmt::format("Upgrade: websocket\r\nConnection: Upgrade\r\n{}", fields));
  };
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  EXPECT_EQ(ask(key + "Sec-WebSocket-Version: 8\r\n").status, 426);
  EXPECT_EQ(ask(key).header("sec-websocket-version"), "13");
  EXPECT_EQ(ask(version).status, 400);
  EXPECT_EQ(ask(version + "Sec-WebSocket-Key: short\r\n").status, 400);
  EXPECT_EQ(ask(version + key + "Origin: http://evil.example\r\n").status, 403);
  EXPECT_EQ(ask(version + key + "Sec-Fetch-Site: cross-site\r\nOrigin: http://localhost\r\n").status, 403);
  HttpClient client(test.port());
  EXPECT_NE(open_websocket(client, "Origin: http://localhost\r\n").find(" 101 "), std::string::npos);
}

TEST_F(Live, websocket_frames_of_clients_are_judged) {
  start();
  const struct {
    std::string name, frames;
    unsigned first_byte;
    std::string answer;
  } cases[] = {
      {"ping", masked(0x89, "hey"), 0x8a, "hey"},
      {"ping amid a fragmented message", masked(0x01, "ab") + masked(0x89, "x") + masked(0x80, "c"), 0x8a, "x"},
      {"close", masked(0x88, "\x03\xe8 bye"), 0x88, "\x03\xe8"},
      {"close without a code", masked(0x88, ""), 0x88, "\x03\xe8"},
      {"close with a code that may not be sent", masked(0x88, "\x03\xed"), 0x88, "\x03\xea"},
      {"not masked", "\x81\x02hi", 0x88, "\x03\xea"},
      {"reserved bit", masked(0xc1, "hi"), 0x88, "\x03\xea"},
      {"unknown opcode", masked(0x83, "hi"), 0x88, "\x03\xea"},
      {"fragmented ping", masked(0x09, "hi"), 0x88, "\x03\xea"},
      {"ping too long", masked(0x89, std::string(126, 'x')), 0x88, "\x03\xea"},
      {"continuation of nothing", masked(0x80, "hi"), 0x88, "\x03\xea"},
      {"a message within a message", masked(0x01, "a") + masked(0x81, "b"), 0x88, "\x03\xea"},
      {"text that is not UTF-8", masked(0x81, "\xff\xfe"), 0x88, "\x03\xef"},
      {"UTF-8 cut by fragments is whole", masked(0x01, "\xc3") + masked(0x80, "\xa4") + masked(0x89, "ok"), 0x8a, "ok"},
      {"oversize frame", masked(0x82, std::string((64 << 10) + 1, 'x')), 0x88, "\x03\xf1"},
      {"oversize message", masked(0x02, std::string(40 << 10, 'x')) + masked(0x80, std::string(40 << 10, 'x')), 0x88,
       "\x03\xf1"},
  };
  for (const auto& test_case : cases) {
    HttpClient client(test.port());
    open_websocket(client);
    read_frame(client, 0x81);
    client.send(test_case.frames);
    EXPECT_EQ(read_frame(client, test_case.first_byte), test_case.answer) << test_case.name;
    if (test_case.first_byte == 0x88) EXPECT_TRUE(client.closed_by_server()) << test_case.name;
  }
}

TEST_F(Live, frames_that_come_byte_by_byte_are_put_together) {
  start();
  HttpClient client(test.port());
  open_websocket(client);
  read_frame(client, 0x81);
  for (const char c : masked(0x89, "slow")) client.send({&c, 1});
  EXPECT_EQ(read_frame(client, 0x8a), "slow");
}

TEST(EncodeEvent, gives_each_line_of_a_payload_its_own_field) {
  EXPECT_EQ(encode_event("a.b", 7, "one\ntwo\r\nthree"), "id: 7\nevent: a.b\ndata: one\ndata: two\ndata: three\n\n");
}

}  // namespace
}  // namespace mainstay::http
