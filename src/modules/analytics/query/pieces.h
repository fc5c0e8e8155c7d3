#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "runtime/task.h"

namespace mainstay::analytics::query {

/// Pieces of a body on their way from a thread that may block to the coroutine that sends them; at most
/// kWaitingMax wait. `put` is the thread's, the rest the coroutine's.
class Pieces {
 public:
  static constexpr std::size_t kWaitingMax = 2;

  /// A receiver that sends nothing for `patience` while `put` waits has stalled.
  Pieces(const boost::asio::any_io_executor& executor, std::chrono::milliseconds patience);

  /// Waits for room; false once the receiver has left or stalled.
  [[nodiscard]] bool put(std::string piece);

  /// No more pieces come.
  void end();
  /// Nothing at the end, or when cancelled.
  [[nodiscard]] Task<std::optional<std::string>> next();
  /// Some of the last piece is on its way.
  void note_progress();
  /// No more pieces are wanted: `put` returns.
  void leave();
  [[nodiscard]] bool has_stalled() const;

 private:
  using Wake = boost::asio::experimental::concurrent_channel<void(boost::system::error_code)>;

  const std::chrono::milliseconds patience_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> waiting_;
  std::uint64_t progress_ = 0;
  bool ended_ = false;
  bool left_ = false;
  bool stalled_ = false;
  Wake wake_;  ///< holds a signal when there may be something new for `next`
};

}  // namespace mainstay::analytics::query
