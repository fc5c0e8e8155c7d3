#include "modules/analytics/classify/log_line.h"

#include <algorithm>
#include <array>

#include "modules/analytics/classify/log_json.h"
#include "modules/analytics/classify/log_text.h"

namespace mainstay::analytics {
namespace {

struct NamedFormat {
  LogFormat format;
  std::string_view name;
};

constexpr std::array<NamedFormat, 7> kFormats{{
    {LogFormat::kCaddy, "caddy"},
    {LogFormat::kTraefik, "traefik"},
    {LogFormat::kNginxJson, "nginx_json"},
    {LogFormat::kVhostCombined, "vhost_combined"},
    {LogFormat::kCombined, "combined"},
    {LogFormat::kVhostCommon, "vhost_common"},
    {LogFormat::kCommon, "common"},
}};

/// In the order of detection: what holds more comes before what it contains.
constexpr std::array kFoundOut{LogFormat::kCaddy, LogFormat::kTraefik, LogFormat::kNginxJson, LogFormat::kAnyText};

std::string_view without_newline(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

std::string_view format_name(LogFormat format) {
  const auto found = std::ranges::find(kFormats, format, &NamedFormat::format);
  return found == kFormats.end() ? std::string_view{} : found->name;
}

std::optional<LogFormat> parse_format_name(std::string_view name) {
  const auto found = std::ranges::find(kFormats, name, &NamedFormat::name);
  if (found == kFormats.end()) return std::nullopt;
  return found->format;
}

std::optional<LogFormat> detect_format(std::span<const std::string_view> lines) {
  std::array<std::size_t, kFoundOut.size()> parsed{};
  for (std::size_t i = 0; i < kFoundOut.size(); ++i) {
    LogParser parser{kFoundOut[i]};
    LogLine line;
    parsed[i] = static_cast<std::size_t>(
        std::ranges::count_if(lines, [&](std::string_view text) { return parser.parse(text, line); }));
  }
  const auto most = *std::ranges::max_element(parsed);
  if (most * 2 <= lines.size()) return std::nullopt;
  // A richer format wins over one that it contains, even where a line or two were cut off.
  const auto rich = std::ranges::find_if(parsed, [&](std::size_t count) { return count * 5 >= most * 4; });
  return kFoundOut[static_cast<std::size_t>(rich - parsed.begin())];
}

struct LogParser::Buffers {
  LogClock clock;
  TextScratch scratch;
  std::optional<JsonLog> json;

  JsonLog& json_log() {
    if (!json) json.emplace();
    return *json;
  }
  bool text(std::string_view line, TextLayout layout, LogLine& into) {
    return parse_text(line, layout, clock, scratch, into);
  }
  /// Traefik's own common format ends with its duration: … 12 "router@docker" "http://10.0.0.2:80" 3ms. It has "-" for
  /// every agent unless it was told to keep headers.
  bool traefik_text(std::string_view line, LogLine& into) {
    if (!line.ends_with("ms") || !text(line, {.agent = Field::kThere}, into)) return false;
    into.agent_logged = !into.user_agent.empty();
    return true;
  }
};

LogParser::LogParser(LogFormat format) : format_(format), buffers_(std::make_unique<Buffers>()) {}
LogParser::~LogParser() = default;
LogParser::LogParser(LogParser&&) noexcept = default;

bool LogParser::parse(std::string_view line, LogLine& into) {
  line = without_newline(line);
  if (line.empty() || line.size() > kLogLineBytesMax) return false;
  const bool is_json = line.front() == '{';
  into.agent_logged = true;
  switch (format_) {
    case LogFormat::kCommon: return buffers_->text(line, {}, into);
    case LogFormat::kCombined: return buffers_->text(line, {.agent = Field::kThere}, into);
    case LogFormat::kVhostCommon: return buffers_->text(line, {.vhost = Field::kThere}, into);
    case LogFormat::kVhostCombined: return buffers_->text(line, {.vhost = Field::kThere, .agent = Field::kThere}, into);
    case LogFormat::kAnyText: return buffers_->text(line, {.vhost = Field::kPerhaps, .agent = Field::kPerhaps}, into);
    case LogFormat::kNginxJson: return is_json && buffers_->json_log().nginx(line, into);
    case LogFormat::kCaddy: return is_json && buffers_->json_log().caddy(line, into);
    case LogFormat::kTraefik:
      return is_json ? buffers_->json_log().traefik(line, into) : buffers_->traefik_text(line, into);
  }
  return false;
}

}  // namespace mainstay::analytics
