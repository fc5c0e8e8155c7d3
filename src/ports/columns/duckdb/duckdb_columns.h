#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "ports/columns/columns.h"

namespace mainstay::columns::duckdb {

struct Options {
  static constexpr std::uint64_t kMemoryLeast = 1;  ///< for `memory_bytes`: it is raised to the least that works

  std::filesystem::path folder;         ///< made when missing; holds columns.duckdb, its WAL and temporary files
  std::filesystem::path export_folder;  ///< the only place that `write_parquet` may write to; empty: nowhere
  std::size_t threads = 0;              ///< that one statement may use; 0: half of the cores, 1 to 8
  std::size_t queries = 4;              ///< that run side by side; >= 1. More wait
  std::size_t waiting_queries_max = 1'024;
  std::size_t exports = 2;              ///< streams and Parquet files beside the queries; >= 1. More wait
  std::size_t waiting_exports_max = 8;  ///< one more is Unavailable
  std::uint64_t memory_bytes = 0;       ///< 0: 60 % of the machine's or the container's memory, 256 MiB to 8 GiB
  std::uint64_t temporary_bytes_max = std::uint64_t{8} << 30;  ///< that large sorts and joins may spill
  std::uint64_t checkpoint_bytes = 64 << 20;  ///< of write-ahead log, after which a commit moves it into the file
  /// A compaction that is ready waits so long for exports to end; then it ends them.
  std::chrono::milliseconds exports_spared{std::chrono::minutes{10}};
};

/// Opens the DuckDB file in `options.folder`. One process at a time.
///
/// The engine is locked down before the first statement: no extension is loaded or installed, no file outside
/// of the database and the export folder can be read or written, and no statement can change a setting.
/// Parameters are bound, and what is bound still prunes row groups by their ranges.
///
/// Commits are durable by DuckDB's write-ahead log. When the engine reports itself broken (a disk that fails in the
/// middle of a commit), the call in question throws Unavailable and the next one opens the file anew.
///
/// Threads: `options.threads` of the engine, `options.queries` for queries, `options.exports` for exports, one for
/// deadlines; all started when first needed or idle. Ending it interrupts running queries, which throw Unavailable.
[[nodiscard]] std::unique_ptr<Columns> open(Options options);

}  // namespace mainstay::columns::duckdb
