#include <string_view>

#include "modules/analytics/collector/beacon_event.h"
#include "modules/analytics/hit.h"

/// Hostile beacon bodies and queue records are refused, never crash, and never give an event outside its limits.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  if (const auto events = mainstay::analytics::read_events(bytes)) {
    if (events->size() > mainstay::analytics::kEventsPerBodyMax) __builtin_trap();
    for (const auto& event : *events) {
      if (event.url.size() > 2'000 || event.properties.size() > mainstay::analytics::kPropertiesMax) __builtin_trap();
      if (event.scroll_depth < -1 || event.scroll_depth > 100 || event.engagement_ms < 0) __builtin_trap();
    }
  }
  mainstay::analytics::HitRecord record;
  if (mainstay::analytics::decode(bytes, record)) {
    if (mainstay::analytics::encode(record.hits, record.batch).empty()) __builtin_trap();
  }
  return 0;
}
