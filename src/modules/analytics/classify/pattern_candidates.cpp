#include "modules/analytics/classify/agent_patterns.h"

#include <algorithm>

namespace mainstay::analytics {

void find_candidates(const AgentPatterns& patterns, std::string_view lower, std::vector<std::uint16_t>& into) {
  constexpr std::size_t kKeyBytes = 3;
  constexpr std::size_t kFactor = 31;
  const auto buckets = patterns.bucket_starts.size() - 1;
  const auto byte = [&](std::size_t at) { return std::size_t{static_cast<unsigned char>(lower[at])}; };
  into.assign(patterns.always.begin(), patterns.always.end());
  for (std::size_t at = 0; at + kKeyBytes <= lower.size(); ++at) {
    const auto bucket = ((byte(at) * kFactor + byte(at + 1)) * kFactor + byte(at + 2)) % buckets;
    for (auto row = patterns.bucket_starts[bucket]; row < patterns.bucket_starts[bucket + 1]; ++row) {
      const auto& literal = patterns.literals[row];
      if (!lower.substr(at).starts_with(literal.text)) continue;
      const auto found = patterns.literal_patterns.subspan(literal.first_pattern, literal.patterns);
      into.insert(into.end(), found.begin(), found.end());
    }
  }
  std::ranges::sort(into);
  into.erase(std::ranges::unique(into).begin(), into.end());
}

}  // namespace mainstay::analytics
