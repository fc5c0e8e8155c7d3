#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "ports/sql/sqlite/connection.h"
#include "runtime/task.h"

namespace mainstay::sql::sqlite {

/// The one thread that writes, with group commit: it takes all waiting bodies, runs each in a savepoint inside
/// one transaction, commits once with fsync, then answers them all. While the disk syncs one group, the next gathers.
///
/// - A body that refuses or throws rolls back its own savepoint only.
/// - When the commit fails, every body of the group gets Unavailable, also one that refused: it may have seen what
///   its neighbours wrote.
/// - When one body spoils the whole transaction (a rule deferred to the commit, an error after which SQLite rolls
///   back everything), each body of the group runs again in a transaction of its own.
///
/// So long after a commit it empties the write-ahead log, which keeps the former content of pages.
///
/// `run` from any thread. The destructor finishes what was accepted, then joins.
class Writer {
 public:
  /// Bodies in one transaction at most: bounds how long the first waits for the last.
  static constexpr std::size_t kGroupMax = 512;

  /// At most `queue_max` bodies wait; one more is Unavailable.
  Writer(const std::filesystem::path& path, std::size_t queue_max, std::chrono::milliseconds scrub_after);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Completes when the body's transaction is durable or has failed. `body` returns whether to commit.
  Task<> run(const std::function<bool(Tx&)>& body);

  /// The same for a thread that may block.
  void run_blocking(const std::function<bool(Tx&)>& body, std::chrono::milliseconds patience);

 private:
  struct Job {
    const std::function<bool(Tx&)>* body;
    std::exception_ptr* failure;  ///< of the waiting side, set before `done`
    std::function<void()> done;
    std::chrono::milliseconds patience = kStatementPatience;
  };

  void push(Job job);
  void work();
  [[nodiscard]] bool wait_for_work(std::unique_lock<std::mutex>& lock);
  void commit_group(std::span<Job> jobs);
  enum class Attempt { kSettled, kSpoiled };
  [[nodiscard]] Attempt attempt(std::span<Job> jobs);
  [[nodiscard]] Attempt run_bodies(std::span<Job> jobs);
  void run_body(const Job& job);

  Connection connection_;
  std::size_t queue_max_;
  const std::chrono::milliseconds scrub_after_;
  std::optional<std::chrono::steady_clock::time_point> scrub_at_;  ///< of the thread: the log may hold old pages
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mainstay::sql::sqlite
