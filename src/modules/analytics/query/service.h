#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "http/message.h"
#include "modules/analytics/model.h"
#include "modules/analytics/query/access.h"
#include "modules/analytics/query/coverage.h"
#include "modules/analytics/query/freshness.h"
#include "modules/analytics/query/request.h"
#include "modules/analytics/query/time_range.h"
#include "modules/analytics/sites/sites.h"
#include "ports/clock/clock.h"
#include "ports/columns/columns.h"
#include "runtime/blocking_pool.h"

namespace mainstay::analytics {

/// A question made definite: which instants, which buckets, which goals.
struct Prepared {
  std::shared_ptr<const Site> site;
  query::Request request;
  query::Calendar calendar;
  query::TimeRange range;
  std::vector<query::Bucket> buckets;  ///< of the time dimension, if there is one
  std::vector<Goal> goals;
};

/// The history of sites: answers questions over the analytics tables.
///
/// Whoever may read reports, or shows a share of the site, gets an answer; it includes everything that was acknowledged
/// before the question. Any thread. Throws Unavailable when the store cannot be read.
class Reports {
 public:
  struct Ports {
    columns::Columns& columns;
    clock::Clock& clock;
    Freshness& freshness;
    const SiteDirectory& sites;
    const ShareCheck& shares;
    /// Where Parquet files stand while they are sent; the store must be allowed to write there.
    std::string export_folder;
    BlockingPool& files;  ///< reads them; nothing else holds its threads for long
  };
  explicit Reports(Ports ports) : ports_(std::move(ports)) {}

  /// The site of `id_or_domain` if `request` may see its reports. Refuses kUnauthenticated or kForbidden
  /// `analytics.no_access`, and kNotFound `analytics.unknown_site` to who may see all reports.
  [[nodiscard]] Result<std::shared_ptr<const Site>> site_for(const http::Request& request,
                                                             std::string_view id_or_domain) const;

  /// The JSON answer to the v2 query in the body of `request`. Refuses as `site_for`, `query::parse_request` and
  /// `columns::Columns::query` do.
  Task<Result<std::string>> answer(const http::Request& request);
  /// The same without asking for permission.
  Task<Result<std::string>> answer(std::shared_ptr<const Site> site, query::Request request);

  /// Fetches what the words of `request` depend on. Refuses kInvalid `analytics.bad_query`.
  Task<Result<Prepared>> prepare(std::shared_ptr<const Site> site, query::Request request);
  /// What the statement depends on, as the store has it now.
  Task<Result<query::Coverage>> coverage_of(const Prepared& prepared, const query::TimeRange& range);

  [[nodiscard]] const Ports& ports() const { return ports_; }
  static constexpr int kExportsMax = 8;
  /// One of kExportsMax that the store works on or that wait for it, until the last holder lets go.
  using ExportSlot = std::shared_ptr<const void>;
  /// Refuses kUnavailable `analytics.too_many_exports`.
  [[nodiscard]] Result<ExportSlot> take_export_slot();

 private:
  Task<Result<columns::Answer>> run(const Prepared& prepared, const query::TimeRange& range,
                                    std::optional<std::vector<columns::Value>> only_keys);
  /// One of `rows`, which are the answer to `prepared`; past their end the first of all. Empty when there is none.
  Task<Result<std::vector<columns::Value>>> any_row(const Prepared& prepared, const columns::Answer& rows);
  Task<Result<query::Calendar>> calendar_of(const Site& site, const query::Request& request);

  Ports ports_;
  std::shared_ptr<std::atomic<int>> exports_ = std::make_shared<std::atomic<int>>(0);
};

/// The statement that answers `prepared` over `range`.
[[nodiscard]] columns::Statement statement_of(const Prepared& prepared, const query::TimeRange& range,
                                              std::optional<std::vector<columns::Value>> only_keys,
                                              const query::Coverage& coverage);

}  // namespace mainstay::analytics
