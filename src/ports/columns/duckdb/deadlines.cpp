#include "ports/columns/duckdb/deadlines.h"

#include <pthread.h>

#include <algorithm>

namespace mainstay::columns::duckdb {
namespace {

/// An interrupt that comes before the statement has begun is lost, so it is repeated.
constexpr std::chrono::milliseconds kAgain{20};

}  // namespace

Deadlines::~Deadlines() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::unique_ptr<Deadlines::Guard> Deadlines::guard(duckdb_connection connection, Clock::time_point deadline,
                                                   Kind kind) {
  const std::scoped_lock lock(mutex_);
  const bool yielded = way_wanted_ && kind == Kind::kYields;
  entries_.push_front({.connection = connection,
                       .due = ending_ || yielded ? Clock::now() : deadline,
                       .kind = kind,
                       .yielded = yielded});
  changed_.notify_all();
  return std::make_unique<Guard>(*this, entries_.begin());
}

void Deadlines::want_way(bool wanted) {
  const std::scoped_lock lock(mutex_);
  way_wanted_ = wanted;
  if (!wanted) return;
  for (auto& entry : entries_) {
    if (entry.kind != Kind::kYields) continue;
    entry.due = Clock::now();
    entry.yielded = true;
  }
  changed_.notify_all();
}

void Deadlines::end_all() {
  const std::scoped_lock lock(mutex_);
  ending_ = true;
  for (auto& entry : entries_) entry.due = Clock::now();
  changed_.notify_all();
}

void Deadlines::watch() {
  pthread_setname_np(pthread_self(), "columns-watch");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto now = Clock::now();
    auto next = Clock::time_point::max();
    for (auto& entry : entries_) {
      if (entry.due <= now) {
        // Under the lock: the guard goes before the connection is used for anything else.
        duckdb_interrupt(entry.connection);
        entry.passed = true;
        entry.due = now + kAgain;
      }
      next = std::min(next, entry.due);
    }
    if (next == Clock::time_point::max()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, next);
    }
  }
}

Deadlines::Guard::~Guard() {
  const std::scoped_lock lock(deadlines_.mutex_);
  deadlines_.entries_.erase(entry_);
}

void Deadlines::Guard::end_now() {
  const std::scoped_lock lock(deadlines_.mutex_);
  entry_->due = Clock::now();
  deadlines_.changed_.notify_all();
}

bool Deadlines::Guard::is_too_slow() const {
  const std::scoped_lock lock(deadlines_.mutex_);
  return entry_->passed && !entry_->yielded && !deadlines_.ending_;
}

bool Deadlines::Guard::has_yielded() const {
  const std::scoped_lock lock(deadlines_.mutex_);
  return entry_->yielded;
}

}  // namespace mainstay::columns::duckdb
