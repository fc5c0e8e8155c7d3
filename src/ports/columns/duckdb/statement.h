#pragma once

#include <expected>
#include <string>

#include "ports/columns/columns.h"
#include "ports/columns/duckdb/handles.h"

/// Running statements on a connection.
namespace mainstay::columns::duckdb {

/// What DuckDB said when it refused.
struct Trouble {
  enum class Kind {
    kStatement,    ///< the statement or its parameters are at fault
    kMemory,       ///< the statement needs more memory or temporary space than it may have
    kInterrupted,  ///< somebody interrupted it
    kOutage,       ///< the disk or the engine
    kBroken        ///< the engine refuses all further work until it is opened anew
  };
  Kind kind = Kind::kOutage;
  std::string message;
};
template <class T = void>
using Outcome = std::expected<T, Trouble>;

/// Judges a message of DuckDB, which begins with the kind of the error.
[[nodiscard]] Trouble judge(std::string message);

/// The outage or the programmer's error that `trouble` is, where no refusal can be returned.
[[noreturn]] void raise(const Trouble& trouble);

enum class Only { kSelect, kAnything };

/// Prepares one statement (never several) and binds its parameters.
[[nodiscard]] Outcome<Prepared> prepare(duckdb_connection connection, const Statement& statement, Only only);

enum class Rows {
  kWhole,    ///< computed when `execute` returns
  kStreamed  ///< computed while they are fetched; the connection is busy until the result is gone
};
[[nodiscard]] Outcome<QueryResult> execute(const Prepared& prepared, Rows rows);

/// Prepares, binds and runs.
[[nodiscard]] Outcome<QueryResult> run(duckdb_connection connection, const Statement& statement);
/// Runs a statement of our own without parameters; throws as `raise`.
void run_or_raise(duckdb_connection connection, const std::string& text);

/// The next rows of a result; a null chunk at its end.
[[nodiscard]] Outcome<Chunk> fetch(QueryResult& result);

/// `text` as an SQL literal.
[[nodiscard]] std::string quote(std::string_view text);
/// `name` as an SQL identifier.
[[nodiscard]] std::string quote_name(std::string_view name);

}  // namespace mainstay::columns::duckdb
