#include <fmt/format.h>

#include "http/detail/connection.h"
#include "http/problem.h"

namespace mainstay::http::detail {

namespace {

/// Up to this size a body is copied behind its head and leaves with it.
constexpr std::size_t kCopyBytesMax = 32 << 10;

bool has_no_body(int status) { return status == 204 || status == 304 || status / 100 == 1; }

}  // namespace

/// Puts status line and fields into the output, and with kLength a small body too.
void Connection::append_head(const Response& response, Framing framing) {
  output_ += "HTTP/1.1 ";
  output_ += fmt::format_int(response.status).c_str();
  output_ += ' ';
  output_ += reason(response.status);
  output_ += "\r\nDate: ";
  output_ += worker_->date();
  output_ += "\r\n";
  response.headers.append_to(output_);
  if (!keep_alive_) {
    output_ += "Connection: close\r\n";
  } else if (parser_.version() == 10) {
    output_ += "Connection: keep-alive\r\n";
  }
  const auto bytes = response.bytes();
  const bool empty = has_no_body(response.status);
  if (framing == Framing::kChunked) output_ += "Transfer-Encoding: chunked\r\n";
  if (framing == Framing::kLength && !empty) {
    fmt::format_to(std::back_inserter(output_), "Content-Length: {}\r\n", bytes.size());
  }
  output_ += "\r\n";
  const bool wanted = framing == Framing::kLength && !empty && request_.method != Method::kHead;
  if (wanted && bytes.size() <= kCopyBytesMax) output_ += bytes;
}

Task<bool> Connection::respond(Response response) {
  if (std::holds_alternative<StreamBody>(response.body)) co_return co_await respond_with_stream(response);
  if (std::holds_alternative<LiveBody>(response.body)) co_return co_await respond_live(response);
  append_head(response);
  const auto bytes = response.bytes();
  if (bytes.size() <= kCopyBytesMax || request_.method == Method::kHead) co_return true;
  if (!co_await flush()) co_return false;
  co_return co_await write_all(bytes);
}

/// Frames each piece as a chunk (RFC 9112 §7.1); for HTTP/1.0 the end of the connection is the end of the body.
class ChunkWriter final : public BodyWriter {
 public:
  ChunkWriter(Connection& connection, bool chunked) : connection_(connection), chunked_(chunked) {}

  Task<> write(std::string_view bytes) override {
    if (connection_.broken_) throw Unavailable("the client has gone");
    if (bytes.empty()) co_return;
    auto& output = connection_.output_;
    if (chunked_) fmt::format_to(std::back_inserter(output), "{:x}\r\n", bytes.size());
    output += bytes;
    if (chunked_) output += "\r\n";
    if (output.size() >= kCopyBytesMax && !co_await connection_.flush()) throw Unavailable("the client has gone");
    connection_.enter_phase(Connection::Phase::kStream);
  }

 private:
  Connection& connection_;
  const bool chunked_;
};

Task<bool> Connection::respond_with_stream(Response& response) {
  const bool chunked = parser_.version() == 11;
  if (!chunked) keep_alive_ = false;
  append_head(response, chunked ? Framing::kChunked : Framing::kUntilClose);
  if (request_.method == Method::kHead) co_return true;
  ChunkWriter writer(*this, chunked);
  enter_phase(Phase::kStream);
  try {
    co_await std::get<StreamBody>(response.body).produce(writer);
  } catch (const std::exception&) {
    // The status is out already: a body without its end is how HTTP says that it failed.
    broken_ = true;
    co_return false;
  }
  if (chunked) output_ += "0\r\n\r\n";
  co_return co_await flush();
}

Task<bool> Connection::flush() {
  const bool done = co_await write_all(output_);
  if (output_.capacity() > 4 * kCopyBytesMax) output_ = std::string{};
  output_.clear();
  co_return done;
}

Task<bool> Connection::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto outcome = stream_->try_write(bytes);
    switch (outcome.state) {
      case ByteStream::State::kDone: bytes.remove_prefix(outcome.bytes); break;
      case ByteStream::State::kClosed: broken_ = true; co_return false;
      case ByteStream::State::kWantRead:
      case ByteStream::State::kWantWrite:
        enter_phase(Phase::kWrite);
        if (!co_await stream_->wait(outcome.state) || timed_out_) {
          broken_ = true;
          co_return false;
        }
    }
  }
  co_return !broken_;
}

}  // namespace mainstay::http::detail
