#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "ports/columns/columns.h"
#include "runtime/metrics.h"

namespace mainstay::analytics {

/// Writes batches to the column store on a thread of its own, one at a time, so that a slow write or a checkpoint
/// delays neither the live report nor the reading of the stream. A batch that the store refuses is tried again
/// until it is taken or `stop` is called: the stream still has what is in it.
class Committer {
 public:
  Committer(columns::Columns& columns, metrics::Registry& metrics);
  ~Committer();  ///< as `stop`
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  /// Starts writing `steps`; `done` is called on the committer's thread when they are durable.
  /// Only while idle; otherwise std::logic_error.
  /// `is_stored` says whether the store has the batch already: a commit may be durable although it was reported as
  /// failed (columns.h), and must then not be made twice.
  void start(std::vector<columns::Step> steps, std::function<bool()> is_stored, std::function<void()> done);
  /// Starts other work on the column store, such as sums of past days; an Unavailable ends it and is logged.
  void start_work(std::function<void()> work);
  [[nodiscard]] bool idle() const;
  /// Blocks until nothing is being written. False when that was given up by `stop`.
  bool wait_idle();
  /// From now on a batch that the store refuses is given up.
  void stop_retrying();
  /// Lets a running write end, gives up trying again, and ends the thread.
  void stop();

 private:
  struct Job {
    std::vector<columns::Step> steps;
    std::function<bool()> is_stored;
    std::function<void()> done;
    std::function<void()> work;  ///< instead of steps
  };
  void take(Job job);
  void run();
  [[nodiscard]] bool write(const Job& job);
  [[nodiscard]] bool try_to_write(const Job& job);

  columns::Columns& columns_;
  metrics::Counter& commits_;
  metrics::Counter& failures_;
  metrics::Histogram& seconds_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Job> job_;
  bool retrying_ = true;
  bool given_up_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mainstay::analytics
