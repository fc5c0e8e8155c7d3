#include "http/detail/byte_stream.h"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

namespace mainstay::http::detail {

namespace {

using boost::asio::as_tuple;
using boost::asio::use_awaitable;

class PlainStream final : public ByteStream {
 public:
  using ByteStream::ByteStream;

  Outcome try_read(std::span<char> into) override {
    const auto count = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
    if (count > 0) return {.state = State::kDone, .bytes = static_cast<std::size_t>(count)};
    const bool later = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    return {.state = later ? State::kWantRead : State::kClosed, .bytes = 0};
  }

  Outcome try_write(std::string_view bytes) override {
    const auto count = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count >= 0) return {.state = State::kDone, .bytes = static_cast<std::size_t>(count)};
    const bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    return {.state = later ? State::kWantWrite : State::kClosed, .bytes = 0};
  }

  Task<std::size_t> read_some(std::span<char> into) override {
    const auto [error, count] =
        co_await socket_.async_read_some(boost::asio::buffer(into.data(), into.size()), as_tuple(use_awaitable));
    co_return error ? 0 : count;
  }

  Task<bool> handshake() override { co_return true; }
};

ByteStream::Socket::wait_type wait_type_of(ByteStream::State state) {
  return state == ByteStream::State::kWantWrite ? ByteStream::Socket::wait_write : ByteStream::Socket::wait_read;
}

}  // namespace

Task<bool> ByteStream::wait(State state) {
  const auto [error] = co_await socket_.async_wait(wait_type_of(state), as_tuple(use_awaitable));
  co_return !error;
}

void ByteStream::wait(State state, std::function<void(bool ready)> then) {
  socket_.async_wait(wait_type_of(state),
                     [then = std::move(then)](const boost::system::error_code& error) { then(!error); });
}

void ByteStream::shutdown_write() {
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void ByteStream::cancel() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void ByteStream::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

std::unique_ptr<ByteStream> make_plain_stream(const Executor& executor, int family, int fd) {
  return std::make_unique<PlainStream>(
      ByteStream::Socket(executor, boost::asio::generic::stream_protocol(family, 0), fd));
}

}  // namespace mainstay::http::detail
