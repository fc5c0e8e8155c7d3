#include "modules/analytics/written.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

namespace mainstay::analytics {

Task<> Sleeper::sleep() const { co_await timer_->async_wait(boost::asio::as_tuple(boost::asio::use_awaitable)); }

void Sleeper::wake() {
  boost::asio::post(executor_, [timer = std::move(timer_)] { timer->cancel(); });
}

Task<bool> Written::reach(stream::Offset target, std::chrono::milliseconds patience) {
  const Sleeper sleeper(co_await boost::asio::this_coro::executor, patience);
  {
    const std::scoped_lock lock(mutex_);
    if (through_ >= target || ended_) co_return through_ >= target;
    waiters_.push_back({.target = target, .sleeper = sleeper});
    ask_for(target);
  }
  ask_();
  co_await sleeper.sleep();
  const std::scoped_lock lock(mutex_);
  std::erase_if(waiters_, [&sleeper](const Waiter& waiter) { return waiter.sleeper == sleeper; });
  co_return through_ >= target;
}

void Written::ask_for(stream::Offset target) { asked_ = std::min(asked_.value_or(target), target); }

bool Written::is_asked(stream::Offset position) const {
  const std::scoped_lock lock(mutex_);
  return asked_ && *asked_ <= position;
}

void Written::begin() {
  const std::scoped_lock lock(mutex_);
  asked_.reset();
}

void Written::set(stream::Offset through) {
  const std::scoped_lock lock(mutex_);
  through_ = through;
  for (auto& waiter : waiters_) {
    if (waiter.target <= through) {
      waiter.sleeper.wake();
    } else {
      ask_for(waiter.target);  // who came while the batch was being written still waits for their part
    }
  }
  std::erase_if(waiters_, [through](const Waiter& waiter) { return waiter.target <= through; });
}

void Written::end() {
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  for (auto& waiter : waiters_) waiter.sleeper.wake();
  waiters_.clear();
}

}  // namespace mainstay::analytics
