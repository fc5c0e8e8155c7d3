#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "ports/columns/duckdb/deadlines.h"
#include "ports/columns/duckdb/duckdb_columns.h"
#include "ports/columns/duckdb/statement.h"

namespace mainstay::columns::duckdb {

/// The open database and its connections; opens it anew after it broke. Any thread.
class Engine {
 public:
  /// Throws Unavailable when the file cannot be opened.
  explicit Engine(Options options);

  /// A connection for one use; it returns to the pool with the lease. While any lease lives, the database stays.
  class Lease {
   public:
    Lease(Engine& engine, std::shared_lock<std::shared_mutex> life, Connection connection)
        : engine_(engine), life_(std::move(life)), connection_(std::move(connection)) {}
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    [[nodiscard]] duckdb_connection get() const { return connection_.get(); }

   private:
    Engine& engine_;
    std::shared_lock<std::shared_mutex> life_;
    Connection connection_;
  };
  /// Throws Unavailable when the database is broken and cannot be opened anew.
  [[nodiscard]] std::unique_ptr<Lease> lease();

  /// Tells what a statement met: after kBroken the next lease opens the database anew.
  void note(const Trouble& trouble);

  /// Moves the write-ahead log into the file when it is large. A failure is logged and costs nothing but space. For
  /// the writer, outside of a transaction.
  void checkpoint_if_due(duckdb_connection connection);

  /// Writes the tables into a new file and takes it in place of the old one when at least half of that is free.
  /// Queries go on meanwhile, but for the moment of the exchange; nobody may write. Throws Unavailable; then the
  /// old file stays.
  void shrink();

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] std::filesystem::path file() const { return options_.folder / "columns.duckdb"; }

 private:
  void open();
  void heal();
  void close();
  [[nodiscard]] std::filesystem::path compact_folder() const { return options_.folder / "compact"; }
  void release(Connection connection);
  [[nodiscard]] std::uint64_t log_bytes() const;

  const Options options_;
  std::shared_mutex life_;  ///< shared: the database is in use; unique: it is opened anew
  std::atomic<bool> broken_ = false;
  std::uint64_t checkpoint_at_ = 0;  ///< of the writer: no checkpoint before the log is this large
  Database database_;
  std::mutex mutex_;  ///< of idle_
  std::vector<Connection> idle_;
};

}  // namespace mainstay::columns::duckdb
