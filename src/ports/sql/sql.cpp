#include "ports/sql/sql.h"

#include <fmt/format.h>

namespace mainstay::sql {
namespace {

constexpr std::string_view kTypeNames[] = {"null", "integer", "double", "text", "bytes"};

const Value& cell(const std::vector<Value>& values, std::size_t column) {
  if (column >= values.size()) {
    throw std::logic_error(fmt::format("column {} of a row of {} was asked for", column, values.size()));
  }
  return values[column];
}

template <class T>
const T& typed(const std::vector<Value>& values, std::size_t column, std::string_view wanted) {
  const auto& value = cell(values, column);
  if (const auto* found = std::get_if<T>(&value)) return *found;
  throw std::logic_error(fmt::format("column {} is {}, not {}", column, kTypeNames[value.index()], wanted));
}

}  // namespace

bool Row::is_null(std::size_t column) const { return std::holds_alternative<std::monostate>(cell(values_, column)); }

std::int64_t Row::integer(std::size_t column) const { return typed<std::int64_t>(values_, column, "integer"); }

double Row::real(std::size_t column) const {
  if (const auto* whole = std::get_if<std::int64_t>(&cell(values_, column))) return static_cast<double>(*whole);
  return typed<double>(values_, column, "double");
}

const std::string& Row::text(std::size_t column) const { return typed<std::string>(values_, column, "text"); }

const Bytes& Row::bytes(std::size_t column) const { return typed<Bytes>(values_, column, "bytes"); }

}  // namespace mainstay::sql
