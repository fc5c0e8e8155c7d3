#pragma once

#include <stop_token>
#include <string>

#include "ports/columns/duckdb/deadlines.h"
#include "ports/columns/duckdb/engine.h"

namespace mainstay::columns::duckdb {

/// A new file that holds what is live in the old one and nothing else. It is made while the old one goes on being read
/// and written: first a snapshot is copied, then every commit since is repeated on `connection`. Of one thread.
/// Each call throws Unavailable; then, and at the end, what was made is removed.
class Rewrite {
 public:
  /// Refuses to begin (Unavailable) unless the disk has room for a second file and some more.
  Rewrite(Engine& engine, Deadlines& deadlines);
  ~Rewrite();
  Rewrite(const Rewrite&) = delete;
  Rewrite& operator=(const Rewrite&) = delete;

  /// Takes the snapshot; while nobody writes.
  void begin();
  /// Copies it. Ends early (Unavailable) when `stop` is requested.
  void copy(const std::stop_token& stop);
  /// Of the copy; after `copy`.
  [[nodiscard]] duckdb_connection connection() const { return copy_.connection.get(); }
  /// Puts the copy in the place of the old file; while nobody writes and all is repeated. False when queries ran for
  /// longer than `patience`; the copy can then be gone on with.
  [[nodiscard]] bool exchange(std::chrono::milliseconds patience);

 private:
  void require_space();
  void require_same_rows(duckdb_connection old);

  Engine& engine_;
  Deadlines& deadlines_;
  const std::filesystem::path file_;
  std::unique_ptr<Engine::Lease> lease_;  ///< from `begin` to the end of `copy`
  OpenFile copy_;
};

}  // namespace mainstay::columns::duckdb
