#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <limits>

#include "http/detail/byte_stream.h"

namespace mainstay::http::detail {

namespace {

// OpenSSL's own socket BIO writes with write(2), which raises SIGPIPE when the peer has gone. This one does not.
int fd_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const auto count = ::send(fd_of(bio), bytes, static_cast<std::size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count < 0 && would_block()) BIO_set_retry_write(bio);
  return static_cast<int>(count);
}

int bio_read(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  const auto count = ::recv(fd_of(bio), into, static_cast<std::size_t>(size), MSG_DONTWAIT);
  if (count < 0 && would_block()) BIO_set_retry_read(bio);
  return static_cast<int>(count);
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* socket_method() {
  static BIO_METHOD* const kMethod = [] {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE");
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_ctrl(method, bio_control);
    return method;
  }();
  return kMethod;
}

int clamp(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, static_cast<std::size_t>(std::numeric_limits<int>::max())));
}

class TlsStream final : public ByteStream {
 public:
  TlsStream(Socket socket, SSL_CTX* context) : ByteStream(std::move(socket)), ssl_(SSL_new(context), SSL_free) {
    BIO* bio = BIO_new(socket_method());
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket_.native_handle())));
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_accept_state(ssl_.get());
  }

  Outcome try_read(std::span<char> into) override {
    return judge(SSL_read(ssl_.get(), into.data(), clamp(into.size())));
  }

  Outcome try_write(std::string_view bytes) override {
    return judge(SSL_write(ssl_.get(), bytes.data(), clamp(bytes.size())));
  }

  Task<std::size_t> read_some(std::span<char> into) override {
    while (true) {
      const auto outcome = try_read(into);
      if (outcome.state == State::kDone) co_return outcome.bytes;
      if (outcome.state == State::kClosed || !co_await wait(outcome.state)) co_return 0;
    }
  }

  Task<bool> handshake() override {
    while (true) {
      const auto outcome = judge(SSL_do_handshake(ssl_.get()));
      if (outcome.state == State::kDone) co_return true;
      if (outcome.state == State::kClosed || !co_await wait(outcome.state)) co_return false;
    }
  }

  void shutdown_write() override {
    if (!broken_ && SSL_is_init_finished(ssl_.get()) == 1) SSL_shutdown(ssl_.get());
    ERR_clear_error();
    ByteStream::shutdown_write();
  }

  [[nodiscard]] bool secure() const override { return true; }

 private:
  Outcome judge(int result) {
    if (result > 0) return {.state = State::kDone, .bytes = static_cast<std::size_t>(result)};
    const int error = SSL_get_error(ssl_.get(), result);
    ERR_clear_error();  // the queue belongs to the thread, and the next connection must not find our error
    if (error == SSL_ERROR_WANT_READ) return {.state = State::kWantRead, .bytes = 0};
    if (error == SSL_ERROR_WANT_WRITE) return {.state = State::kWantWrite, .bytes = 0};
    broken_ = error != SSL_ERROR_ZERO_RETURN;
    return {};
  }

  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  bool broken_ = false;
};

}  // namespace

std::unique_ptr<ByteStream> make_tls_stream(const Executor& executor, int family, int fd, SSL_CTX* context) {
  return std::make_unique<TlsStream>(ByteStream::Socket(executor, boost::asio::generic::stream_protocol(family, 0), fd),
                                     context);
}

}  // namespace mainstay::http::detail
