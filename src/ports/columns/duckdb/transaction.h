#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "ports/columns/duckdb/append.h"
#include "ports/columns/duckdb/engine.h"

/// Writing to the tables, one transaction after the other.
namespace mainstay::columns::duckdb {

/// The commits that were made since the snapshot of a rewrite.
struct Since {
  /// Rows of commits that wait to be repeated on a new file; beyond it no transaction begins.
  static constexpr std::size_t kRowsMax = 400'000;

  std::deque<std::vector<Step>> commits;
  std::size_t rows = 0;  ///< of them, and of the one that is being repeated
  bool whole = true;     ///< false when a commit failed that may be durable all the same
};

/// What those who write share.
struct Writing {
  std::mutex mutex;                       ///< held by whoever writes, a whole transaction long; guards what follows
  std::condition_variable since_changed;  ///< `since` became shorter
  std::optional<Since> since;             ///< while there is a rewrite
  StoredTables tables;
};

[[nodiscard]] std::size_t rows_in(std::span<const Step> steps);

/// All steps in one transaction on `connection`.
[[nodiscard]] Outcome<> perform_all(duckdb_connection connection, const StoredTables& tables,
                                    std::span<const Step> steps);

/// A transaction of the store. Its connection is parked between two steps: the engine can be opened anew meanwhile,
/// which ends the transaction.
class DuckDbTransaction final : public Transaction {
 public:
  /// Blocks while others write. Throws Unavailable.
  DuckDbTransaction(Engine& engine, Writing& writing);
  ~DuckDbTransaction() override;
  DuckDbTransaction(const DuckDbTransaction&) = delete;
  DuckDbTransaction& operator=(const DuckDbTransaction&) = delete;

  void add(const Step& step) override;
  void commit() override;

 private:
  [[nodiscard]] std::unique_ptr<Engine::Lease> unpark();
  [[noreturn]] void fail(std::unique_ptr<Engine::Lease> lease, const Trouble& trouble);
  void keep_for_rewrite();

  Engine& engine_;
  Writing& writing_;
  std::unique_lock<std::mutex> lock_;  ///< not held when it has ended
  std::vector<Step> kept_;             ///< while there is a rewrite: what is to be repeated
};

}  // namespace mainstay::columns::duckdb
