#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

/// The data that tools/generate-agents compiles in. Regular expressions are RE2's, over Latin-1.
namespace mainstay::analytics {

/// A browser or operating system. In `name`, `major` and `minor`, "$1" is the text of group 1.
struct AgentPattern {
  std::string_view regex, name, major, minor;
};

/// A bot. `text` alone decides where there is no `regex`.
struct BotPattern {
  std::string_view regex, text;
  std::string_view name, category;  ///< "" in isbot's, which know no names
};

/// A lower-case text, and its patterns as a range of AgentPatterns::literal_patterns.
struct PatternLiteral {
  std::string_view text;
  std::uint16_t first_pattern, patterns;
};

/// Patterns have one numbering: all of `agents` (browsers first), then all of `bots`.
struct AgentPatterns {
  std::span<const AgentPattern> agents;
  std::size_t browsers;  ///< so many of `agents`; operating systems follow
  std::span<const BotPattern> bots;
  std::size_t listed_bots;                   ///< so many of `bots`, case matters; isbot's follow, in lower case
  std::span<const PatternLiteral> literals;  ///< by bucket of their first three bytes
  std::span<const std::uint16_t> literal_patterns;
  std::span<const std::uint16_t> bucket_starts;  ///< into `literals`, one more than there are buckets
  std::span<const std::uint16_t> always;         ///< patterns without a literal
  std::span<const std::string_view> blanked;     ///< phrases isbot must not see
};

[[nodiscard]] const AgentPatterns& agent_patterns();

/// The patterns that may match `lower` (a text in lower case), ascending.
void find_candidates(const AgentPatterns& patterns, std::string_view lower, std::vector<std::uint16_t>& into);

}  // namespace mainstay::analytics
