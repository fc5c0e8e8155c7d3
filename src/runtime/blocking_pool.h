#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "runtime/task.h"

namespace mainstay {

/// Threads for what blocks: SQL, disk, password hashing. The awaiting coroutine resumes on its own
/// executor with the result or the exception.
///
/// Memory: at most `queue_max` jobs wait; one more throws Unavailable. Threads: `run` from any.
/// The destructor finishes what was accepted, then joins.
class BlockingPool {
 public:
  struct Options {
    std::string name = "pool";  ///< of the threads, for tools
    std::size_t threads = 1;    ///< >= 1
    std::size_t queue_max = 4096;
  };
  explicit BlockingPool(Options options);
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// Runs `job()` on a thread of the pool.
  template <class Job>
  Task<std::invoke_result_t<Job&>> run(Job job) {
    using R = std::invoke_result_t<Job&>;
    if constexpr (std::is_void_v<R>) {
      std::function<void()> body = [&job] { job(); };
      co_await run_erased(body);
    } else {
      std::optional<R> result;
      std::function<void()> body = [&job, &result] { result.emplace(job()); };
      co_await run_erased(body);
      co_return std::move(*result);
    }
  }

  /// Queues `job` without waiting for it. It must not throw.
  void post(std::function<void()> job);

 private:
  Task<> run_erased(std::function<void()>& job);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay
