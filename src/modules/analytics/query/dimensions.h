#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What a report can be broken down and filtered by: one row a dimension, read by the parser, the SQL and the answer.
namespace mainstay::analytics::query {

enum class Special : std::uint8_t {
  kNone,
  kGoal,      ///< a condition on events, by the site's goals
  kProperty,  ///< event:props:NAME
  kTime,
  kCountryName,  ///< shown by name, stored by code
};

struct DimensionInfo {
  std::string_view name;
  std::string_view on_events;  ///< column of `events`, "" when events do not carry it
  std::string_view on_visits;  ///< column of `visits`, "" when it differs from event to event of a visit
  std::string_view as_entry;   ///< what stands for it where a visit has one value only: of its beginning
  std::string_view empty;      ///< shown for ""
  Special special = Special::kNone;
};

enum class Interval : std::uint8_t { kAuto, kMinute, kHour, kDay, kWeek, kMonth };

/// "time:day"; "time" for kAuto.
[[nodiscard]] std::string_view to_text(Interval interval);

/// One dimension as asked for.
struct Dimension {
  const DimensionInfo* info = nullptr;  ///< never null once parsed; lives as long as the program
  std::string property;                 ///< of event:props:NAME
  Interval interval = Interval::kAuto;  ///< of time

  [[nodiscard]] std::string name() const;
  [[nodiscard]] bool is_time() const { return info->special == Special::kTime; }
  [[nodiscard]] bool is_goal() const { return info->special == Special::kGoal; }
  /// True when it is the same for all events of a visit.
  [[nodiscard]] bool of_visit() const { return !info->on_visits.empty(); }
  /// True when single events have it, and nothing of it can be said of a visit: an event's name, goal or property.
  [[nodiscard]] bool of_single_events() const { return !of_visit() && !is_time() && info->as_entry.empty(); }
  bool operator==(const Dimension&) const = default;
};

inline constexpr std::size_t kPropertyNameBytesMax = 300;

/// Reads "visit:source", "event:props:plan", "time:day"; nothing for what is none.
[[nodiscard]] std::optional<Dimension> find_dimension(std::string_view name);
/// The known name that is nearest to `name`, or "".
[[nodiscard]] std::string_view nearest_dimension(std::string_view name);

}  // namespace mainstay::analytics::query
