#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <string>
#include <vector>

#include "http/detail/worker.h"

namespace mainstay::http::detail {

/// A listening socket, not yet served: bound so that a port in use fails at start.
struct Bound {
  int fd = -1;
  int family = 0;
};

/// Binds `count` sockets to host:port that share the port (SO_REUSEPORT); `port` 0 picks one and stores it.
/// A port that another process listens on is refused. Throws std::system_error with the address in its text.
[[nodiscard]] std::vector<Bound> bind_tcp(const std::string& host, std::uint16_t& port, std::size_t count);
/// Binds a unix socket only its owner may open (0600). A stale one is replaced, a served one refused.
[[nodiscard]] Bound bind_unix(const std::string& path);

/// Accepts on one socket for one worker until `stop`. Out of file descriptors it pauses, longer each time up to a
/// second, and logs once when that begins and once when it has been over for a while: a server at its limit
/// gains and loses descriptors all the time, and that is one episode.
class Listener {
 public:
  enum class Kind { kTcp, kLocal };
  Listener(std::shared_ptr<Worker> worker, Bound bound, Kind kind);

  Task<> run();
  [[nodiscard]] const Executor& executor() const { return worker_->executor(); }
  void stop();  ///< on the worker's thread

 private:
  Task<> pause(int error);
  bool accept_some(int& error);
  void note_success();

  std::shared_ptr<Worker> worker_;  ///< shared with the server and the connections
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer timer_;
  const int family_;
  const Kind kind_;
  std::chrono::milliseconds pause_{0};
  bool starved_ = false;  ///< an episode has been logged and is not over
  std::chrono::microseconds starved_at_{0};
  bool stopped_ = false;
};

}  // namespace mainstay::http::detail
