#include "ports/sql/postgres/wire.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <bit>
#include <stdexcept>
#include <string>

#include "base/text.h"

namespace mainstay::sql::postgres {
namespace {

// Of pg_type.dat; they never change.
constexpr TypeId kBool = 16;
constexpr TypeId kBytea = 17;
constexpr TypeId kName = 19;
constexpr TypeId kInt8 = 20;
constexpr TypeId kInt2 = 21;
constexpr TypeId kInt4 = 23;
constexpr TypeId kText = 25;
constexpr TypeId kOid = 26;
constexpr TypeId kFloat4 = 700;
constexpr TypeId kFloat8 = 701;
constexpr TypeId kBpchar = 1042;
constexpr TypeId kVarchar = 1043;
constexpr TypeId kNumeric = 1700;
constexpr TypeId kVoid = 2278;

constexpr int kBinary = 1;

std::array<char, 8> network_order(std::uint64_t bits) {
  std::array<char, 8> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(bits >> (8 * (out.size() - 1 - i)));
  return out;
}

[[noreturn]] void unreadable(std::string_view text) {
  throw std::logic_error(fmt::format("PostgreSQL sent what cannot be read: {}", text));
}

template <class Number>
Number number_of(std::string_view text) {
  const auto number = parse_number<Number>(text);
  if (!number) unreadable(text);
  return *number;
}

std::byte digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::byte>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::byte>(c - 'a' + 10);
  unreadable(std::string_view{&c, 1});
}

/// "\x0aff" (bytea_output = hex).
Bytes bytes_of(std::string_view text) {
  if (text.substr(0, 2) != "\\x" || text.size() % 2 != 0) unreadable(text.substr(0, 16));
  Bytes bytes;
  bytes.reserve(text.size() / 2 - 1);
  for (std::size_t i = 2; i < text.size(); i += 2) bytes.push_back(digit(text[i]) << 4 | digit(text[i + 1]));
  return bytes;
}

Value cell_of(TypeId type, std::string_view text) {
  switch (type) {
    case kInt2:
    case kInt4:
    case kInt8:
    case kOid: return number_of<std::int64_t>(text);
    case kFloat4:
    case kFloat8: return number_of<double>(text);
    case kNumeric:
      // sum(bigint) is numeric: whole numbers come back as such.
      if (const auto whole = parse_number<std::int64_t>(text)) return *whole;
      return number_of<double>(text);
    case kBool: return std::int64_t{text == "t" ? 1 : 0};
    case kText:
    case kName:
    case kBpchar:
    case kVarchar: return std::string{text};
    case kBytea: return bytes_of(text);
    case kVoid: return std::monostate{};
    default: throw std::logic_error(fmt::format("an answer has a column of the unported type {}", type));
  }
}

bool changes_rows(std::string_view status) {
  return status.starts_with("INSERT") || status.starts_with("UPDATE") || status.starts_with("DELETE") ||
         status.starts_with("MERGE");
}

}  // namespace

std::vector<TypeId> types_of(std::span<const Value> parameters) {
  constexpr std::array<TypeId, 5> kTypes = {0, kInt8, kFloat8, kText, kBytea};  // in the order of Value
  std::vector<TypeId> types;
  for (const auto& value : parameters) types.push_back(kTypes[value.index()]);
  return types;
}

WireParameters::WireParameters(std::span<const Value> parameters) {
  numbers_.reserve(parameters.size());
  for (const auto& value : parameters) add(value);
}

void WireParameters::add(const Value& value) {
  const auto put = [this](const char* data, std::size_t size) {
    values_.push_back(data);
    lengths_.push_back(static_cast<int>(size));
    formats_.push_back(kBinary);
  };
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    put(numbers_.emplace_back(network_order(std::bit_cast<std::uint64_t>(*whole))).data(), 8);
  } else if (const auto* real = std::get_if<double>(&value)) {
    put(numbers_.emplace_back(network_order(std::bit_cast<std::uint64_t>(*real))).data(), 8);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    put(text->data(), text->size());
  } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
    // libpq takes a null pointer for NULL, and an empty vector may have one.
    put(bytes->empty() ? "" : std::bit_cast<const char*>(bytes->data()), bytes->size());
  } else {
    put(nullptr, 0);
  }
}

Tx::Outcome read_answer(const pg_result* result) {
  Tx::Outcome outcome;
  const int rows = PQntuples(result);
  const int columns = PQnfields(result);
  if (static_cast<std::size_t>(rows) > kAnswerRowsMax) throw std::logic_error("an answer has too many rows: page it");
  outcome.rows.reserve(static_cast<std::size_t>(rows));
  for (int row = 0; row < rows; ++row) {
    std::vector<Value> cells(static_cast<std::size_t>(columns));
    for (int column = 0; column < columns; ++column) {
      if (PQgetisnull(result, row, column) != 0) continue;
      const std::string_view text(PQgetvalue(result, row, column),
                                  static_cast<std::size_t>(PQgetlength(result, row, column)));
      cells[static_cast<std::size_t>(column)] = cell_of(PQftype(result, column), text);
    }
    outcome.rows.emplace_back(std::move(cells));
  }
  auto* const counted = const_cast<pg_result*>(result);  // libpq 15 forgot the const of these two
  if (changes_rows(PQcmdStatus(counted))) outcome.changed = number_of<std::int64_t>(PQcmdTuples(counted));
  return outcome;
}

Kind classify(std::string_view sqlstate) {
  const auto in_class = [&](std::string_view prefix) { return sqlstate.starts_with(prefix); };
  if (sqlstate == "40001" || sqlstate == "40P01") return Kind::kSerialisation;
  if (sqlstate == "23505") return Kind::kUnique;
  if (in_class("23")) return Kind::kConstraint;
  // 57P: the server shuts down. 0A000 and 26000: what was prepared no longer fits the tables, or is not there (a
  // pooler).
  if (in_class("08") || in_class("57P") || sqlstate == "0A000" || sqlstate == "26000" || sqlstate == "25P03") {
    return Kind::kConnectionLost;
  }
  if (in_class("2") || in_class("3") || in_class("42") || in_class("44") || in_class("54")) {
    return Kind::kBug;
  }
  return Kind::kOutage;
}

}  // namespace mainstay::sql::postgres
