#pragma once

#include "ports/columns/duckdb/statement.h"

namespace mainstay::columns::duckdb {

/// Turns chunks of a result into rows of values.
///
/// Integers of every width become int64 (a huge one beyond it a double), decimals double, dates and
/// timestamps Instant, and a map of texts its JSON object. Any other type is a wrong statement: cast it.
class AnswerReader {
 public:
  /// Looks at the types of the columns; `kStatement` when one cannot be answered.
  [[nodiscard]] static Outcome<AnswerReader> of(QueryResult& result);

  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  void append_rows(duckdb_data_chunk chunk, std::vector<std::vector<Value>>& rows) const;

 private:
  /// How the cells of a column are read.
  struct Source {
    duckdb_type type = DUCKDB_TYPE_INVALID;
    duckdb_type internal = DUCKDB_TYPE_INVALID;  ///< of a decimal: the integer that holds it
    double divisor = 1;                          ///< of a decimal
  };
  static void fill(const Source& source, duckdb_vector vector, std::span<std::vector<Value>> rows, std::size_t column);

  std::vector<std::string> names_;
  std::vector<Source> sources_;
};

/// All rows of a statement of our own, which has few; throws as `raise`.
[[nodiscard]] std::vector<std::vector<Value>> rows_of(duckdb_connection connection, const Statement& statement);

}  // namespace mainstay::columns::duckdb
