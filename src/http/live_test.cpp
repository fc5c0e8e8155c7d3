#include "testing/live_fixture.h"

namespace mainstay::http {
namespace {

using Live = testing::LiveFixture;
using testing::HttpClient;

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
  boost::asio::post(test.threads.executor(0), [this] { publish_to(100); });  // no push comes between them
  EXPECT_NE(client.read_until("\n\n").find("{\"n\":1}"), std::string::npos);
  EXPECT_NE(client.read_until("\n\n").find("{\"n\":100}"), std::string::npos);
}

TEST_F(Live, every_message_arrives_in_order_when_each_counts) {
  delivery = LiveBody::Delivery::kEvery;
  start();
  HttpClient client(test.port());
  begin(client);
  publish_to(100);
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
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  const std::string large(1 << 20, 'x');
  const auto shows = [this](std::string_view metric) { return test.metrics.render().contains(metric); };
  while (!shows("mainstay_http_live_streams 0\n") && std::chrono::steady_clock::now() < deadline) {
    test.bus.publish(std::string{kSubject}, "\"" + large + "\"");
    HttpClient::get(test.port(), "/nothing");
  }
  while (!shows("mainstay_http_connections 0\n") && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_TRUE(shows("mainstay_http_connections 0\n"));
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
    publish_to(kFlood);
  };
  once_asked = [this, flood] { once_asked = flood; };  // when the right is looked at again, within the second call
  HttpClient other(test.port());
  open(other);
  EXPECT_TRUE(events.closed_by_server());
  EXPECT_TRUE(other.closed_by_server()) << "the log cannot say any more whether its right has ended";
  HttpClient again(test.port());
  begin(again);
  publish(kFlood + 1);
  EXPECT_NE(again.read_until("\n\n").find(fmt::format("{{\"n\":{}}}", kFlood + 1)), std::string::npos);
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

}  // namespace
}  // namespace mainstay::http
