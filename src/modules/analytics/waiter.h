#pragma once

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
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

}  // namespace mainstay::analytics
