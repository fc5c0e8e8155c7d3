#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "ports/sql/checked_tx.h"
#include "ports/sql/sql.h"
#include "ports/sql/statement_cache.h"

struct sqlite3;
struct sqlite3_stmt;

namespace mainstay::sql::sqlite {

/// Throws std::runtime_error for SQLite before 3.51.3, which can corrupt a database when its WAL is reset
/// (https://sqlite.org/wal.html#walresetbug). `number` is what sqlite3_libversion_number() says.
void require_safe_version(int number);

enum class Access { kRead, kWrite };

/// How long one statement may run, where that is not kStatementPatience.
inline constexpr std::chrono::hours kMigrationPatience{24};

/// One connection to one database file, in WAL mode, every commit synced to disk. One thread at a time.
///
/// Failures: a full or failing disk, a file locked by another process for longer than kBusyPatience, a damaged file
/// throw Unavailable; broken rules and bugs as `Tx` says. The connection stays usable after each of them.
class Connection {
 public:
  /// Another process may hold the write lock for this long.
  static constexpr std::chrono::milliseconds kBusyPatience{5'000};

  /// Opens `path`, creating the file readable by its owner only when `access` is kWrite.
  Connection(const std::filesystem::path& path, Access access);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] Tx::Outcome run(std::string_view statement, std::span<const Value> parameters);

  void begin();  ///< takes the write lock at once when access is kWrite, so that it cannot fail half-way
  void commit();
  /// Moves the write-ahead log into the database file and cuts it to nothing, outside of a transaction. False when that
  /// has to wait, for a reader that still needs the log or for a disk that refuses. Never throws.
  [[nodiscard]] bool empty_log() noexcept;
  void rollback() noexcept;  ///< also when no transaction is open
  void set_savepoint();
  void release_savepoint();
  void rollback_to_savepoint();
  /// False after an error that made SQLite roll back the whole transaction by itself.
  [[nodiscard]] bool in_transaction() const;

  /// Of each later statement; one that takes longer ends with Unavailable.
  void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }

 private:
  struct CloseDatabase {
    void operator()(sqlite3* database) const;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  using StatementHandle = std::unique_ptr<sqlite3_stmt, Finalize>;
  struct Prepared {
    StatementHandle handle;
    std::vector<std::size_t> places;  ///< place i is bound to parameter number places[i], counted from 0
    std::size_t parameters = 0;       ///< how many the statement names
  };

  void apply_settings();
  Prepared& prepare(std::string_view statement);
  [[nodiscard]] StatementHandle compile(std::string_view statement, unsigned flags);
  void bind(const Prepared& prepared, std::span<const Value> parameters);
  void command(const char* text);
  [[noreturn]] void fail(std::string_view doing);
  static int on_progress(void* self);

  Access access_;
  std::chrono::milliseconds patience_ = kStatementPatience;
  int logged_failure_ = 0;  ///< a disk that stays full is worth one line, not one a write
  std::chrono::steady_clock::time_point deadline_;
  std::unique_ptr<sqlite3, CloseDatabase> database_;
  StatementCache<Prepared> statements_;  ///< goes before the database it belongs to
};

/// One body's view of a connection.
class ConnectionTx final : public CheckedTx {
 public:
  explicit ConnectionTx(Connection& connection) : connection_(connection) {}

 protected:
  Outcome run_checked(std::string_view statement, std::span<const Value> parameters) override {
    return connection_.run(statement, parameters);
  }

 private:
  Connection& connection_;
};

}  // namespace mainstay::sql::sqlite
