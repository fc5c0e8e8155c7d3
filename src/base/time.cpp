#include "base/time.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <charconv>

#include "base/failure.h"

namespace mainstay {
namespace {

/// Reads exactly `digits` digits at `at` and moves past them.
std::optional<int> read_number(std::string_view text, std::size_t& at, std::size_t digits) {
  if (at + digits > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const char c = text[at + i];
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  at += digits;
  return value;
}

bool read_char(std::string_view text, std::size_t& at, std::string_view accepted) {
  if (at >= text.size() || accepted.find(text[at]) == std::string_view::npos) return false;
  ++at;
  return true;
}

std::optional<microseconds> read_fraction(std::string_view text, std::size_t& at) {
  if (at >= text.size() || text[at] != '.') return microseconds{0};
  ++at;
  std::int64_t micros = 0;
  std::size_t digits = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits) {
    if (digits < 6) micros = micros * 10 + (text[at] - '0');
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 6; ++digits) micros *= 10;
  return microseconds{micros};
}

std::optional<minutes> read_offset(std::string_view text, std::size_t& at) {
  if (read_char(text, at, "Zz")) return minutes{0};
  const bool negative = at < text.size() && text[at] == '-';
  if (!read_char(text, at, "+-")) return std::nullopt;
  const auto hour = read_number(text, at, 2);
  if (!hour || !read_char(text, at, ":")) return std::nullopt;
  const auto minute = read_number(text, at, 2);
  if (!minute || *hour > 23 || *minute > 59) return std::nullopt;
  const minutes offset{*hour * 60 + *minute};
  return negative ? -offset : offset;
}

const date::time_zone* zone_of(const void* zone) { return static_cast<const date::time_zone*>(zone); }

/// The library reads a zone's file when the zone is first asked something, wherever that is and whatever is left of
/// descriptors then. Read here it is never opened again.
[[clang::no_sanitize("vptr")]]  // which needs a descriptor, and calls `what` wrong when there is none
const date::time_zone*
read(const date::time_zone* zone) {
  try {
    (void)zone->get_info(date::sys_seconds{});
    return zone;
  } catch (const std::runtime_error& error) {
    throw Unavailable(fmt::format("cannot read the time zone {}: {}", zone->name(), error.what()));
  }
}

}  // namespace

std::string to_rfc3339(Instant instant) {
  const auto day = std::chrono::floor<days>(instant);
  const std::chrono::year_month_day ymd{day};
  const std::chrono::hh_mm_ss time{instant - day};
  auto text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(ymd.year()),
                          static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()), time.hours().count(),
                          time.minutes().count(), time.seconds().count());
  if (time.subseconds().count() != 0) text += fmt::format(".{:06}", time.subseconds().count());
  return text + "Z";
}

std::optional<Instant> parse_rfc3339(std::string_view text) {
  std::size_t at = 0;
  const auto year = read_number(text, at, 4);
  if (!year || !read_char(text, at, "-")) return std::nullopt;
  const auto month = read_number(text, at, 2);
  if (!month || !read_char(text, at, "-")) return std::nullopt;
  const auto day = read_number(text, at, 2);
  if (!day || !read_char(text, at, "Tt ")) return std::nullopt;
  const auto hour = read_number(text, at, 2);
  if (!hour || !read_char(text, at, ":")) return std::nullopt;
  const auto minute = read_number(text, at, 2);
  if (!minute || !read_char(text, at, ":")) return std::nullopt;
  const auto second = read_number(text, at, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const auto fraction = read_fraction(text, at);
  const auto offset = fraction ? read_offset(text, at) : std::nullopt;
  if (!offset || at != text.size()) return std::nullopt;
  const std::chrono::year_month_day ymd{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                        std::chrono::day{static_cast<unsigned>(*day)}};
  if (!ymd.ok()) return std::nullopt;
  return std::chrono::sys_days{ymd} + hours{*hour} + minutes{*minute} + seconds{*second} + *fraction - *offset;
}

std::optional<TimeZone> TimeZone::find(std::string_view name) {
  constexpr std::size_t kNameBytesMax = 64;
  if (name.empty() || name.size() > kNameBytesMax) return std::nullopt;
  const date::time_zone* zone = nullptr;
  try {
    zone = date::locate_zone(name);
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
  return TimeZone{read(zone)};
}

TimeZone TimeZone::utc() { return TimeZone{read(date::locate_zone("UTC"))}; }

std::string_view TimeZone::name() const { return zone_of(zone_)->name(); }

std::chrono::local_time<microseconds> TimeZone::to_local(Instant instant) const {
  return std::chrono::local_time<microseconds>{instant.time_since_epoch() + offset_at(instant).offset};
}

Instant TimeZone::to_utc(std::chrono::local_time<microseconds> local) const {
  const date::local_time<microseconds> wanted{local.time_since_epoch()};
  const auto info = zone_of(zone_)->get_info(wanted);
  if (info.result == date::local_info::nonexistent) return Instant{info.second.begin.time_since_epoch()};
  return Instant{wanted.time_since_epoch() - info.first.offset};
}

TimeZone::Offset TimeZone::offset_at(Instant instant) const {
  const auto info = zone_of(zone_)->get_info(date::sys_time<microseconds>{instant.time_since_epoch()});
  // The database's open end is a date far outside what microseconds can count.
  constexpr auto kFarFuture = seconds{253'402'300'800};  // 10000-01-01
  const auto until = std::min<seconds>(info.end.time_since_epoch(), kFarFuture);
  return {.offset = info.offset, .until = Instant{until}};
}

}  // namespace mainstay
