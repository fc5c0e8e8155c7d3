#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "modules/analytics/classify/log_line.h"

/// The text formats of log_line.h, over string_view. Used by LogParser only.
namespace mainstay::analytics {

/// Turns "17/May/2015:10:05:03 +0200" into instants; remembers the last minute, since neighbours share it.
class LogClock {
 public:
  static constexpr std::size_t kTextBytes = 26;
  /// `text` is exactly the 26 characters between the brackets. False for a time that does not exist.
  [[nodiscard]] bool read(std::string_view text, Instant& into);

 private:
  [[nodiscard]] bool read_minute(std::string_view text);

  std::array<char, kTextBytes> minute_text_{};
  Instant minute_{};
};

/// What a text layout has beyond Apache's common one: a host before the address, referrer and agent behind the bytes.
enum class Field : std::uint8_t { kAbsent, kThere, kPerhaps };
struct TextLayout {
  Field vhost = Field::kAbsent;
  Field agent = Field::kAbsent;
};

/// Fields whose escapes were undone.
struct TextScratch {
  std::string request, referrer, user_agent;
};

[[nodiscard]] bool parse_text(std::string_view line, TextLayout layout, LogClock& clock, TextScratch& scratch,
                              LogLine& into);

/// Splits "GET /path HTTP/1.1"; what does not begin with a method goes to `target` whole.
void split_request(std::string_view request, LogLine& into);

/// "example.com:443" → "example.com"; "-" → "".
[[nodiscard]] std::string_view host_without_port(std::string_view host);

}  // namespace mainstay::analytics
