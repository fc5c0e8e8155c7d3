#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "modules/analytics/processor.h"
#include "runtime/metrics.h"

namespace mainstay::analytics {

/// Counts what is refused or not counted on its way in: in `mainstay_analytics_refused_total` by reason, and in the
/// ledger by site and reason. Reasons are those of a fixed list; what is not in it counts as "other".
///
/// One instance for the program. Any thread.
class Refusals {
 public:
  Refusals(metrics::Registry& metrics, Processor& processor);

  /// `code` is a reason ("foreign_page") or the code of a refusal ("analytics.foreign_origin"), which names one behind
  /// its dot. SiteId{}: it is not known which site was meant.
  void count(SiteId site, std::string_view code, Asked asked = {});

 private:
  Processor& processor_;
  std::vector<std::pair<std::string_view, metrics::Counter*>> by_reason_;  ///< the last one is "other"
};

}  // namespace mainstay::analytics
