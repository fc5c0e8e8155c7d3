#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "ports/sql/sql.h"

/// The clustered adapter: PostgreSQL 15 or later (or what speaks its protocol) through libpq.
/// A pool of blocking connections, one thread each.
///
/// Writes run SERIALIZABLE and again, after a short random pause, when the engine undid them for the sake of another
/// (40001, 40P01) or the connection broke before the commit; reads run REPEATABLE READ, READ ONLY. Connections are
/// made when first needed and replaced when they break.
namespace mainstay::sql::postgres {

/// A body runs this often at most; then Unavailable.
inline constexpr int kTriesMax = 20;

struct Options {
  std::string url;               ///< postgresql://user:password@host:port/database?…, or a libpq connection string
  std::size_t connections = 8;   ///< >= 1
  std::size_t queue_max = 4096;  ///< bodies that wait for a connection; one more is Unavailable
};

/// Opens the pool without connecting: a server that is down is Unavailable at the first use. Throws
/// std::runtime_error when the URL cannot be understood. The database must be in UTF8.
///
/// Should the connection break during a commit, the answer is Unavailable although the write may have been kept.
/// Durable means what the server means by it: `fsync` must be on there; `synchronous_commit = off` is overruled.
[[nodiscard]] std::unique_ptr<Database> open(Options options);

}  // namespace mainstay::sql::postgres
