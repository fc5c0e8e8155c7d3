#include "ports/sql/sqlite/sqlite.h"

#include <sqlite3.h>

#include <mutex>
#include <stdexcept>
#include <vector>

#include "ports/sql/migrations.h"
#include "ports/sql/sqlite/writer.h"
#include "runtime/blocking_pool.h"

namespace mainstay::sql::sqlite {
namespace {

constexpr Dialect kDialect{.blob = "blob", .autoid = "integer primary key autoincrement"};

class SqliteDatabase final : public Database {
 public:
  explicit SqliteDatabase(const Options& options)
      : path_(options.path),
        writer_(options.path, options.queue_max, options.scrub_after),
        readers_({.name = "sql-reader", .threads = options.readers, .queue_max = options.queue_max}) {}

  void migrate(std::span<const Migration> migrations) override {
    require_in_order(migrations);
    in_transaction([&](Tx& tx) { prepare_bookkeeping(tx, migrations); });
    for (const auto& migration : migrations) {
      in_transaction([&](Tx& tx) { apply(tx, migration, kDialect); });
    }
  }

 protected:
  Task<> write_erased(const std::function<bool(Tx&)>& body) override { return writer_.run(body); }

  Task<> read_erased(const std::function<void(Tx&)>& body) override {
    return readers_.run([this, &body] { read_now(body); });
  }

 private:
  /// The write lock that each transaction takes keeps other processes out.
  void in_transaction(const std::function<void(Tx&)>& body) {
    const std::function<bool(Tx&)> committed = [&body](Tx& tx) {
      body(tx);
      return true;
    };
    writer_.run_blocking(committed, kMigrationPatience);
  }

  void read_now(const std::function<void(Tx&)>& body) {
    auto connection = take_idle();
    try {
      connection->begin();
      ConnectionTx tx(*connection);
      body(tx);
      tx.require_commit_allowed();
    } catch (const Unavailable&) {
      throw;  // without the connection: the next read starts from a fresh one
    } catch (...) {
      give_back(std::move(connection));
      throw;
    }
    give_back(std::move(connection));
  }

  std::unique_ptr<Connection> take_idle() {
    {
      const std::scoped_lock lock(mutex_);
      if (!idle_.empty()) {
        auto connection = std::move(idle_.back());
        idle_.pop_back();
        return connection;
      }
    }
    return std::make_unique<Connection>(path_, Access::kRead);
  }

  void give_back(std::unique_ptr<Connection> connection) {
    connection->rollback();
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(connection));
  }

  std::filesystem::path path_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;  ///< at most as many as there are reader threads
  Writer writer_;
  BlockingPool readers_;  ///< last: its threads use all of the above
};

}  // namespace

std::unique_ptr<Database> open(Options options) {
  require_safe_version(sqlite3_libversion_number());
  if (options.readers == 0) throw std::logic_error("a database needs a reader");
  return std::make_unique<SqliteDatabase>(options);
}

}  // namespace mainstay::sql::sqlite
