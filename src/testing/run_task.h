#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/task.h"

/// Runs coroutines from plain test code, each call on an io_context of its own.
namespace mainstay::testing {

/// A coroutine that takes longer than this hangs; the test binary then aborts, because whatever the
/// coroutine waits for may still refer to its io_context.
inline constexpr std::chrono::seconds kRunPatience{120};

namespace detail {

template <class T>
Task<> keep(Task<T> task, std::optional<T>* result) {
  result->emplace(co_await std::move(task));
}

inline void start(boost::asio::io_context& context, Task<> task, std::exception_ptr* failure, std::size_t* ended) {
  boost::asio::co_spawn(context, std::move(task), [failure, ended](const std::exception_ptr& thrown) {
    ++*ended;
    if (thrown && !*failure) *failure = thrown;
  });
}

inline void finish(boost::asio::io_context& context, const std::exception_ptr& failure, const std::size_t& ended,
                   std::size_t wanted) {
  // The timer does two things. It ends what hangs; and with it this thread waits in the reactor, which another thread
  // that posts here wakes before it lets go of the context: by the time we go on to destroy it, nobody uses it.
  boost::asio::steady_timer overdue(context, kRunPatience);
  overdue.async_wait([](const boost::system::error_code& cancelled) {
    if (cancelled) return;
    std::fputs("mainstay::testing::run: the coroutine did not end\n", stderr);
    std::abort();
  });
  while (ended < wanted) context.run_one();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace detail

/// Runs `task` to its end on this thread; returns its value or throws what it threw.
template <class T>
T run(Task<T> task) {
  boost::asio::io_context context{1};
  std::exception_ptr failure;
  std::size_t ended = 0;
  if constexpr (std::is_void_v<T>) {
    detail::start(context, std::move(task), &failure, &ended);
    detail::finish(context, failure, ended, 1);
  } else {
    std::optional<T> result;
    detail::start(context, detail::keep(std::move(task), &result), &failure, &ended);
    detail::finish(context, failure, ended, 1);
    return std::move(*result);
  }
}

/// Runs all tasks side by side on this thread until the last has ended; then returns their values in
/// order, or throws the first exception.
template <class T>
std::vector<T> run_all(std::vector<Task<T>> tasks) {
  boost::asio::io_context context{1};
  std::exception_ptr failure;
  std::size_t ended = 0;
  std::vector<std::optional<T>> kept(tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    detail::start(context, detail::keep(std::move(tasks[i]), &kept[i]), &failure, &ended);
  }
  detail::finish(context, failure, ended, kept.size());
  std::vector<T> results;
  for (auto& result : kept) results.push_back(std::move(*result));
  return results;
}

inline void run_all(std::vector<Task<>> tasks) {
  boost::asio::io_context context{1};
  std::exception_ptr failure;
  std::size_t ended = 0;
  for (auto& task : tasks) detail::start(context, std::move(task), &failure, &ended);
  detail::finish(context, failure, ended, tasks.size());
}

}  // namespace mainstay::testing
