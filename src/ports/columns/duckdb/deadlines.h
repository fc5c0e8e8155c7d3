#pragma once

#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "ports/columns/duckdb/handles.h"

namespace mainstay::columns::duckdb {

/// Interrupts statements that run past their deadline. One thread, at the priority of who makes it. Any thread.
class Deadlines {
 public:
  using Clock = std::chrono::steady_clock;

  Deadlines() = default;
  ~Deadlines();
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;

  class Guard;
  enum class Kind { kStays, kYields };
  /// From now until the guard goes, what runs on `connection` is interrupted once `deadline` has passed; what yields
  /// also while somebody wants the way.
  [[nodiscard]] std::unique_ptr<Guard> guard(duckdb_connection connection, Clock::time_point deadline,
                                             Kind kind = Kind::kStays);
  /// From now until the next call with false, what yields is interrupted, and so is what is started meanwhile.
  void want_way(bool wanted);
  /// Interrupts what runs and what is started later.
  void end_all();

 private:
  struct Entry {
    duckdb_connection connection;
    Clock::time_point due;
    Kind kind = Kind::kStays;
    bool passed = false;
    bool yielded = false;
  };
  void watch();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Entry> entries_;
  bool way_wanted_ = false;
  bool ending_ = false;                      ///< nothing may run any more
  bool stopping_ = false;                    ///< the thread shall end
  std::thread thread_{[this] { watch(); }};  ///< last: it uses the rest
};

class Deadlines::Guard {
 public:
  Guard(Deadlines& deadlines, std::list<Entry>::iterator entry) : deadlines_(deadlines), entry_(entry) {}
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  /// Whether the statement was interrupted because its time was over, not because everything ends.
  [[nodiscard]] bool is_too_slow() const;
  /// Whether the statement was interrupted because it yields.
  [[nodiscard]] bool has_yielded() const;
  /// Interrupts the statement now.
  void end_now();

 private:
  Deadlines& deadlines_;
  std::list<Entry>::iterator entry_;
};

}  // namespace mainstay::columns::duckdb
