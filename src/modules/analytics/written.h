#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "ports/stream/stream.h"
#include "runtime/task.h"

namespace mainstay::analytics {

/// A coroutine that sleeps until it is woken or its patience ends, on its own executor.
class Sleeper {
 public:
  Sleeper(Executor executor, std::chrono::milliseconds patience)
      : executor_(executor), timer_(std::make_shared<boost::asio::steady_timer>(std::move(executor), patience)) {}
  /// By the coroutine itself.
  Task<> sleep() const;
  /// Once, from any thread. Nothing of the coroutine is held when it runs on: its event loop may end with it.
  void wake();
  bool operator==(const Sleeper& other) const { return timer_ == other.timer_; }

 private:
  Executor executor_;
  std::shared_ptr<boost::asio::steady_timer> timer_;  ///< shared with the coroutine
};

/// Up to which offset of the stream everything is in the tables, and who waits for more. Any thread, unless said
/// otherwise.
class Written {
 public:
  /// `ask` is called when somebody begins to wait.
  explicit Written(std::function<void()> ask) : ask_(std::move(ask)) {}

  [[nodiscard]] stream::Offset through() const { return through_; }
  /// Waits for `target`. False when `patience` passed or the writer ended first.
  Task<bool> reach(stream::Offset target, std::chrono::milliseconds patience);

  /// For the writer: whether somebody waits for a part of what is read up to `position`.
  [[nodiscard]] bool is_asked(stream::Offset position) const;
  /// For the writer: all that was asked for is on its way.
  void begin();
  /// For the writer: so much is written. What others wait for is asked for again.
  void set(stream::Offset through);
  /// For the writer: it ends.
  void end();

 private:
  struct Waiter {
    stream::Offset target;
    Sleeper sleeper;
  };
  void ask_for(stream::Offset target);

  std::function<void()> ask_;
  std::atomic<stream::Offset> through_{0};
  mutable std::mutex mutex_;  ///< guards what follows
  bool ended_ = false;
  std::vector<Waiter> waiters_;
  std::optional<stream::Offset> asked_;  ///< the least that somebody waits for
};

}  // namespace mainstay::analytics
