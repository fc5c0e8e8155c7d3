#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"

namespace mainstay::analytics {

/// Layouts of server logs. The names in `import log --format` and in the API are those of format_name().
enum class LogFormat : std::uint8_t {
  kCommon,
  kCombined,
  kVhostCommon,
  kVhostCombined,
  kNginxJson,
  kCaddy,
  kTraefik,
  /// Of the first four whichever holds most of the line. Has no name, is found out only: a line means the same
  /// whatever lines stand around it, and so has the same event id.
  kAnyText,
};

/// "common", "combined", "vhost_common", "vhost_combined", "nginx_json", "caddy", "traefik"; "" for kAnyText.
[[nodiscard]] std::string_view format_name(LogFormat format);
[[nodiscard]] std::optional<LogFormat> parse_format_name(std::string_view name);

/// The format that most of `lines` parse in, Traefik's before kAnyText, which reads its text too; nothing when no
/// format takes more than half of them. Pass the first lines of a file; some tens are enough.
[[nodiscard]] std::optional<LogFormat> detect_format(std::span<const std::string_view> lines);

/// One request as the server logged it. Views into the line or into the parser; "" where the log has "-" or nothing.
struct LogLine {
  std::string_view address;   ///< as logged: an address, or a name where the server resolves names
  std::string_view host;      ///< host that was asked, without port; "" where the format has none
  std::string_view method;    ///< "GET"
  std::string_view target;    ///< path and query as sent
  std::string_view protocol;  ///< "HTTP/1.1"
  std::string_view referrer;
  std::string_view user_agent;
  bool agent_logged = true;  ///< false: the log keeps no agents, so their lack says nothing about the visitor
  Instant at;
  int status = 0;          ///< 100…999
  std::int64_t bytes = 0;  ///< of the body; 0 for "-"
};

/// Longest line that is looked at; a longer one is unparsable.
inline constexpr std::size_t kLogLineBytesMax = 64 * 1024;

/// Reads log lines of one format. Not thread-safe; make one per thread. Allocates nothing for text formats
/// once its buffers have grown.
class LogParser {
 public:
  explicit LogParser(LogFormat format);
  ~LogParser();
  LogParser(LogParser&&) noexcept;

  /// Reads one line (without or with its newline). False when it is not of the format: then `into` is unspecified.
  /// What follows the last field of a text format is ignored; a user agent that was cut off counts as far as it goes.
  /// A request that is none ("\x16\x03") leaves `method` empty and is `target` whole.
  /// The views in `into` hold until the next call and as long as `line` does.
  [[nodiscard]] bool parse(std::string_view line, LogLine& into);

 private:
  struct Buffers;
  LogFormat format_;
  std::unique_ptr<Buffers> buffers_;
};

/// What a log line counts as.
enum class LineKind : std::uint8_t {
  kPageView,     ///< GET answered 200, 203, 206 or 304, of something that is not a file
  kDownload,     ///< the same of an archive, document, installer or medium
  kStaticFile,   ///< any GET of style sheets, scripts, images, fonts, maps, data: never counted
  kNotFound,     ///< GET answered 404 or 410, not of a static file
  kRedirect,     ///< answered 3xx but 304
  kErrorStatus,  ///< any other status
  kMethod,       ///< any method but GET
};

/// "page_view", "download", "static_file", "not_found", "redirect", "error_status", "method".
[[nodiscard]] std::string_view line_kind_name(LineKind kind);

/// Judges by method, status and the extension of the path, in the order method, static file, status, download.
[[nodiscard]] LineKind line_kind(const LogLine& line);

}  // namespace mainstay::analytics
