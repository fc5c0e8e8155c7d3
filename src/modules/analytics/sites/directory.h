#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "modules/analytics/sites/sites.h"
#include "ports/sql/sql.h"

namespace mainstay::analytics {

/// The directory of sites and their goals, read whole from SQL. `snapshot()` copies a pointer; who holds a snapshot
/// keeps seeing that state. Threads: any.
class Directory final : public SiteDirectory {
 public:
  explicit Directory(sql::Database& database);

  [[nodiscard]] std::shared_ptr<const SiteMap> snapshot() const override;

  /// Reads all of it and swaps the snapshot. Called at start, by SiteService and Markers after each change, and, where
  /// several processes share a database, by app/ each minute. Of parallel calls the one that began last wins.
  [[nodiscard]] Task<> load();

 private:
  sql::Database& database_;
  mutable std::mutex mutex_;
  std::uint64_t begun_ = 0;
  std::uint64_t shown_ = 0;  ///< which load the snapshot is from
  std::shared_ptr<const SiteMap> snapshot_;
};

}  // namespace mainstay::analytics
