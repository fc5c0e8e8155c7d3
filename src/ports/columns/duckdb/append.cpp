#include "ports/columns/duckdb/append.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "base/text.h"

namespace mainstay::columns::duckdb {
namespace {

/// A slice of the batch: the rows that become one chunk.
struct Slice {
  std::size_t from, count;
};

[[noreturn]] void misfit(std::string_view column, std::string_view why) {
  throw std::logic_error(fmt::format("column {}: {}", column, why));
}

std::size_t cells_of(const Cells& cells, Type type) {
  switch (type) {
    case Type::kReal: return cells.reals.size();
    case Type::kText: return cells.texts.size();
    case Type::kTextMap: return cells.maps.size();
    case Type::kInteger:
    case Type::kSmall:
    case Type::kTime:
    case Type::kBoolean: return cells.numbers.size();
  }
  return 0;
}

void check(const StoredTable& table, const Batch& batch) {
  if (batch.columns.size() != table.columns.size()) {
    throw std::logic_error(
        fmt::format("table {} has {} columns, the batch {}", batch.table, table.columns.size(), batch.columns.size()));
  }
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const auto& [name, type] = table.columns[i];
    if (cells_of(batch.columns[i], type) != batch.rows) misfit(name, "it has not a cell for each row");
    const auto& nulls = batch.columns[i].nulls;
    if (!nulls.empty() && nulls.size() != batch.rows) misfit(name, "it has not a null mark for each row");
  }
}

LogicalType logical_type(Type type) {
  switch (type) {
    case Type::kInteger: return LogicalType(duckdb_create_logical_type(DUCKDB_TYPE_BIGINT));
    case Type::kSmall: return LogicalType(duckdb_create_logical_type(DUCKDB_TYPE_INTEGER));
    case Type::kReal: return LogicalType(duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE));
    case Type::kTime: return LogicalType(duckdb_create_logical_type(DUCKDB_TYPE_TIMESTAMP));
    case Type::kText: return LogicalType(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
    case Type::kBoolean: return LogicalType(duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN));
    case Type::kTextMap: {
      const LogicalType text(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
      return LogicalType(duckdb_create_map_type(text.get(), text.get()));
    }
  }
  return {};
}

bool is_short_ascii(std::string_view text) {
  unsigned char any = 0;
  for (const char c : text) any = static_cast<unsigned char>(any | static_cast<unsigned char>(c));
  return any < 0x80;
}

/// Writes texts to a vector. Most texts of an event are short; those lie within DuckDB's 16-byte string
/// itself and need no call and no copy elsewhere.
class TextWriter {
 public:
  TextWriter(duckdb_vector vector, std::string_view column)
      : vector_(vector), strings_(static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector))), column_(column) {}

  void put(std::size_t row, std::string_view text) const {
    duckdb_string_t& string = strings_[row];
    if (text.size() <= sizeof string.value.inlined.inlined && is_short_ascii(text)) {
      string = {};
      string.value.inlined.length = static_cast<std::uint32_t>(text.size());
      std::memcpy(string.value.inlined.inlined, text.data(), text.size());
      return;
    }
    if (!is_utf8(text)) misfit(column_, "it holds text that is not UTF-8");
    duckdb_vector_assign_string_element_len(vector_, row, text.data(), text.size());
  }

 private:
  duckdb_vector vector_;
  duckdb_string_t* strings_;
  std::string_view column_;
};

template <class Stored>
void put_numbers(duckdb_vector vector, std::span<const std::int64_t> numbers, std::string_view column) {
  auto* const data = static_cast<Stored*>(duckdb_vector_get_data(vector));
  for (std::size_t row = 0; row < numbers.size(); ++row) {
    if constexpr (sizeof(Stored) < sizeof(std::int64_t) && !std::is_same_v<Stored, bool>) {
      if (!std::in_range<Stored>(numbers[row])) misfit(column, "a number is out of range");
    }
    data[row] = static_cast<Stored>(numbers[row]);
  }
}

void put_maps(duckdb_vector vector, std::span<const TextMap> maps, std::string_view column) {
  std::size_t pairs = 0;
  for (const auto& map : maps) pairs += map.size();
  if (duckdb_list_vector_reserve(vector, pairs) != DuckDBSuccess) misfit(column, "its maps are too large");
  auto* const entries = static_cast<duckdb_list_entry*>(duckdb_vector_get_data(vector));
  const auto child = duckdb_list_vector_get_child(vector);
  const TextWriter keys(duckdb_struct_vector_get_child(child, 0), column);
  const TextWriter values(duckdb_struct_vector_get_child(child, 1), column);
  std::size_t at = 0;
  for (std::size_t row = 0; row < maps.size(); ++row) {
    entries[row].offset = at;
    for (auto pair = maps[row].begin(); pair != maps[row].end(); ++pair) {
      const auto same = [&pair](const auto& other) { return other.first == pair->first; };
      if (std::any_of(maps[row].begin(), pair, same)) continue;
      keys.put(at, pair->first);
      values.put(at, pair->second);
      ++at;
    }
    entries[row].length = at - entries[row].offset;
  }
  if (duckdb_list_vector_set_size(vector, at) != DuckDBSuccess) misfit(column, "its maps are too large");
}

void put_nulls(duckdb_vector vector, std::span<const std::uint8_t> nulls) {
  if (std::all_of(nulls.begin(), nulls.end(), [](std::uint8_t null) { return null == 0; })) return;
  duckdb_vector_ensure_validity_writable(vector);
  auto* const validity = duckdb_vector_get_validity(vector);
  for (std::size_t row = 0; row < nulls.size(); ++row) {
    if (nulls[row] != 0) duckdb_validity_set_row_invalid(validity, row);
  }
}

void put_cells(duckdb_vector vector, const Cells& cells, const StoredTable::StoredColumn& column, Slice slice) {
  const auto numbers = [&] { return std::span(cells.numbers).subspan(slice.from, slice.count); };
  switch (column.type) {
    case Type::kInteger:
    case Type::kTime: put_numbers<std::int64_t>(vector, numbers(), column.name); break;
    case Type::kSmall: put_numbers<std::int32_t>(vector, numbers(), column.name); break;
    case Type::kBoolean: put_numbers<bool>(vector, numbers(), column.name); break;
    case Type::kReal:
      std::memcpy(duckdb_vector_get_data(vector), cells.reals.data() + slice.from, slice.count * sizeof(double));
      break;
    case Type::kText: {
      const TextWriter writer(vector, column.name);
      for (std::size_t row = 0; row < slice.count; ++row) writer.put(row, cells.texts[slice.from + row]);
      break;
    }
    case Type::kTextMap: put_maps(vector, std::span(cells.maps).subspan(slice.from, slice.count), column.name); break;
  }
  if (!cells.nulls.empty()) put_nulls(vector, std::span(cells.nulls).subspan(slice.from, slice.count));
}

std::unexpected<Trouble> trouble_of(const Appender& appender) {
  const char* const message = duckdb_appender_error(appender.get());
  return std::unexpected(judge(message == nullptr ? "no message" : message));
}

}  // namespace

std::string_view sql_name(Type type) {
  switch (type) {
    case Type::kInteger: return "BIGINT";
    case Type::kSmall: return "INTEGER";
    case Type::kReal: return "DOUBLE";
    case Type::kTime: return "TIMESTAMP";
    case Type::kText: return "VARCHAR";
    case Type::kBoolean: return "BOOLEAN";
    case Type::kTextMap: return "MAP(VARCHAR, VARCHAR)";
  }
  return "";
}

Outcome<> append(duckdb_connection connection, const StoredTable& table, const Batch& batch) {
  check(table, batch);
  if (batch.rows == 0) return {};
  std::vector<LogicalType> types;
  std::vector<duckdb_logical_type> raw_types;
  for (const auto& column : table.columns) raw_types.push_back(types.emplace_back(logical_type(column.type)).get());
  Appender appender;
  const std::string name(batch.table);
  if (duckdb_appender_create(connection, nullptr, name.c_str(), appender.out()) != DuckDBSuccess) {
    return trouble_of(appender);
  }
  if (!table.in_file_order) {
    for (const auto& column : table.columns) {
      if (duckdb_appender_add_column(appender.get(), column.name.c_str()) != DuckDBSuccess) return trouble_of(appender);
    }
  }
  const Chunk chunk(duckdb_create_data_chunk(raw_types.data(), raw_types.size()));
  const std::size_t chunk_rows = duckdb_vector_size();
  for (Slice slice{0, 0}; slice.from < batch.rows; slice.from += slice.count) {
    slice.count = std::min(chunk_rows, batch.rows - slice.from);
    duckdb_data_chunk_reset(chunk.get());
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      put_cells(duckdb_data_chunk_get_vector(chunk.get(), i), batch.columns[i], table.columns[i], slice);
    }
    duckdb_data_chunk_set_size(chunk.get(), slice.count);
    if (duckdb_append_data_chunk(appender.get(), chunk.get()) != DuckDBSuccess) return trouble_of(appender);
  }
  if (duckdb_appender_close(appender.get()) != DuckDBSuccess) return trouble_of(appender);
  return {};
}

}  // namespace mainstay::columns::duckdb
