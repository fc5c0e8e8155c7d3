#include "runtime/blocking_pool.h"

#include <pthread.h>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/failure.h"

namespace mainstay {

struct BlockingPool::Impl {
  Options options;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> queue;
  bool stopping = false;
  std::vector<std::thread> threads;

  void work() {
    pthread_setname_np(pthread_self(), options.name.substr(0, 15).c_str());
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [this] { return stopping || !queue.empty(); });
      if (queue.empty()) return;
      auto job = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      job();
      job = nullptr;
      lock.lock();
    }
  }

  void push(std::function<void()> job) {
    {
      const std::scoped_lock lock(mutex);
      if (stopping || queue.size() >= options.queue_max) throw Unavailable(options.name + ": the queue is full");
      queue.push_back(std::move(job));
    }
    wake.notify_one();
  }
};

BlockingPool::BlockingPool(Options options) : impl_(std::make_unique<Impl>()) {
  impl_->options = std::move(options);
  for (std::size_t i = 0; i < impl_->options.threads; ++i) impl_->threads.emplace_back([this] { impl_->work(); });
}

BlockingPool::~BlockingPool() {
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  for (auto& thread : impl_->threads) thread.join();
}

void BlockingPool::post(std::function<void()> job) { impl_->push(std::move(job)); }

Task<> BlockingPool::run_erased(std::function<void()>& job) {
  const auto executor = co_await boost::asio::this_coro::executor;
  std::exception_ptr failure;
  const auto initiate = [this, &job, &failure, executor](auto handler) {
    // std::function wants a copyable job; the handler is not one.
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    auto body = [&job, &failure, executor, shared] {
      try {
        job();
      } catch (...) {
        failure = std::current_exception();
      }
      boost::asio::post(executor, [shared] { std::move (*shared)(); });
    };
    try {
      impl_->push(std::move(body));
    } catch (...) {
      failure = std::current_exception();
      boost::asio::post(executor, [shared] { std::move (*shared)(); });
    }
  };
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(initiate,
                                                                                     boost::asio::use_awaitable);
  if (failure) std::rethrow_exception(failure);
}

}  // namespace mainstay
