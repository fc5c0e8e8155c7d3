#pragma once

#include <array>
#include <span>
#include <string_view>

#include "modules/analytics/classify/referrer.h"

/// The tables behind sources.h, sorted by key.
namespace mainstay::analytics {

struct SourceRow {
  std::string_view key;
  std::string_view name;
  SourceKind kind;
};

[[nodiscard]] std::span<const SourceRow> source_hosts();
[[nodiscard]] std::span<const SourceRow> source_brands();
[[nodiscard]] std::span<const SourceRow> source_names();
[[nodiscard]] std::span<const std::string_view> spam_hosts();

}  // namespace mainstay::analytics
