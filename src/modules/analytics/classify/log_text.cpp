#include "modules/analytics/classify/log_text.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "modules/analytics/classify/network.h"

namespace mainstay::analytics {
namespace {

int digit(char c) { return c >= '0' && c <= '9' ? c - '0' : -1; }

/// Two digits, or -1.
int two(const char* at) {
  const int tens = digit(at[0]);
  const int ones = digit(at[1]);
  return tens < 0 || ones < 0 ? -1 : tens * 10 + ones;
}

unsigned month_number(const char* at) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  for (unsigned month = 0; month < 12; ++month) {
    if (std::memcmp(kMonths.data() + std::size_t{month} * 3, at, 3) == 0) return month + 1;
  }
  return 0;
}

std::size_t find_from(std::string_view text, char wanted, std::size_t from) {
  if (from >= text.size()) return std::string_view::npos;
  const void* found = std::memchr(text.data() + from, wanted, text.size() - from);
  return found == nullptr ? std::string_view::npos
                          : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

/// Control characters other than tab: no server writes them unescaped.
bool has_hostile_byte(std::string_view line) {
  unsigned hostile = 0;
  for (const char c : line) hostile |= static_cast<unsigned>(static_cast<unsigned char>(c) < 0x20 && c != '\t');
  return hostile != 0;
}

int hex(char c) {
  if (digit(c) >= 0) return digit(c);
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Apache writes \" \\ \b \n \r \t \v \xhh (ap_escape_logitem), nginx \xHH.
void undo_escapes(std::string_view text, std::string& into) {
  into.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      into.push_back(text[i]);
      continue;
    }
    const char next = text[++i];
    if (next == 'x' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      into.push_back(static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])));
      i += 2;
    } else if (next == '"' || next == '\\') {
      into.push_back(next);
    } else if (next == 'n' || next == 'r' || next == 't' || next == 'v' || next == 'b') {
      into.push_back(' ');
    } else {
      into.push_back('\\');
      into.push_back(next);
    }
  }
}

/// Reads a line from left to right. Every step says whether the line still fits.
class Cursor {
 public:
  explicit Cursor(std::string_view line)
      : line_(line), has_escapes_(find_from(line, '\\', 0) != std::string_view::npos) {}

  bool token(std::string_view& into) {
    const auto end = find_from(line_, ' ', at_);
    if (end == std::string_view::npos || end == at_) return false;
    into = line_.substr(at_, end - at_);
    at_ = end + 1;
    return true;
  }

  /// Skips the user's name, which may hold blanks, and reads "[time] ".
  bool time(LogClock& clock, Instant& into) {
    for (auto open = find_from(line_, '[', at_); open != std::string_view::npos;
         open = find_from(line_, '[', open + 1)) {
      const auto close = open + 1 + LogClock::kTextBytes;
      if (close + 1 >= line_.size()) return false;
      if (line_[close] != ']' || line_[close + 1] != ' ') continue;
      if (!clock.read(line_.substr(open + 1, LogClock::kTextBytes), into)) continue;
      at_ = close + 2;
      return true;
    }
    return false;
  }

  /// A quoted field and the blank or the end behind it. Escapes are undone into `scratch`.
  bool quoted(std::string& scratch, std::string_view& into) {
    if (at_ >= line_.size() || line_[at_] != '"') return false;
    const auto from = at_ + 1;
    auto close = find_from(line_, '"', from);
    if (has_escapes_) {
      while (close != std::string_view::npos && is_escaped(from, close)) close = find_from(line_, '"', close + 1);
    }
    if (close == std::string_view::npos) return false;
    into = line_.substr(from, close - from);
    at_ = close + 1;
    if (at_ < line_.size() && line_[at_++] != ' ') return false;
    finish(scratch, into);
    return true;
  }

  /// The last quoted field. Servers cut long lines: without a closing quote it goes to the end.
  bool last_quoted(std::string& scratch, std::string_view& into) {
    const auto from = at_ + 1;
    if (quoted(scratch, into)) return true;
    if (from > line_.size() || line_[from - 1] != '"') return false;
    into = line_.substr(from);
    finish(scratch, into);
    return true;
  }

  bool status(int& into) {
    if (at_ + 3 > line_.size()) return false;
    const int high = digit(line_[at_]);
    const int low = two(line_.data() + at_ + 1);
    if (high < 1 || low < 0) return false;
    into = high * 100 + low;
    at_ += 3;
    return at_ < line_.size() && line_[at_++] == ' ';
  }

  bool bytes(std::int64_t& into) {
    if (at_ < line_.size() && line_[at_] == '-') {
      into = 0;
      ++at_;
      return ends_field();
    }
    const auto from = at_;
    into = 0;
    while (at_ < line_.size() && digit(line_[at_]) >= 0) {
      if (into > (std::numeric_limits<std::int64_t>::max() - 9) / 10) return false;
      into = into * 10 + digit(line_[at_++]);
    }
    return at_ > from && ends_field();
  }

 private:
  /// Undoes escapes, and reads "-" as nothing.
  void finish(std::string& scratch, std::string_view& into) const {
    if (has_escapes_ && find_from(into, '\\', 0) != std::string_view::npos) {
      undo_escapes(into, scratch);
      into = scratch;
    }
    if (into == "-") into = {};
  }

  bool ends_field() {
    if (at_ == line_.size()) return true;
    return line_[at_++] == ' ';
  }

  [[nodiscard]] bool is_escaped(std::size_t from, std::size_t quote) const {
    auto at = quote;
    while (at > from && line_[at - 1] == '\\') --at;
    return (quote - at) % 2 == 1;
  }

  std::string_view line_;
  bool has_escapes_;
  std::size_t at_ = 0;
};

/// The address, and the host before it: what stands before an address is one.
bool read_client(Cursor& cursor, Field vhost, LogLine& into) {
  into.host = {};
  if (!cursor.token(into.address)) return false;
  if (vhost == Field::kAbsent) return true;
  auto behind = cursor;
  std::string_view second;
  if (!behind.token(second) || !IpAddress::parse(second)) return vhost == Field::kPerhaps;
  into.host = host_without_port(into.address);
  into.address = second;
  cursor = behind;
  return true;
}

/// Referrer and agent: both or none.
bool read_agent(Cursor& cursor, Field agent, TextScratch& scratch, LogLine& into) {
  into.agent_logged = agent != Field::kAbsent && cursor.quoted(scratch.referrer, into.referrer) &&
                      cursor.last_quoted(scratch.user_agent, into.user_agent);
  if (!into.agent_logged) into.referrer = into.user_agent = {};
  return into.agent_logged || agent != Field::kThere;
}

}  // namespace

bool LogClock::read(std::string_view text, Instant& into) {
  // "17/May/2015:10:05:" and " +0000" are the minute's; 18 and 19 are the seconds.
  constexpr std::size_t kSecondsAt = 18;
  constexpr std::size_t kZoneAt = 20;
  const bool known = std::memcmp(text.data(), minute_text_.data(), kSecondsAt) == 0 &&
                     std::memcmp(text.data() + kZoneAt, minute_text_.data() + kZoneAt, kTextBytes - kZoneAt) == 0;
  if (!known && !read_minute(text)) return false;
  const int second = two(text.data() + kSecondsAt);
  if (second < 0 || second > 60) return false;
  into = minute_ + seconds{second};
  return true;
}

bool LogClock::read_minute(std::string_view text) {
  using namespace std::chrono;
  const char* at = text.data();
  const bool punctuated =
      at[2] == '/' && at[6] == '/' && at[11] == ':' && at[14] == ':' && at[17] == ':' && at[20] == ' ';
  if (!punctuated || (at[21] != '+' && at[21] != '-')) return false;
  const int day_number = two(at);
  const unsigned month_of_year = month_number(at + 3);
  const int century = two(at + 7);
  const int year_of_century = two(at + 9);
  const int hour = two(at + 12);
  const int minute = two(at + 15);
  const int zone_hours = two(at + 22);
  const int zone_minutes = two(at + 24);
  if (day_number < 0 || month_of_year == 0 || century < 0 || year_of_century < 0) return false;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return false;
  if (zone_hours < 0 || zone_hours > 23 || zone_minutes < 0 || zone_minutes > 59) return false;
  const year_month_day date{year{century * 100 + year_of_century}, month{month_of_year},
                            day{static_cast<unsigned>(day_number)}};
  if (!date.ok()) return false;
  const auto offset = (hours{zone_hours} + minutes{zone_minutes}) * (at[21] == '-' ? -1 : 1);
  minute_ = sys_days{date} + hours{hour} + minutes{minute} - offset;
  std::copy_n(at, kTextBytes, minute_text_.begin());
  return true;
}

std::string_view host_without_port(std::string_view host) {
  if (host == "-" || host == "_") return {};
  const auto colon = host.rfind(':');
  if (colon == std::string_view::npos) return host;
  const bool inside_brackets = host.find(']', colon) != std::string_view::npos;
  return inside_brackets ? host : host.substr(0, colon);
}

void split_request(std::string_view request, LogLine& into) {
  into.method = {};
  into.protocol = {};
  into.target = request;
  const auto blank = find_from(request, ' ', 0);
  if (blank == std::string_view::npos || blank == 0) return;
  const auto method = request.substr(0, blank);
  const bool upper = std::ranges::all_of(method, [](char c) { return (c >= 'A' && c <= 'Z') || c == '-' || c == '_'; });
  if (!upper) return;
  into.method = method;
  into.target = request.substr(blank + 1);
  const auto last = into.target.rfind(' ');
  if (last == std::string_view::npos || !into.target.substr(last + 1).starts_with("HTTP/")) return;
  into.protocol = into.target.substr(last + 1);
  into.target = into.target.substr(0, last);
}

bool parse_text(std::string_view line, TextLayout layout, LogClock& clock, TextScratch& scratch, LogLine& into) {
  if (has_hostile_byte(line)) return false;
  Cursor cursor{line};
  std::string_view request;
  if (!read_client(cursor, layout.vhost, into)) return false;
  if (!cursor.time(clock, into.at) || !cursor.quoted(scratch.request, request)) return false;
  if (!cursor.status(into.status) || !cursor.bytes(into.bytes)) return false;
  split_request(request, into);
  return read_agent(cursor, layout.agent, scratch, into);
}

}  // namespace mainstay::analytics
