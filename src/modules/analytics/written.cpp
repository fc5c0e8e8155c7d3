#include "modules/analytics/written.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

namespace mainstay::analytics {
namespace {

constexpr std::chrono::milliseconds kChangeWait{100};

}  // namespace

Task<> Sleeper::sleep() const { co_await timer_->async_wait(boost::asio::as_tuple(boost::asio::use_awaitable)); }

void Sleeper::wake() {
  boost::asio::post(executor_, [timer = std::move(timer_)] { timer->cancel(); });
}

Task<bool> Written::reach(stream::Offset target, std::chrono::milliseconds patience) {
  const Sleeper sleeper(co_await boost::asio::this_coro::executor, patience);
  {
    const std::scoped_lock lock(mutex_);
    if (through_ >= target) co_return true;
    waiters_.push_back({.target = target, .sleeper = sleeper});
    ask_for(target);
  }
  ask_();
  co_await sleeper.sleep();
  const std::scoped_lock lock(mutex_);
  std::erase_if(waiters_, [&sleeper](const Waiter& waiter) { return waiter.sleeper == sleeper; });
  co_return through_ >= target;
}

void Written::wait_for_change(stream::Offset target) {
  {
    const std::scoped_lock lock(mutex_);
    ask_for(target);
  }
  ask_();
  std::unique_lock lock(mutex_);
  if (through_ < target) changed_.wait_for(lock, kChangeWait);
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
  changed_.notify_all();
}

void Written::end() {
  const std::scoped_lock lock(mutex_);
  for (auto& waiter : waiters_) waiter.sleeper.wake();
  waiters_.clear();
  changed_.notify_all();
}

}  // namespace mainstay::analytics
