#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>

#include "ports/sql/sql.h"

/// The embedded adapter: SQLite, compiled in. One writer thread with group commit (writer.h), a few readers on
/// snapshots of their own, WAL mode; every commit is on disk (fsync) before its write completes.
namespace mainstay::sql::sqlite {

struct Options {
  std::filesystem::path path;  ///< the file; its folder exists. Created with mode 0600 when missing
  std::size_t readers = 4;     ///< threads with a connection each, opened when first used; >= 1
  /// What was deleted or replaced is in no file any more so long after its commit, unless a read that began before
  /// still runs. Also after a crash: this long after opening at the latest.
  std::chrono::milliseconds scrub_after{60'000};
  std::size_t queue_max = 4096;  ///< bodies that wait, for the writer and for the readers each; one more is Unavailable
};

/// Opens the database. Another process may have it open too. Throws Unavailable when the file cannot be opened and
/// std::runtime_error when this SQLite is not safe to use.
///
/// While the disk is full or failing, writes throw Unavailable and reads go on; writes work again as soon as the disk
/// does. A write that ended with Unavailable was not acknowledged; should the process die at that very moment after
/// the disk had failed to sync, it may still turn out to have been kept.
[[nodiscard]] std::unique_ptr<Database> open(Options options);

}  // namespace mainstay::sql::sqlite
