#pragma once

#include <atomic>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "ports/columns/duckdb/deadlines.h"
#include "ports/columns/duckdb/duckdb_columns.h"
#include "ports/columns/duckdb/statement.h"
#include "runtime/blocking_pool.h"

namespace mainstay::columns::duckdb {

/// An open file and a connection to it.
struct OpenFile {
  Database database;
  Connection connection;
};
/// Opens or makes `file`, locked down to `folders`. Throws Unavailable.
[[nodiscard]] OpenFile open_file(const Options& options, const std::filesystem::path& file,
                                 std::initializer_list<std::filesystem::path> folders);

/// The open database and its connections; opens it anew after it broke. Any thread.
class Engine {
 public:
  /// Throws Unavailable when the file cannot be opened.
  explicit Engine(Options options);

  /// A connection for one use; it returns to the pool with the lease. While any lease lives, the database stays.
  class Lease {
   public:
    Lease(Engine& engine, std::shared_lock<std::shared_timed_mutex> life, Connection connection)
        : engine_(engine), life_(std::move(life)), connection_(std::move(connection)) {}
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    [[nodiscard]] duckdb_connection get() const { return connection_.get(); }

   private:
    friend class Engine;
    Engine& engine_;
    std::shared_lock<std::shared_timed_mutex> life_;
    Connection connection_;
  };
  /// Throws Unavailable when the database is broken and cannot be opened anew.
  [[nodiscard]] std::unique_ptr<Lease> lease();

  /// Keeps the connection of a lease, and the transaction on it, while nothing runs there: nobody has to wait for it.
  /// It is gone when the database is opened anew. One at a time, of the writer.
  void park(std::unique_ptr<Lease> lease);
  /// Null when it is gone.
  [[nodiscard]] std::unique_ptr<Lease> unpark();

  /// Tells what a statement met: after kBroken the next lease opens the database anew.
  void note(const Trouble& trouble);

  /// Moves the write-ahead log into the file when it is large. A failure is logged and costs nothing but space. For
  /// the writer, outside of a transaction.
  void checkpoint_if_due(duckdb_connection connection);

  /// Closes `made`, takes its file in place of the old one and opens that. Nobody may write. Waits up to `patience` for
  /// the queries that run; those that come meanwhile wait as well. False when it was not enough. Throws Unavailable;
  /// then the old file stays, or nothing is leased before the exchange is durable.
  [[nodiscard]] bool replace_by(OpenFile& made, const std::filesystem::path& made_file,
                                std::chrono::milliseconds patience);

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] std::filesystem::path file() const { return options_.folder / "columns.duckdb"; }
  /// Where a new file is made; what stands there is of no use to anybody else.
  [[nodiscard]] std::filesystem::path new_folder() const { return options_.folder / "compact"; }

 private:
  void open();
  void heal();
  void close();
  void remove_leftovers();
  void release(Connection connection);
  [[nodiscard]] std::uint64_t log_bytes() const;

  const Options options_;
  std::mutex door_;               ///< who waits for `life_` alone holds it, so that others do not overtake
  std::shared_timed_mutex life_;  ///< shared: the database is in use; unique: it is opened anew
  std::atomic<bool> broken_ = false;
  std::uint64_t checkpoint_at_ = 0;  ///< of the writer: no checkpoint before the log is this large
  Database database_;
  std::mutex mutex_;  ///< of what follows
  std::vector<Connection> idle_;
  Connection parked_;
  /// Opens the database. DuckDB's threads begin in the one that opens it and take over its priority for good, so that
  /// is not the background's, which opens it anew.
  BlockingPool opener_{{.name = "columns-open"}};
};

}  // namespace mainstay::columns::duckdb
