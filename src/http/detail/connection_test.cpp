#include "http/detail/connection.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "testing/http_server.h"

namespace mainstay::http::detail {
namespace {

/// A client that has said all it will say, without a socket.
class SaidAlready final : public ByteStream {
 public:
  SaidAlready(const Executor& executor, std::string said, std::vector<std::size_t>& asked, std::string& answered)
      : ByteStream(Socket(executor)), said_(std::move(said)), asked_(asked), answered_(answered) {}

  Outcome try_read(std::span<char>) override { return {}; }
  Outcome try_write(std::string_view bytes) override {
    answered_ += bytes;
    return {.state = State::kDone, .bytes = bytes.size()};
  }
  Task<std::size_t> read_some(std::span<char> into) override {
    asked_.push_back(into.size());
    const auto count = said_.copy(into.data(), into.size(), read_);
    read_ += count;
    co_return count;
  }
  Task<bool> handshake() override { co_return true; }

 private:
  const std::string said_;
  std::size_t read_ = 0;
  std::vector<std::size_t>& asked_;  ///< how much each read had room for
  std::string& answered_;
};

class ConnectionTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kSmall = 4 << 10;
  static constexpr std::size_t kLarge = 64 << 10;

  ConnectionTest() {
    router_.add({.method = Method::kPost,
                 .path = "/count",
                 .permission = Permission::kPublic,
                 .summary = "Answers how many bytes came.",
                 .handler = [](Request& request) { return count(request); },
                 .body_bytes_max = 4 << 20});
  }

  /// Serves a connection over which `said` comes, as fast as it is read.
  void serve(std::string said) {
    boost::asio::io_context io{1};
    const auto context =
        std::make_shared<Context>(Server::Options{}, router_, authenticator_, bus_, clock_, random_, metrics_);
    const auto worker = std::make_shared<Worker>(io.get_executor(), context);
    auto stream = std::make_unique<SaidAlready>(io.get_executor(), std::move(said), asked_, answered_);
    Connection connection(worker, std::move(stream), *Address::parse("127.0.0.1"), false);
    boost::asio::co_spawn(io, connection.run(), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    io.run();
  }
  static std::string request_of(std::size_t body_bytes) {
    return fmt::format("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body_bytes) +
           std::string(body_bytes, 'x');
  }

  std::vector<std::size_t> asked_;
  std::string answered_;

 private:
  static Task<Result<Response>> count(Request& request) {
    co_return text(std::to_string(request.body.size()), "text/plain");
  }

  bus::local::LocalBus bus_;
  clock::system::SystemClock clock_;
  random::system::SystemRandom random_;
  metrics::Registry metrics_;
  Router router_;
  testing::TestAuthenticator authenticator_;
};

TEST_F(ConnectionTest, a_large_body_is_read_in_large_pieces_and_the_buffer_is_small_again_behind_it) {
  constexpr std::size_t kBody = 2 << 20;
  serve(request_of(kBody));
  EXPECT_NE(answered_.find(fmt::format("\r\n\r\n{}", kBody)), std::string::npos);
  EXPECT_LT(asked_.size(), kBody / kLarge + 16);
  EXPECT_EQ(*std::ranges::max_element(asked_), kLarge);
  EXPECT_EQ(asked_.front(), kSmall);
  EXPECT_EQ(asked_.back(), kSmall) << "that of the next request";
}

TEST_F(ConnectionTest, a_large_chunked_body_is_read_in_large_pieces_too) {
  constexpr std::size_t kChunk = 512;
  constexpr std::size_t kChunks = 4096;
  std::string said = "POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t i = 0; i < kChunks; ++i) said += fmt::format("{:x}\r\n{}\r\n", kChunk, std::string(kChunk, 'x'));
  serve(said + "0\r\n\r\n");
  EXPECT_NE(answered_.find(fmt::format("\r\n\r\n{}", kChunk * kChunks)), std::string::npos);
  EXPECT_LT(asked_.size(), said.size() / kLarge + 16);
  EXPECT_EQ(asked_.back(), kSmall);
}

TEST_F(ConnectionTest, what_comes_right_behind_a_large_body_is_the_next_request) {
  serve(request_of(300'000) + request_of(10) + request_of(200'001) + request_of(0));
  std::size_t from = 0;
  for (const auto* bytes : {"300000", "10", "200001", "0"}) {
    from = answered_.find(fmt::format("\r\n\r\n{}", bytes), from);
    ASSERT_NE(from, std::string::npos) << bytes;
    from += 4;
  }
  EXPECT_EQ(asked_.back(), kSmall);
}

TEST_F(ConnectionTest, a_body_that_is_only_announced_gets_no_large_buffer) {
  serve("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + std::string(3 * kSmall, 'x'));
  for (const auto bytes : asked_) EXPECT_LE(bytes, 3 * kSmall);
}

}  // namespace
}  // namespace mainstay::http::detail
