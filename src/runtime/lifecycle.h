#pragma once

#include <csignal>
#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

namespace mainstay {

/// The process's signals, taken on one thread of their own, so that no handler runs in the middle of anything.
///
/// SIGTERM and SIGINT ask for the end: `wait_for_stop` returns, and the caller drains. A second one ends the process
/// at once (exit status 128 + signal). SIGHUP calls `on_hangup`. SIGPIPE is ignored.
///
/// Lifetime: one per process, made in main before any other thread, because threads inherit what is blocked.
/// The destructor gives the signals back to the thread that made it; the rest of the process keeps them blocked.
class Signals {
 public:
  /// `on_hangup` runs on the signal thread; what it throws is logged.
  explicit Signals(std::function<void()> on_hangup);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Waits for the first SIGTERM or SIGINT, or for `stop`; returns the signal's number, 0 for `stop`.
  int wait_for_stop();
  /// Ends the wait from inside the program. Any thread.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Raises the limit of open files to what the system allows; returns what is in force now.
std::size_t raise_file_limit();

/// Tells the service manager (systemd's sd_notify(3): a datagram to $NOTIFY_SOCKET) "READY=1", "STOPPING=1" or
/// "RELOADING=1". Returns false when there is none or it cannot be reached; that is not an error.
bool notify_service_manager(std::string_view state);

}  // namespace mainstay
