#pragma once

#include <memory>
#include <ostream>
#include <span>
#include <string>

#include "ports/sql/postgres/postgres.h"
#include "ports/sql/sql.h"
#include "ports/sql/sqlite/sqlite.h"
#include "testing/postgres_server.h"
#include "testing/temporary_folder.h"

namespace mainstay::testing {

/// The engines a module's SQL runs on; the parameter of its tests.
enum class Engine { kSqlite, kPostgres };

inline void PrintTo(Engine engine, std::ostream* out) { *out << (engine == Engine::kSqlite ? "Sqlite" : "Postgres"); }

/// An empty migrated database of the test's own. `open` may be called again for a second handle on the same one.
class TestDatabase {
 public:
  explicit TestDatabase(Engine engine) : engine_(engine) {
    if (engine == Engine::kPostgres) url_ = PostgresServer::shared().create_database();
  }

  [[nodiscard]] std::unique_ptr<sql::Database> open() const {
    if (engine_ == Engine::kPostgres) return sql::postgres::open({.url = url_, .connections = 3});
    return sql::sqlite::open({.path = file(), .readers = 2});
  }
  [[nodiscard]] std::unique_ptr<sql::Database> open(std::span<const sql::Migration> migrations) const {
    auto database = open();
    database->migrate(migrations);
    return database;
  }
  [[nodiscard]] std::filesystem::path file() const { return folder_ / "main.sqlite"; }  ///< of SQLite

 private:
  Engine engine_;
  TemporaryFolder folder_;
  std::string url_;
};

}  // namespace mainstay::testing
