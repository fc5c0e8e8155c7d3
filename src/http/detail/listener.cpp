#include "http/detail/listener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <system_error>

#include "base/log.h"

namespace mainstay::http::detail {

namespace {

using boost::asio::as_tuple;
using boost::asio::use_awaitable;

constexpr int kBacklog = 4096;
constexpr int kAcceptBatch = 64;  ///< then the connections at hand get their turn
constexpr std::chrono::milliseconds kPauseMin{50};
constexpr std::chrono::milliseconds kPauseMax{1'000};
constexpr std::chrono::seconds kCalm{5};  ///< without a failure, until an episode counts as over

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

sockaddr* generic(void* address) { return static_cast<sockaddr*>(address); }

void set_flag(int fd, int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof value); }

struct Resolved {
  sockaddr_storage address{};
  socklen_t size = 0;
};

Resolved resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const auto service = std::to_string(port);
  if (const int error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), service.c_str(), &hints, &found)) {
    fail(EADDRNOTAVAIL, fmt::format("cannot listen on {}:{}: {}", host, port, ::gai_strerror(error)));
  }
  Resolved result;
  std::memcpy(&result.address, found->ai_addr, found->ai_addrlen);
  result.size = found->ai_addrlen;
  ::freeaddrinfo(found);
  return result;
}

/// A peer that acknowledges nothing for so long is dead; pings make sure that there is something to acknowledge.
constexpr int kPeerPatienceMs = 60'000;

enum class Sharing { kAlone, kWithOurs };

int bind_one(Resolved& where, const std::string& name, Sharing sharing) {
  const int fd = ::socket(where.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail(errno, "cannot make a socket for " + name);
  set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (sharing == Sharing::kWithOurs) set_flag(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (where.address.ss_family == AF_INET6) set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (::bind(fd, generic(&where.address), where.size) != 0) {
    const int error = errno;
    ::close(fd);
    fail(error, "cannot listen on " + name);
  }
  return fd;
}

Address address_of(const sockaddr_storage& from) {
  Address address;
  const void* raw = &from;
  if (from.ss_family == AF_INET6) {
    std::memcpy(address.bytes.data(), &static_cast<const sockaddr_in6*>(raw)->sin6_addr, 16);
  } else if (from.ss_family == AF_INET) {
    address.bytes[10] = address.bytes[11] = 0xff;
    std::memcpy(address.bytes.data() + 12, &static_cast<const sockaddr_in*>(raw)->sin_addr, 4);
  }
  return address;
}

bool somebody_waits(int fd) {
  pollfd query{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&query, 1, 0) > 0;
}

bool is_out_of_something(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

std::vector<Bound> bind_tcp(const std::string& host, std::uint16_t& port, std::size_t count) {
  const auto name = fmt::format("{}:{}", host, port);
  auto where = resolve(host, port);
  // Alone first: with SO_REUSEPORT alone a second server on the same port would go unnoticed.
  if (port != 0) ::close(bind_one(where, name, Sharing::kAlone));
  std::vector<Bound> sockets;
  for (std::size_t i = 0; i < count; ++i) {
    const int fd = bind_one(where, name, Sharing::kWithOurs);
    sockets.push_back({.fd = fd, .family = where.address.ss_family});
    socklen_t size = sizeof where.address;
    ::getsockname(fd, generic(&where.address), &size);
    if (::listen(fd, kBacklog) != 0) fail(errno, "cannot listen on " + name);
  }
  void* raw = &where.address;
  port = ntohs(where.address.ss_family == AF_INET6 ? static_cast<sockaddr_in6*>(raw)->sin6_port
                                                   : static_cast<sockaddr_in*>(raw)->sin_port);
  return sockets;
}

Bound bind_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) fail(ENAMETOOLONG, "cannot listen on " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail(errno, "cannot make a socket for " + path);
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool served = ::connect(probe, generic(&address), sizeof address) == 0;
  ::close(probe);
  if (!served) ::unlink(path.c_str());
  ::fchmod(fd, S_IRUSR | S_IWUSR);  // before it has a name, so that nobody slips in
  if (::bind(fd, generic(&address), sizeof address) != 0 || ::listen(fd, kBacklog) != 0) {
    const int error = errno;
    ::close(fd);
    fail(error, "cannot listen on " + path);
  }
  return {.fd = fd, .family = AF_UNIX};
}

Listener::Listener(std::shared_ptr<Worker> worker, Bound bound, Kind kind)
    : worker_(std::move(worker)),
      socket_(worker_->executor(), bound.fd),
      timer_(worker_->executor()),
      family_(bound.family),
      kind_(kind) {}

void Listener::stop() {
  stopped_ = true;
  int ignored = 0;
  accept_some(ignored);  // whoever stands in the queue is still served
  boost::system::error_code error;
  socket_.close(error);
  timer_.cancel();
}

bool Listener::accept_some(int& error) {
  for (int i = 0; i < kAcceptBatch; ++i) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const int fd = ::accept4(socket_.native_handle(), generic(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      error = errno;
      // accept(2) wants a descriptor before it looks whether anybody is there.
      if (is_out_of_something(error) && !somebody_waits(socket_.native_handle())) error = EAGAIN;
      return false;
    }
    note_success();
    if (kind_ == Kind::kTcp) {
      set_flag(fd, IPPROTO_TCP, TCP_NODELAY, 1);
      set_flag(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, kPeerPatienceMs);
    }
    worker_->adopt(fd, family_, address_of(from), kind_ == Kind::kLocal);
  }
  return true;
}

void Listener::note_success() {
  pause_ = {};
  if (!starved_ || worker_->context().clock.monotonic() - starved_at_ < kCalm) return;
  starved_ = false;
  log::info("accepting connections again");
}

Task<> Listener::pause(int error) {
  if (!starved_) {
    log::error("cannot accept connections, pausing", {{"error", ::strerrordesc_np(error)}});
  }
  starved_ = true;
  starved_at_ = worker_->context().clock.monotonic();
  pause_ = std::clamp(pause_ * 2, kPauseMin, kPauseMax);
  worker_->context()
      .metrics
      .counter("mainstay_http_accept_pauses_total", "Pauses of the accept loop for want of descriptors or memory.")
      .add();
  timer_.expires_after(pause_);
  [[maybe_unused]] const auto waited = co_await timer_.async_wait(as_tuple(use_awaitable));
}

Task<> Listener::run() {
  while (!stopped_) {
    int error = 0;
    if (accept_some(error)) continue;
    if (is_out_of_something(error)) {
      co_await pause(error);
    } else if (error == EAGAIN || error == EWOULDBLOCK) {
      const auto [failed] = co_await socket_.async_wait(socket_.wait_read, as_tuple(use_awaitable));
      if (failed) co_return;
    }
    // Anything else concerns one connection that was gone before it was accepted (accept(2)).
  }
}

}  // namespace mainstay::http::detail
