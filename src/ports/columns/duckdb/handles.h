#pragma once

#include <duckdb.h>

#include <utility>

/// Owners for what DuckDB's C interface hands out.
namespace mainstay::columns::duckdb {

/// Destroys its raw handle by `kDestroy(&raw)`.
template <class Raw, auto kDestroy>
class Handle {
 public:
  Handle() = default;
  explicit Handle(Raw raw) : raw_(raw) {}
  ~Handle() { reset(); }
  Handle(Handle&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      raw_ = std::exchange(other.raw_, nullptr);
    }
    return *this;
  }

  [[nodiscard]] Raw get() const { return raw_; }
  [[nodiscard]] Raw* out() { return &raw_; }  ///< for calls that make the handle
  explicit operator bool() const { return raw_ != nullptr; }
  void reset() {
    if (raw_ != nullptr) kDestroy(&raw_);
    raw_ = nullptr;
  }

 private:
  Raw raw_ = nullptr;
};

using Database = Handle<duckdb_database, duckdb_close>;
using Config = Handle<duckdb_config, duckdb_destroy_config>;
using Connection = Handle<duckdb_connection, duckdb_disconnect>;
using Prepared = Handle<duckdb_prepared_statement, duckdb_destroy_prepare>;
using Appender = Handle<duckdb_appender, duckdb_appender_destroy>;
using Chunk = Handle<duckdb_data_chunk, duckdb_destroy_data_chunk>;
using LogicalType = Handle<duckdb_logical_type, duckdb_destroy_logical_type>;
using BoundValue = Handle<duckdb_value, duckdb_destroy_value>;

class QueryResult {
 public:
  QueryResult() = default;
  ~QueryResult() { duckdb_destroy_result(&raw_); }
  QueryResult(QueryResult&& other) noexcept : raw_(std::exchange(other.raw_, {})) {}
  QueryResult& operator=(QueryResult&& other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  [[nodiscard]] duckdb_result* get() { return &raw_; }

 private:
  duckdb_result raw_{};
};

}  // namespace mainstay::columns::duckdb
