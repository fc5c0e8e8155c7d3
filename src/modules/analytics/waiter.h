#pragma once

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <memory>

#include "ports/stream/stream.h"
#include "runtime/task.h"

namespace mainstay::analytics {

/// A coroutine that waits on `timer`, on its own executor, for the processor to have written `target`.
struct Waiter {
  stream::Offset target;
  Executor executor;
  std::shared_ptr<boost::asio::steady_timer> timer;  ///< shared with the coroutine that waits on it

  void wake() const {
    boost::asio::post(executor, [timer = timer] { timer->cancel(); });
  }
};

/// How a command ended that a coroutine waits for; `failure` is written before `ended` is set and read after.
struct Outcome {
  std::exception_ptr failure;
  std::atomic<bool> ended{false};
};

}  // namespace mainstay::analytics
