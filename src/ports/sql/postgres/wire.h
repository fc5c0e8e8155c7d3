#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ports/sql/sql.h"

struct pg_result;

/// Values to and from PostgreSQL's wire format, and its error codes sorted by what can be done.
namespace mainstay::sql::postgres {

using TypeId = unsigned int;  ///< an OID of pg_type; 0 leaves the choice to the server

[[nodiscard]] std::vector<TypeId> types_of(std::span<const Value> parameters);

/// Parameters in the form libpq takes. Refers to `parameters`, which must outlive it.
class WireParameters {
 public:
  explicit WireParameters(std::span<const Value> parameters);
  WireParameters(const WireParameters&) = delete;
  WireParameters& operator=(const WireParameters&) = delete;

  [[nodiscard]] int count() const { return static_cast<int>(values_.size()); }
  [[nodiscard]] const char* const* values() const { return values_.data(); }
  [[nodiscard]] const int* lengths() const { return lengths_.data(); }
  [[nodiscard]] const int* formats() const { return formats_.data(); }

 private:
  void add(const Value& value);

  std::vector<std::array<char, 8>> numbers_;  ///< in network byte order; never grows past what was reserved
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

/// Rows and count of a successful answer in text format. Throws std::logic_error for a column of a type the port has
/// not.
[[nodiscard]] Tx::Outcome read_answer(const pg_result* result);

enum class Kind { kSerialisation, kConnectionLost, kUnique, kConstraint, kOutage, kBug };

/// What an SQLSTATE means to us (PostgreSQL 15, appendix A). Unknown ones are outages.
[[nodiscard]] Kind classify(std::string_view sqlstate);

}  // namespace mainstay::sql::postgres
