#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "runtime/task.h"

namespace mainstay {

/// Owns running coroutines, so that none outlives what it uses: spawn, then cancel and join at the end.
/// A task that throws is logged under the group's name and counted as ended. Threads: any.
class TaskGroup {
 public:
  explicit TaskGroup(std::string name);
  ~TaskGroup();  ///< every task must have ended: join first
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts `make()` on `executor`. `make` is kept until the task ends, so it may own what the task refers to.
  void spawn(const Executor& executor, std::function<Task<>()> make);
  /// Asks every task to stop: what they await ends with operation_aborted.
  void cancel();
  /// Waits on this thread (never an I/O thread) until all tasks have ended; false when `patience` passed.
  [[nodiscard]] bool join(std::chrono::milliseconds patience);
  [[nodiscard]] std::size_t size() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  ///< shared with the completion handlers of the tasks
};

}  // namespace mainstay
