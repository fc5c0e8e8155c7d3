// Any bytes as log lines, in every format: parsed or not, never a crash; what parses can be judged.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "modules/analytics/classify/log_line.h"
#include "modules/analytics/classify/page_url.h"
#include "modules/analytics/classify/referrer.h"

namespace {

using namespace mainstay::analytics;

void judge_line(const LogLine& line) {
  if (line.status < 100 || line.status > 999 || line.bytes < 0) std::abort();
  if (line_kind_name(line_kind(line)).empty()) std::abort();
  const auto page = parse_request_target(line.host, line.target);
  if (page && (page->path.empty() || page->hostname.empty())) std::abort();
  const auto referrer = parse_referrer(line.referrer, line.host);
  if (referrer.url.size() < referrer.host.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const std::vector<std::string_view> lines = mainstay::split(text, '\n');
  (void)detect_format(std::span{lines}.first(std::min<std::size_t>(lines.size(), 4)));
  for (const auto format : {LogFormat::kCombined, LogFormat::kVhostCombined, LogFormat::kNginxJson, LogFormat::kCaddy,
                            LogFormat::kTraefik, LogFormat::kAnyText}) {
    LogParser parser{format};
    LogLine line;
    for (const auto one : lines) {
      if (parser.parse(one, line)) judge_line(line);
    }
  }
  return 0;
}
