#include "ports/sql/sqlite/writer.h"

#include <pthread.h>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <future>
#include <memory>

namespace mainstay::sql::sqlite {
namespace {

constexpr std::chrono::milliseconds kScrubRetryMin{20};

}  // namespace

Writer::Writer(const std::filesystem::path& path, std::size_t queue_max, std::chrono::milliseconds scrub_after)
    : connection_(path, Access::kWrite),
      queue_max_(queue_max),
      scrub_after_(scrub_after),
      scrub_at_(std::chrono::steady_clock::now() + scrub_after),  // a crash may have left a log
      thread_([this] { work(); }) {}

Writer::~Writer() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

Task<> Writer::run(const std::function<bool(Tx&)>& body) {
  const auto executor = co_await boost::asio::this_coro::executor;
  std::exception_ptr failure;
  const auto initiate = [this, &body, &failure, executor](auto handler) {
    // std::function wants a copyable job; the handler is not one. It owns this coroutine's frame.
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    const auto done = [shared, executor] { boost::asio::post(executor, [shared] { std::move (*shared)(); }); };
    try {
      push({.body = &body, .failure = &failure, .done = done});
    } catch (...) {
      failure = std::current_exception();
      done();
    }
  };
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(initiate,
                                                                                     boost::asio::use_awaitable);
  if (failure) std::rethrow_exception(failure);
}

void Writer::run_blocking(const std::function<bool(Tx&)>& body, std::chrono::milliseconds patience) {
  std::exception_ptr failure;
  std::promise<void> promise;
  push({.body = &body, .failure = &failure, .done = [&promise] { promise.set_value(); }, .patience = patience});
  promise.get_future().wait();
  if (failure) std::rethrow_exception(failure);
}

void Writer::push(Job job) {
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || queue_.size() >= queue_max_) throw Unavailable("database: too many writes are waiting");
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void Writer::work() {
  pthread_setname_np(pthread_self(), "sql-writer");
  std::vector<Job> group;
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!wait_for_work(lock)) return;
    while (!queue_.empty() && group.size() < kGroupMax) {
      group.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    lock.unlock();
    commit_group(group);
    if (!scrub_at_) scrub_at_ = std::chrono::steady_clock::now() + scrub_after_;
    for (const auto& job : group) job.done();
    group.clear();
    lock.lock();
  }
}

/// False at the end. What is to be scrubbed is, in time, also while there is always something to write.
bool Writer::wait_for_work(std::unique_lock<std::mutex>& lock) {
  const auto has_work = [this] { return stopping_ || !queue_.empty(); };
  while (scrub_at_) {
    if (std::chrono::steady_clock::now() < *scrub_at_) {
      if (wake_.wait_until(lock, *scrub_at_, has_work)) break;
      continue;
    }
    lock.unlock();
    const bool emptied = connection_.empty_log();
    lock.lock();
    scrub_at_.reset();
    if (emptied) break;
    scrub_at_ = std::chrono::steady_clock::now() + std::max(scrub_after_, kScrubRetryMin);
  }
  if (!scrub_at_) wake_.wait(lock, has_work);
  return !queue_.empty();
}

void Writer::commit_group(std::span<Job> jobs) {
  if (attempt(jobs) == Attempt::kSettled || jobs.size() == 1) return;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    // Alone, a body spoils nothing but its own transaction, and `failure` says how.
    static_cast<void>(attempt(jobs.subspan(i, 1)));
  }
}

/// Leaves in each job's `failure` how it ended. Nothing is durable and nobody is answered when it was spoiled.
Writer::Attempt Writer::attempt(std::span<Job> jobs) {
  for (const auto& job : jobs) *job.failure = nullptr;
  try {
    connection_.begin();
    if (run_bodies(jobs) == Attempt::kSpoiled) {
      connection_.rollback();
      return Attempt::kSpoiled;
    }
    connection_.commit();
  } catch (const ConstraintViolation&) {
    connection_.rollback();
    if (jobs.size() > 1) return Attempt::kSpoiled;
    *jobs.front().failure = std::current_exception();
  } catch (...) {
    connection_.rollback();
    for (const auto& job : jobs) *job.failure = std::current_exception();
  }
  return Attempt::kSettled;
}

Writer::Attempt Writer::run_bodies(std::span<Job> jobs) {
  for (const auto& job : jobs) {
    connection_.set_patience(job.patience);
    connection_.set_savepoint();
    try {
      run_body(job);
    } catch (...) {
      *job.failure = std::current_exception();
      if (!connection_.in_transaction()) return Attempt::kSpoiled;
      connection_.rollback_to_savepoint();
      connection_.release_savepoint();
    }
  }
  return Attempt::kSettled;
}

/// Ends the savepoint unless it throws.
void Writer::run_body(const Job& job) {
  ConnectionTx tx(connection_);
  const bool wants_commit = (*job.body)(tx);
  if (wants_commit) {
    tx.require_commit_allowed();
  } else if (!connection_.in_transaction()) {
    std::rethrow_exception(tx.failure());
  } else {
    connection_.rollback_to_savepoint();
  }
  connection_.release_savepoint();
}

}  // namespace mainstay::sql::sqlite
