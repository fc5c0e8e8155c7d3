#include "modules/analytics/query/pieces.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mainstay::analytics::query {

Pieces::Pieces(const boost::asio::any_io_executor& executor, std::chrono::milliseconds patience)
    : patience_(patience), wake_(executor, 1) {}

bool Pieces::put(std::string piece) {
  {
    std::unique_lock lock(mutex_);
    while (!left_ && !stalled_ && waiting_.size() >= kWaitingMax) {
      const auto moved = [this, before = progress_] { return left_ || progress_ != before; };
      stalled_ = !changed_.wait_for(lock, patience_, moved);
    }
    if (left_ || stalled_) return false;
    waiting_.push_back(std::move(piece));
  }
  wake_.try_send(boost::system::error_code{});
  return true;
}

void Pieces::end() {
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
  }
  wake_.try_send(boost::system::error_code{});
}

Task<std::optional<std::string>> Pieces::next() {
  while (true) {
    {
      const std::scoped_lock lock(mutex_);
      if (!waiting_.empty()) {
        auto piece = std::move(waiting_.front());
        waiting_.pop_front();
        ++progress_;
        changed_.notify_all();
        co_return piece;
      }
      if (ended_) co_return std::nullopt;
    }
    const auto [error] = co_await wake_.async_receive(boost::asio::as_tuple(boost::asio::use_awaitable));
    if (error) co_return std::nullopt;
  }
}

void Pieces::note_progress() {
  const std::scoped_lock lock(mutex_);
  ++progress_;
  changed_.notify_all();
}

void Pieces::leave() {
  const std::scoped_lock lock(mutex_);
  left_ = true;
  changed_.notify_all();
}

bool Pieces::has_stalled() const {
  const std::scoped_lock lock(mutex_);
  return stalled_;
}

}  // namespace mainstay::analytics::query
