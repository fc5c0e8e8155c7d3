#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Bots that we name ourselves, before any list. Used by agent.cpp only.
namespace mainstay::analytics {

struct BotRule {
  std::string_view text;  ///< in lower case; "^" in front: only at the beginning
  std::string_view name;
  std::string_view category;
};

/// The first rule whose text occurs in `lower`, or null.
[[nodiscard]] const BotRule* find_bot_rule(std::string_view lower);

/// What to call a bot that only a pattern of isbot gave away: the word around the match, or the first product.
[[nodiscard]] std::string guess_bot_name(std::string_view user_agent, std::size_t match_at, std::size_t match_bytes);

}  // namespace mainstay::analytics
