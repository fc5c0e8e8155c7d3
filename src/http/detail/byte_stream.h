#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "runtime/task.h"

typedef struct ssl_ctx_st SSL_CTX;

namespace mainstay::http::detail {

/// The bytes of one connection, over TCP, a unix socket, or TLS on either. Everything above sees only this, so that
/// the HTTP code is compiled once and an idle live stream costs no read buffer.
///
/// Owns the socket; closing it ends whatever waits. Not thread-safe: lives on one I/O thread.
class ByteStream {
 public:
  enum class State { kDone, kWantRead, kWantWrite, kClosed };
  struct Outcome {
    State state = State::kClosed;
    std::size_t bytes = 0;
  };
  using Socket = boost::asio::generic::stream_protocol::socket;

  explicit ByteStream(Socket socket) : socket_(std::move(socket)) {}
  virtual ~ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  /// Never wait; kWantRead and kWantWrite say what to wait for before asking again.
  virtual Outcome try_read(std::span<char> into) = 0;
  virtual Outcome try_write(std::string_view bytes) = 0;
  /// Waits for bytes; 0 when the peer has ended, the connection broke, or `cancel` was called.
  virtual Task<std::size_t> read_some(std::span<char> into) = 0;
  /// Becomes ready for bytes; false when the peer does not speak the protocol.
  virtual Task<bool> handshake() = 0;
  /// Says goodbye where the protocol has a word for it, then ends our side.
  virtual void shutdown_write();
  [[nodiscard]] virtual bool secure() const { return false; }

  /// Waits until the socket is ready; false when it broke or `cancel` was called.
  Task<bool> wait(State state);
  /// The same without a coroutine, for idle live streams.
  void wait(State state, std::function<void(bool ready)> then);
  void cancel();
  void close();
  [[nodiscard]] Executor executor() { return socket_.get_executor(); }

 protected:
  Socket socket_;
};

/// Takes over the connected, non-blocking descriptor `fd`.
[[nodiscard]] std::unique_ptr<ByteStream> make_plain_stream(const Executor& executor, int family, int fd);
[[nodiscard]] std::unique_ptr<ByteStream> make_tls_stream(const Executor& executor, int family, int fd,
                                                          SSL_CTX* context);

}  // namespace mainstay::http::detail
