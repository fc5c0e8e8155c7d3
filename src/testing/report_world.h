#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "modules/analytics/hit.h"
#include "modules/analytics/model.h"
#include "modules/analytics/query/service.h"
#include "ports/columns/columns.h"
#include "runtime/blocking_pool.h"
#include "testing/manual_clock.h"
#include "testing/temporary_folder.h"

namespace mainstay::testing {

/// A site with hits in a column store of its own, and reports over it. Hits become visits by the sessioniser.
/// One thread.
class ReportWorld final : analytics::Freshness, analytics::SiteDirectory, analytics::ShareCheck {
 public:
  explicit ReportWorld(std::string_view timezone = "UTC");
  ~ReportWorld() override;

  using Edit = std::function<void(analytics::Hit&)>;
  /// A page view of visitor number `visitor` at `at` (RFC 3339).
  void view(std::uint64_t visitor, std::string_view at, std::string_view path, const Edit& edit = {});
  /// A custom event.
  void event(std::uint64_t visitor, std::string_view at, std::string_view name, const Edit& edit = {});
  void add(analytics::Hit hit);
  void goal(analytics::Goal goal);
  /// Puts what was added into the tables. Visits whose gap has not passed at the clock's time are open.
  void write();

  /// The answer to a v2 query, `site_id` left out; throws std::runtime_error with the code and fields of a refusal.
  json::Object ask(std::string_view query);
  /// "dimension,dimension: metric,metric" of each result.
  std::vector<std::string> rows(std::string_view query);

  [[nodiscard]] http::Request request(std::string_view body = "") const;
  [[nodiscard]] analytics::Reports& reports() { return *reports_; }
  [[nodiscard]] columns::Columns& columns() { return *columns_; }
  [[nodiscard]] const std::vector<analytics::Hit>& hits() const { return hits_; }
  [[nodiscard]] std::shared_ptr<const analytics::Site> site() const { return site_; }
  [[nodiscard]] const analytics::SiteDirectory& directory() const { return *this; }
  [[nodiscard]] std::filesystem::path export_folder() const { return folder_ / "exports"; }

  ManualClock clock;
  bool share_allows = false;
  std::chrono::milliseconds missing{};  ///< what make_current answers

 private:
  Task<std::chrono::milliseconds> make_current() override;
  [[nodiscard]] std::shared_ptr<const analytics::SiteMap> snapshot() const override;
  [[nodiscard]] bool allows(const http::Request& request, SiteId site) const override;

  TemporaryFolder folder_;
  std::unique_ptr<columns::Columns> columns_;
  std::shared_ptr<analytics::Site> site_;
  std::shared_ptr<analytics::SiteMap> map_;
  std::vector<analytics::Hit> hits_;
  BlockingPool files_{{.name = "files"}};
  std::unique_ptr<analytics::Reports> reports_;
};

}  // namespace mainstay::testing
