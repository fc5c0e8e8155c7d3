#pragma once

#include <map>
#include <string>

#include "ports/columns/duckdb/statement.h"

namespace mainstay::columns::duckdb {

/// A table as `create` was told it, and how the file has it.
struct StoredTable {
  struct StoredColumn {
    std::string name;
    Type type;
  };
  std::vector<StoredColumn> columns;
  bool in_file_order = true;  ///< the file has just these columns in this order
};
using StoredTables = std::map<std::string, StoredTable, std::less<>>;

/// The name of a type in SQL.
[[nodiscard]] std::string_view sql_name(Type type);

/// Appends a batch within the connection's transaction, in chunks that are filled column by column. Throws
/// std::logic_error when the batch does not fit the table or holds text that is not UTF-8. A key that comes twice
/// in a map counts once: the first.
[[nodiscard]] Outcome<> append(duckdb_connection connection, const StoredTable& table, const Batch& batch);

}  // namespace mainstay::columns::duckdb
