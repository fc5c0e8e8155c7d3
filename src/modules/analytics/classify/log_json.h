#pragma once

#include <memory>
#include <string_view>

#include "modules/analytics/classify/log_text.h"

/// The JSON formats of log_line.h. Used by LogParser only.
namespace mainstay::analytics {

/// Reads one JSON object a line; keeps it until the next one, for the views in LogLine.
class JsonLog {
 public:
  JsonLog();
  ~JsonLog();
  JsonLog(const JsonLog&) = delete;
  JsonLog& operator=(const JsonLog&) = delete;

  /// nginx with `escape=json` and its variables under their own names; a few other names are taken too.
  [[nodiscard]] bool nginx(std::string_view line, LogLine& into);
  /// Caddy 2: https://caddyserver.com/docs/logging#structured-logs
  [[nodiscard]] bool caddy(std::string_view line, LogLine& into);
  /// Traefik: https://doc.traefik.io/traefik/observability/access-logs/#available-fields
  [[nodiscard]] bool traefik(std::string_view line, LogLine& into);

 private:
  struct Document;
  std::unique_ptr<Document> document_;
};

}  // namespace mainstay::analytics
