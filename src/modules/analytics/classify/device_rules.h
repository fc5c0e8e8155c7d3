#pragma once

#include <string_view>

#include "modules/analytics/classify/agent.h"

/// Rules of ours on top of uap-core. Used by agent.cpp only.
namespace mainstay::analytics {

/// The class of device, by words in the user agent (`lower`: in lower case) and the system uap-core found.
[[nodiscard]] Device device_of(std::string_view lower, std::string_view os);

/// Renames what uap-core tells apart and people do not: "Chrome Mobile iOS" → "Chrome", "Mac OS X" → "macOS",
/// names apps that show pages, and drops the minor version where nobody tells versions apart by it.
void tidy_agent(Agent& agent, std::string_view lower);

}  // namespace mainstay::analytics
