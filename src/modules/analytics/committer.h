#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "ports/columns/columns.h"
#include "runtime/metrics.h"

namespace mainstay::analytics {

/// Writes batches to the column store on a thread of its own, one at a time, so that a slow write or a checkpoint
/// delays neither the live report nor the reading of the stream.
///
/// A batch comes whole, by `finish`; or, when it is large, in pieces: those before the last by `add`, which are written
/// while the next gathers. One that came whole and that the store refuses is tried again until it is taken or `stop` is
/// called. Of one in pieces nothing is kept: it is `lost`, rolled back, and the stream has to be read again.
class Committer {
 public:
  /// `on_ready` is called on the committer's thread each time it has become ready.
  Committer(columns::Columns& columns, metrics::Registry& metrics, std::function<void()> on_ready);
  ~Committer();  ///< as `stop`
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  /// Starts writing `steps`, with which a batch begins or goes on. Only when ready; otherwise std::logic_error.
  void add(std::vector<columns::Step> steps);
  /// Starts writing the rest of a batch; `done` is called on the committer's thread when all of it is durable. Only
  /// when ready.
  /// `is_stored` says whether the store has the batch already: a commit may be durable although it was reported as
  /// failed (columns.h), and must then not be made twice.
  void finish(std::vector<columns::Step> steps, std::function<bool()> is_stored, std::function<void()> done);
  /// Starts other work on the column store, such as sums of past days; an Unavailable ends it and is logged. Only when
  /// idle.
  void start_work(std::function<void()> work);

  /// Nothing is being written, and nothing was lost or given up. Stays so until more is given.
  [[nodiscard]] bool ready() const;
  /// Nor has a batch begun.
  [[nodiscard]] bool idle() const;
  /// Blocks until nothing is being written. False when that was given up or lost.
  bool wait_ready();
  /// A batch in pieces was lost. Not ready until `begin_anew`.
  [[nodiscard]] bool lost() const;
  /// Rolls back a batch that has begun and forgets that one was lost; blocks until nothing is being written.
  void begin_anew();

  /// From now on a batch that the store refuses is given up.
  void stop_retrying();
  /// Lets a running write end, gives up trying again, and ends the thread.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  struct Job {
    std::vector<columns::Step> steps;
    bool is_last = true;
    std::function<bool()> is_stored;
    std::function<void()> done;
    std::function<void()> work;  ///< instead of steps
  };
  enum class Outcome { kWritten, kLost, kGivenUp };
  /// Under the mutex.
  [[nodiscard]] bool is_ready() const { return !job_ && last_ == Outcome::kWritten; }
  void take(Job job);
  void run();
  [[nodiscard]] Outcome carry_out(const Job& job);
  [[nodiscard]] Outcome write_whole(const Job& job);
  [[nodiscard]] Outcome write_piece(const Job& job);
  [[nodiscard]] Outcome after_failed_commit(const Job& job);
  void note_commit(Clock::duration spent);
  void note_failure(const Unavailable& outage);
  /// False when there is no trying again.
  [[nodiscard]] bool wait_to_retry();

  columns::Columns& columns_;
  metrics::Counter& commits_;
  metrics::Counter& failures_;
  metrics::Histogram& seconds_;
  std::function<void()> on_ready_;
  mutable std::mutex mutex_;  ///< guards the next six
  std::condition_variable changed_;
  std::optional<Job> job_;
  bool has_begun_ = false;  ///< a batch in pieces
  Outcome last_ = Outcome::kWritten;
  bool retrying_ = true;
  bool stopping_ = false;
  /// Of a batch in pieces. On the thread alone.
  std::unique_ptr<columns::Transaction> transaction_;
  Clock::duration spent_{};  ///< on its pieces
  std::thread thread_;
};

}  // namespace mainstay::analytics
