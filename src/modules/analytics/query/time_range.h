#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "base/time.h"
#include "modules/analytics/query/request.h"

/// From the words of a question to instants: ranges and buckets in a site's time zone.
namespace mainstay::analytics::query {

/// What is counted: at in [from, to).
struct TimeRange {
  Instant from, to;
  bool whole_days = true;  ///< both ends are starts of local days
  bool operator==(const TimeRange&) const = default;
};

struct Calendar {
  TimeZone zone = TimeZone::utc();
  Instant now;
  Instant earliest;  ///< of the site's first hit, for "all"
};

/// The range that `range` means. A named one ends on `date` ("2026-11-20"), or today when that is "". Dates are local
/// days, the last one included; date-times are RFC 3339 or local ("2026-11-20T13:00"), the last one excluded, except
/// that one of second 59 means that second's end. Refuses kInvalid `analytics.bad_query` naming `where`.
[[nodiscard]] Result<TimeRange> resolve(const DateRange& range, std::string_view date, const Calendar& calendar,
                                        const std::string& where = "/date_range");

/// The range to compare `range` with. A range that has not ended is compared with as much of the other one.
[[nodiscard]] Result<TimeRange> resolve(const Comparison& comparison, const TimeRange& range, const Calendar& calendar);

/// What `time` without an interval means for a range.
[[nodiscard]] Interval automatic_interval(const TimeRange& range);

/// A stretch of local time. Its key is what local clocks show at its beginning, in microseconds; of a month, the
/// number of months since year 0. The hour that clocks show twice in autumn is one bucket.
struct Bucket {
  std::int64_t key = 0;
  std::string label;  ///< "2026-11-20", "2026-11-20 13:00:00"; the range's first day for a week that began before it
  Instant from, to;   ///< of what the range holds of it
};

inline constexpr std::size_t kBucketsMax = 11'000;

/// All buckets of the range, in order. Refuses kInvalid `analytics.bad_query` for more than kBucketsMax.
[[nodiscard]] Result<std::vector<Bucket>> buckets(const TimeRange& range, Interval interval, const TimeZone& zone);

/// SQL of a bucket's key for the timestamp `column`: plain arithmetic with the zone's offsets in `range`.
[[nodiscard]] std::string bucket_sql(std::string_view column, const TimeRange& range, Interval interval,
                                     const TimeZone& zone);

/// "2026-11-20"; the local day that holds `instant`.
[[nodiscard]] std::string local_date(Instant instant, const TimeZone& zone);
/// RFC 3339 with the zone's offset: "2026-11-20T00:00:00+01:00".
[[nodiscard]] std::string to_local_text(Instant instant, const TimeZone& zone);

}  // namespace mainstay::analytics::query
