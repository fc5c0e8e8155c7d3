#include "ports/columns/duckdb/answer.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <limits>

namespace mainstay::columns::duckdb {
namespace {

using RowSpan = std::span<std::vector<Value>>;

std::string_view text_at(const void* data, idx_t row) {
  // The accessor wants a mutable pointer and changes nothing.
  auto* const text = const_cast<duckdb_string_t*>(static_cast<const duckdb_string_t*>(data) + row);
  return {duckdb_string_t_data(text), duckdb_string_t_length(*text)};
}

/// Sets the cells of `column` that are not null to `read(row)`.
template <class Read>
void fill_with(duckdb_vector vector, RowSpan rows, std::size_t column, const Read& read) {
  auto* const validity = duckdb_vector_get_validity(vector);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (validity != nullptr && !duckdb_validity_row_is_valid(validity, row)) continue;
    rows[row][column] = read(row);
  }
}

template <class Number>
void fill_integers(duckdb_vector vector, RowSpan rows, std::size_t column) {
  const auto* const data = static_cast<const Number*>(duckdb_vector_get_data(vector));
  fill_with(vector, rows, column, [data](idx_t row) -> Value {
    if constexpr (std::is_same_v<Number, std::uint64_t>) {
      if (data[row] > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return static_cast<double>(data[row]);
    }
    return static_cast<std::int64_t>(data[row]);
  });
}

void fill_huge(duckdb_vector vector, RowSpan rows, std::size_t column) {
  const auto* const data = static_cast<const duckdb_hugeint*>(duckdb_vector_get_data(vector));
  fill_with(vector, rows, column, [data](idx_t row) -> Value {
    const auto value = static_cast<std::int64_t>(data[row].lower);
    const std::int64_t extension = value < 0 ? -1 : 0;
    if (data[row].upper == extension) return value;
    return duckdb_hugeint_to_double(data[row]);
  });
}

template <class Number>
void fill_decimals(duckdb_vector vector, RowSpan rows, std::size_t column, double divisor) {
  const auto* const data = static_cast<const Number*>(duckdb_vector_get_data(vector));
  fill_with(vector, rows, column, [data, divisor](idx_t row) -> Value {
    if constexpr (std::is_same_v<Number, duckdb_hugeint>) {
      return duckdb_hugeint_to_double(data[row]) / divisor;
    } else {
      return static_cast<double>(data[row]) / divisor;
    }
  });
}

/// Times come as a count of some unit since 1970; `micros` turns it into microseconds.
template <class Number, class Micros>
void fill_times(duckdb_vector vector, RowSpan rows, std::size_t column, const Micros& micros) {
  const auto* const data = static_cast<const Number*>(duckdb_vector_get_data(vector));
  fill_with(vector, rows, column,
            [data, &micros](idx_t row) -> Value { return from_micros(micros(std::int64_t{data[row]})); });
}

void fill_maps(duckdb_vector vector, RowSpan rows, std::size_t column) {
  const auto* const entries = static_cast<const duckdb_list_entry*>(duckdb_vector_get_data(vector));
  const auto pairs = duckdb_list_vector_get_child(vector);
  const auto keys = duckdb_struct_vector_get_child(pairs, 0);
  const auto values = duckdb_struct_vector_get_child(pairs, 1);
  const void* const key_data = duckdb_vector_get_data(keys);
  const void* const value_data = duckdb_vector_get_data(values);
  auto* const validity = duckdb_vector_get_validity(values);
  fill_with(vector, rows, column, [&](idx_t row) -> Value {
    std::string json = "{";
    for (idx_t i = entries[row].offset; i < entries[row].offset + entries[row].length; ++i) {
      if (json.size() > 1) json += ',';
      json += boost::json::serialize(boost::json::string(text_at(key_data, i)));
      json += ':';
      const bool is_null = validity != nullptr && !duckdb_validity_row_is_valid(validity, i);
      json += is_null ? "null" : boost::json::serialize(boost::json::string(text_at(value_data, i)));
    }
    return json + "}";
  });
}

bool is_text_map(duckdb_logical_type type) {
  const LogicalType key(duckdb_map_type_key_type(type));
  const LogicalType value(duckdb_map_type_value_type(type));
  return duckdb_get_type_id(key.get()) == DUCKDB_TYPE_VARCHAR && duckdb_get_type_id(value.get()) == DUCKDB_TYPE_VARCHAR;
}

bool is_readable(duckdb_logical_type type) {
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_SQLNULL:
    case DUCKDB_TYPE_BOOLEAN:
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE:
    case DUCKDB_TYPE_DECIMAL:
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB:
    case DUCKDB_TYPE_DATE:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS: return true;
    case DUCKDB_TYPE_MAP: return is_text_map(type);
    default: return false;
  }
}

}  // namespace

Outcome<AnswerReader> AnswerReader::of(QueryResult& result) {
  AnswerReader reader;
  for (idx_t i = 0; i < duckdb_column_count(result.get()); ++i) {
    reader.names_.emplace_back(duckdb_column_name(result.get(), i));
    const LogicalType type(duckdb_column_logical_type(result.get(), i));
    if (!is_readable(type.get())) {
      return std::unexpected(
          Trouble{Trouble::Kind::kStatement,
                  fmt::format("column {} has a type that an answer cannot hold: cast it", reader.names_.back())});
    }
    Source source{.type = duckdb_get_type_id(type.get())};
    if (source.type == DUCKDB_TYPE_DECIMAL) {
      source.internal = duckdb_decimal_internal_type(type.get());
      source.divisor = std::pow(10.0, duckdb_decimal_scale(type.get()));
    }
    reader.sources_.push_back(source);
  }
  return reader;
}

void AnswerReader::append_rows(duckdb_data_chunk chunk, std::vector<std::vector<Value>>& rows) const {
  const std::size_t before = rows.size();
  rows.resize(before + duckdb_data_chunk_get_size(chunk), std::vector<Value>(sources_.size()));
  for (std::size_t column = 0; column < sources_.size(); ++column) {
    fill(sources_[column], duckdb_data_chunk_get_vector(chunk, column), std::span(rows).subspan(before), column);
  }
}

void AnswerReader::fill(const Source& source, duckdb_vector vector, RowSpan rows, std::size_t column) {
  const void* const data = duckdb_vector_get_data(vector);
  switch (source.type) {
    case DUCKDB_TYPE_BOOLEAN:
      return fill_with(vector, rows, column, [data](idx_t row) { return static_cast<const bool*>(data)[row]; });
    case DUCKDB_TYPE_TINYINT: return fill_integers<std::int8_t>(vector, rows, column);
    case DUCKDB_TYPE_SMALLINT: return fill_integers<std::int16_t>(vector, rows, column);
    case DUCKDB_TYPE_INTEGER: return fill_integers<std::int32_t>(vector, rows, column);
    case DUCKDB_TYPE_BIGINT: return fill_integers<std::int64_t>(vector, rows, column);
    case DUCKDB_TYPE_UTINYINT: return fill_integers<std::uint8_t>(vector, rows, column);
    case DUCKDB_TYPE_USMALLINT: return fill_integers<std::uint16_t>(vector, rows, column);
    case DUCKDB_TYPE_UINTEGER: return fill_integers<std::uint32_t>(vector, rows, column);
    case DUCKDB_TYPE_UBIGINT: return fill_integers<std::uint64_t>(vector, rows, column);
    case DUCKDB_TYPE_HUGEINT: return fill_huge(vector, rows, column);
    case DUCKDB_TYPE_FLOAT:
      return fill_with(vector, rows, column,
                       [data](idx_t row) { return double{static_cast<const float*>(data)[row]}; });
    case DUCKDB_TYPE_DOUBLE:
      return fill_with(vector, rows, column, [data](idx_t row) { return static_cast<const double*>(data)[row]; });
    case DUCKDB_TYPE_DECIMAL:
      if (source.internal == DUCKDB_TYPE_SMALLINT) {
        return fill_decimals<std::int16_t>(vector, rows, column, source.divisor);
      }
      if (source.internal == DUCKDB_TYPE_INTEGER) {
        return fill_decimals<std::int32_t>(vector, rows, column, source.divisor);
      }
      if (source.internal == DUCKDB_TYPE_BIGINT) {
        return fill_decimals<std::int64_t>(vector, rows, column, source.divisor);
      }
      return fill_decimals<duckdb_hugeint>(vector, rows, column, source.divisor);
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB:
      return fill_with(vector, rows, column, [data](idx_t row) { return std::string(text_at(data, row)); });
    case DUCKDB_TYPE_DATE:
      return fill_times<std::int32_t>(vector, rows, column, [](auto count) { return count * 86'400'000'000; });
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return fill_times<std::int64_t>(vector, rows, column, [](auto count) { return count; });
    case DUCKDB_TYPE_TIMESTAMP_S:
      return fill_times<std::int64_t>(vector, rows, column, [](auto count) { return count * 1'000'000; });
    case DUCKDB_TYPE_TIMESTAMP_MS:
      return fill_times<std::int64_t>(vector, rows, column, [](auto count) { return count * 1'000; });
    case DUCKDB_TYPE_TIMESTAMP_NS:
      return fill_times<std::int64_t>(vector, rows, column, [](auto count) { return count / 1'000; });
    case DUCKDB_TYPE_MAP: return fill_maps(vector, rows, column);
    default: return;  // a column of nothing but nulls
  }
}

std::vector<std::vector<Value>> rows_of(duckdb_connection connection, const Statement& statement) {
  auto result = run(connection, statement);
  if (!result) raise(result.error());
  const auto reader = AnswerReader::of(*result);
  if (!reader) raise(reader.error());
  std::vector<std::vector<Value>> rows;
  for (;;) {
    const auto chunk = fetch(*result);
    if (!chunk) raise(chunk.error());
    if (!*chunk) return rows;
    reader->append_rows(chunk->get(), rows);
  }
}

}  // namespace mainstay::columns::duckdb
