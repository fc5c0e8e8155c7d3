#include "ports/columns/duckdb/statement.h"

#include <fmt/format.h>

#include <array>
#include <stdexcept>

#include "base/text.h"

namespace mainstay::columns::duckdb {
namespace {

/// How DuckDB's messages begin; what is not listed is an outage.
struct Prefix {
  std::string_view text;
  Trouble::Kind kind;
};
constexpr std::array kPrefixes{
    Prefix{"Parser Error", Trouble::Kind::kStatement},
    Prefix{"Syntax Error", Trouble::Kind::kStatement},
    Prefix{"Binder Error", Trouble::Kind::kStatement},
    Prefix{"Catalog Error", Trouble::Kind::kStatement},
    Prefix{"Conversion Error", Trouble::Kind::kStatement},
    Prefix{"Invalid Input Error", Trouble::Kind::kStatement},
    Prefix{"Invalid type Error", Trouble::Kind::kStatement},
    Prefix{"Mismatch Type Error", Trouble::Kind::kStatement},
    Prefix{"Out of Range Error", Trouble::Kind::kStatement},
    Prefix{"Divide by Zero Error", Trouble::Kind::kStatement},
    Prefix{"Not implemented Error", Trouble::Kind::kStatement},
    Prefix{"Parameter Not Resolved Error", Trouble::Kind::kStatement},
    Prefix{"Parameter Not Allowed Error", Trouble::Kind::kStatement},
    Prefix{"Permission Error", Trouble::Kind::kStatement},
    Prefix{"Constraint Error", Trouble::Kind::kStatement},
    Prefix{"Missing Extension Error", Trouble::Kind::kStatement},
    Prefix{"Expression Error", Trouble::Kind::kStatement},
    Prefix{"Object Size Error", Trouble::Kind::kStatement},
    Prefix{"Out of Memory Error", Trouble::Kind::kMemory},
    Prefix{"INTERRUPT Error", Trouble::Kind::kInterrupted},
    Prefix{"FATAL Error", Trouble::Kind::kBroken},
    Prefix{"INTERNAL Error", Trouble::Kind::kBroken},
};

duckdb_value element_of(std::int64_t number) { return duckdb_create_int64(number); }
duckdb_value element_of(const std::string& text) { return duckdb_create_varchar_length(text.data(), text.size()); }

template <class List>
BoundValue list_of(const List& list, duckdb_type type) {
  std::vector<duckdb_value> values;
  values.reserve(list.size() + 1);  // DuckDB refuses the null pointer of an empty list
  for (const auto& element : list) values.push_back(element_of(element));
  const LogicalType element_type(duckdb_create_logical_type(type));
  BoundValue made(duckdb_create_list_value(element_type.get(), values.data(), values.size()));
  for (auto& value : values) duckdb_destroy_value(&value);
  return made;
}

/// Binds one value to the parameter at `index`, from 1.
struct Binder {
  duckdb_prepared_statement statement;
  idx_t index;

  duckdb_state operator()(std::monostate) const { return duckdb_bind_null(statement, index); }
  duckdb_state operator()(std::int64_t value) const { return duckdb_bind_int64(statement, index, value); }
  duckdb_state operator()(double value) const { return duckdb_bind_double(statement, index, value); }
  duckdb_state operator()(bool value) const { return duckdb_bind_boolean(statement, index, value); }
  duckdb_state operator()(Instant value) const {
    return duckdb_bind_timestamp(statement, index, duckdb_timestamp{to_micros(value)});
  }
  duckdb_state operator()(const std::string& value) const {
    if (!is_utf8(value)) return DuckDBError;
    return duckdb_bind_varchar_length(statement, index, value.data(), value.size());
  }
  duckdb_state operator()(const IntegerList& value) const { return bind(list_of(value, DUCKDB_TYPE_BIGINT)); }
  duckdb_state operator()(const TextList& value) const {
    if (!std::all_of(value.begin(), value.end(), is_utf8)) return DuckDBError;
    return bind(list_of(value, DUCKDB_TYPE_VARCHAR));
  }
  duckdb_state bind(const BoundValue& value) const {
    return value ? duckdb_bind_value(statement, index, value.get()) : DuckDBError;
  }
};

std::string text_of(const char* message) { return message == nullptr ? "no message" : message; }

}  // namespace

Trouble judge(std::string message) {
  Trouble trouble{.message = std::move(message)};
  const std::string_view text = trouble.message;
  for (const auto& prefix : kPrefixes) {
    if (text.starts_with(prefix.text)) trouble.kind = prefix.kind;
  }
  if (text.find("database has been invalidated") != std::string_view::npos) trouble.kind = Trouble::Kind::kBroken;
  return trouble;
}

void raise(const Trouble& trouble) {
  if (trouble.kind == Trouble::Kind::kStatement) throw std::logic_error("the column store refused: " + trouble.message);
  throw Unavailable("the column store: " + trouble.message);
}

Outcome<Prepared> prepare(duckdb_connection connection, const Statement& statement, Only only) {
  if (!is_utf8(statement.text) || statement.text.find('\0') != std::string::npos) {
    return std::unexpected(Trouble{Trouble::Kind::kStatement, "the statement is not text"});
  }
  Prepared prepared;
  if (duckdb_prepare(connection, statement.text.c_str(), prepared.out()) != DuckDBSuccess) {
    return std::unexpected(judge(text_of(duckdb_prepare_error(prepared.get()))));
  }
  if (only == Only::kSelect && duckdb_prepared_statement_type(prepared.get()) != DUCKDB_STATEMENT_TYPE_SELECT) {
    return std::unexpected(Trouble{Trouble::Kind::kStatement, "only a select can be queried"});
  }
  const auto wanted = duckdb_nparams(prepared.get());
  if (wanted != statement.parameters.size()) {
    return std::unexpected(
        Trouble{Trouble::Kind::kStatement,
                fmt::format("the statement has {} parameters, {} were given", wanted, statement.parameters.size())});
  }
  for (std::size_t i = 0; i < statement.parameters.size(); ++i) {
    if (std::visit(Binder{prepared.get(), i + 1}, statement.parameters[i]) != DuckDBSuccess) {
      return std::unexpected(
          Trouble{Trouble::Kind::kStatement, fmt::format("parameter ${} cannot be bound (is it UTF-8?)", i + 1)});
    }
  }
  return prepared;
}

Outcome<QueryResult> execute(const Prepared& prepared, Rows rows) {
  QueryResult result;
  const auto state = rows == Rows::kStreamed ? duckdb_execute_prepared_streaming(prepared.get(), result.get())
                                             : duckdb_execute_prepared(prepared.get(), result.get());
  if (state != DuckDBSuccess) return std::unexpected(judge(text_of(duckdb_result_error(result.get()))));
  return result;
}

Outcome<QueryResult> run(duckdb_connection connection, const Statement& statement) {
  const auto prepared = prepare(connection, statement, Only::kAnything);
  if (!prepared) return std::unexpected(prepared.error());
  return execute(*prepared, Rows::kWhole);
}

void run_or_raise(duckdb_connection connection, const std::string& text) {
  QueryResult result;
  if (duckdb_query(connection, text.c_str(), result.get()) != DuckDBSuccess) {
    raise(judge(text_of(duckdb_result_error(result.get()))));
  }
}

Outcome<Chunk> fetch(QueryResult& result) {
  Chunk chunk(duckdb_fetch_chunk(*result.get()));
  if (chunk) return chunk;
  if (const char* const error = duckdb_result_error(result.get()); error != nullptr && *error != '\0') {
    return std::unexpected(judge(error));
  }
  return chunk;
}

std::string quote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted.append(c == '\'' ? 2 : 1, c);
  return quoted + "'";
}

std::string quote_name(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + "\"";
}

}  // namespace mainstay::columns::duckdb
