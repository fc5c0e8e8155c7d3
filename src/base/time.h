#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mainstay {

/// A point in time: microseconds since 1970-01-01T00:00:00Z. On disk and in SQL it is that number.
using Instant = std::chrono::sys_time<std::chrono::microseconds>;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

[[nodiscard]] constexpr std::int64_t to_micros(Instant instant) { return instant.time_since_epoch().count(); }
[[nodiscard]] constexpr Instant from_micros(std::int64_t micros) { return Instant{microseconds{micros}}; }

/// "2026-11-21T06:11:37.000250Z"; microseconds are left out when they are zero (RFC 3339 §5.6).
[[nodiscard]] std::string to_rfc3339(Instant instant);

/// Reads RFC 3339 with any offset; nothing for anything else, also for days that do not exist.
[[nodiscard]] std::optional<Instant> parse_rfc3339(std::string_view text);

/// The UTC day number of `instant` (days since 1970-01-01).
[[nodiscard]] constexpr std::int32_t utc_day(Instant instant) {
  return static_cast<std::int32_t>(std::chrono::floor<days>(instant).time_since_epoch().count());
}

/// A time zone of the IANA database, read from the system's /usr/share/zoneinfo.
/// A value type; cheap to copy; safe to use from any thread.
class TimeZone {
 public:
  /// Nothing when there is no zone of that name. Throws Unavailable when its file cannot be read; later none is needed.
  [[nodiscard]] static std::optional<TimeZone> find(std::string_view name);
  [[nodiscard]] static TimeZone utc();

  [[nodiscard]] std::string_view name() const;
  /// What local clocks show at `instant`, as if it were UTC.
  [[nodiscard]] std::chrono::local_time<microseconds> to_local(Instant instant) const;
  /// The first instant at which local clocks show `local`, or, where clocks skip it, the instant
  /// of the change.
  [[nodiscard]] Instant to_utc(std::chrono::local_time<microseconds> local) const;
  /// The offset in force at `instant` and the instant from which another one holds.
  struct Offset {
    seconds offset;
    Instant until;
  };
  [[nodiscard]] Offset offset_at(Instant instant) const;

 private:
  explicit TimeZone(const void* zone) : zone_(zone) {}
  const void* zone_;  ///< lives as long as the program
};

}  // namespace mainstay
