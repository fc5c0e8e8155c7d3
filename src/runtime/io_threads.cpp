#include "runtime/io_threads.h"

#include <pthread.h>

#include <fmt/format.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>
#include <vector>

#include "runtime/scheduling.h"

namespace mainstay {

struct IoThreads::Impl {
  struct Loop {
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
    std::thread thread;
  };
  std::vector<std::unique_ptr<Loop>> loops;
};

IoThreads::IoThreads(std::size_t count) : impl_(std::make_unique<Impl>()) {
  for (std::size_t i = 0; i < count; ++i) {
    auto& loop = *impl_->loops.emplace_back(std::make_unique<Impl::Loop>());
    loop.thread = std::thread([&loop, i, count] {
      pthread_setname_np(pthread_self(), fmt::format("io-{}", i).c_str());
      keep_to_processor(i, count);
      loop.context.run();
    });
  }
}

IoThreads::~IoThreads() { stop(); }

std::size_t IoThreads::size() const { return impl_->loops.size(); }

Executor IoThreads::executor(std::size_t index) const { return impl_->loops[index]->context.get_executor(); }

void IoThreads::stop() {
  for (auto& loop : impl_->loops) loop->context.stop();
  for (auto& loop : impl_->loops) {
    if (loop->thread.joinable()) loop->thread.join();
  }
}

}  // namespace mainstay
