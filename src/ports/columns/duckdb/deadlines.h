#pragma once

#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "ports/columns/duckdb/handles.h"

namespace mainstay::columns::duckdb {

/// Interrupts statements that run past their deadline. One thread, started with the first guard. Any thread.
class Deadlines {
 public:
  using Clock = std::chrono::steady_clock;

  Deadlines() = default;
  ~Deadlines();
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;

  class Guard;
  /// From now until the guard goes, what runs on `connection` is interrupted once `deadline` has passed.
  [[nodiscard]] std::unique_ptr<Guard> guard(duckdb_connection connection, Clock::time_point deadline);
  /// Interrupts what runs and what is started later.
  void end_all();

 private:
  struct Entry {
    duckdb_connection connection;
    Clock::time_point due;
    bool passed = false;
  };
  void watch();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Entry> entries_;
  bool ending_ = false;    ///< nothing may run any more
  bool stopping_ = false;  ///< the thread shall end
  std::thread thread_;
};

class Deadlines::Guard {
 public:
  Guard(Deadlines& deadlines, std::list<Entry>::iterator entry) : deadlines_(deadlines), entry_(entry) {}
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  /// Whether the statement was interrupted because its time was over, not because everything ends.
  [[nodiscard]] bool is_too_slow() const;
  /// Interrupts the statement now.
  void end_now();

 private:
  Deadlines& deadlines_;
  std::list<Entry>::iterator entry_;
};

}  // namespace mainstay::columns::duckdb
