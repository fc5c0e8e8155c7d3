#include "testing/live_fixture.h"

namespace mainstay::http {
namespace {

using LiveWebSocket = testing::LiveFixture;
using testing::HttpClient;

std::string masked(unsigned first_byte, std::string_view payload) {
  std::string frame(1, static_cast<char>(first_byte));
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

TEST_F(LiveWebSocket, a_websocket_is_agreed_as_in_rfc_6455) {
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

TEST_F(LiveWebSocket, a_websocket_handshake_is_checked) {
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

TEST_F(LiveWebSocket, websocket_frames_of_clients_are_judged) {
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

TEST_F(LiveWebSocket, frames_that_come_byte_by_byte_are_put_together) {
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
