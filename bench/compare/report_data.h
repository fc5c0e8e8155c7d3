#pragma once

#include <cstdint>
#include <functional>

#include "base/time.h"
#include "modules/analytics/hit.h"
#include "modules/analytics/sessioniser.h"

/// Made-up traffic of one site: the same in every run. Thirty days of `rows` events, and a quarter as many in the
/// thirty days before, for comparisons. A day has a rhythm; pages, sources and places are Zipf-distributed.
namespace mainstay::bench {

inline constexpr SiteId kSite{1};
/// The end of the traffic, and the time at which the reports are asked for.
inline constexpr Instant kNow = std::chrono::sys_days{std::chrono::year{2026} / 11 / 20} + hours{23} + minutes{30};

using TakeEvent = std::function<void(const analytics::Hit&, const analytics::Assigned&)>;
using TakeVisit = std::function<void(const analytics::Visit&)>;

/// Hands over visit after visit in the order of their beginnings: its events, then itself.
void make_traffic(std::int64_t rows, const TakeEvent& take_event, const TakeVisit& take_visit);

}  // namespace mainstay::bench
