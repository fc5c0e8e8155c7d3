#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ports/sql/checked_tx.h"
#include "ports/sql/sql.h"
#include "ports/sql/statement_cache.h"

struct pg_conn;
struct pg_result;

namespace mainstay::sql::postgres {

/// The engine undid the transaction for the sake of another one; the body may run again (SQLSTATE 40001, 40P01).
struct SerialisationFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The connection is gone or of no more use; a fresh one may do.
struct ConnectionLost : Unavailable {
  using Unavailable::Unavailable;
};

/// One connection to a PostgreSQL database; blocks. One thread at a time.
///
/// Parameters travel binary and typed: bigint, double precision, text, bytea; null takes the type of its place.
/// Answers may hold those, smaller numbers, boolean (as 0/1), numeric (an integer when it is one, else a double).
///
/// Failures: SerialisationFailure and ConnectionLost as above; Unavailable for what else the engine cannot do now (disk
/// full, out of memory, a time-out); broken rules and bugs as `Tx` says.
class Connection {
 public:
  /// To reach the server. A `connect_timeout` in the URL takes precedence.
  static constexpr std::chrono::seconds kConnectPatience{5};

  /// `url` is a postgresql:// URL or a libpq connection string. Throws Unavailable when the server cannot be reached
  /// or refuses, std::runtime_error when the database is not in UTF-8.
  explicit Connection(const std::string& url);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] Tx::Outcome run(std::string_view statement, std::span<const Value> parameters);
  /// One statement without parameters or answer, also one that may not run in a transaction.
  void command(const std::string& text);
  /// Throws as above; after ConnectionLost nobody knows whether the transaction was kept.
  void commit();
  /// Ends what was begun; never throws: a connection that cannot is not usable() afterwards.
  void rollback() noexcept;
  /// Nothing is open on it and the server was there when last heard of.
  [[nodiscard]] bool usable() const;

 private:
  struct Close {
    void operator()(pg_conn* connection) const;
  };
  struct Clear {
    void operator()(pg_result* result) const;
  };
  using Answer = std::unique_ptr<pg_result, Clear>;

  /// The name under which the server keeps the statement prepared for parameters of these types.
  const std::string& prepare(std::string_view statement, std::span<const Value> parameters);
  void require_success(const pg_result* result, std::string_view doing);
  [[noreturn]] void fail(const pg_result* result, std::string_view doing);

  std::unique_ptr<pg_conn, Close> connection_;
  StatementCache<std::string> statements_;
  std::uint64_t prepared_ = 0;  ///< so many names were given
  bool lost_ = false;
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

}  // namespace mainstay::sql::postgres
