#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/detail/byte_stream.h"
#include "http/detail/context.h"
#include "http/detail/live_hub.h"
#include "http/detail/timer_wheel.h"
#include "http/network.h"
#include "runtime/task.h"

namespace mainstay::http::detail {

class Connection;

/// Everything of the server that lives on one I/O thread: its connections, their deadlines, its clock face.
///
/// Shared by the server and its connections. All methods on the I/O thread, unless said otherwise.
class Worker : public std::enable_shared_from_this<Worker> {
 public:
  Worker(Executor executor, std::shared_ptr<Context> shared);
  ~Worker();

  [[nodiscard]] const Executor& executor() const { return executor_; }
  [[nodiscard]] Context& context() { return *context_; }
  [[nodiscard]] const std::shared_ptr<Context>& shared_context() const { return context_; }
  [[nodiscard]] LiveHub& hub() { return hub_; }

  /// Serves the connected, non-blocking descriptor `fd`, or turns it away when there are too many.
  void adopt(int fd, int family, const Address& peer, bool local);

  void arm(TimerWheel::Entry& entry, std::chrono::milliseconds after);
  void disarm(TimerWheel::Entry& entry) { wheel_.disarm(entry); }

  /// "Sat, 21 Nov 2026 06:11:37 GMT" (RFC 9110 §5.6.7), made once a second.
  [[nodiscard]] std::string_view date();
  /// 13 characters, unique enough to find a request in a log.
  [[nodiscard]] std::string request_id();

  void enter(Connection& connection);
  void leave(Connection& connection);
  /// Ends idle connections and live streams now; the others after their answer.
  void drain();
  /// Ends everything.
  void abort();

 private:
  void tick();

  Executor executor_;
  std::shared_ptr<Context> context_;
  TimerWheel wheel_;
  LiveHub hub_;
  boost::asio::steady_timer timer_;
  bool ticking_ = false;
  std::vector<Connection*> connections_;
  std::int64_t date_second_ = -1;
  std::string date_;
  std::uint64_t id_state_;
};

}  // namespace mainstay::http::detail
