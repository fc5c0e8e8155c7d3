#pragma once

#include <string_view>

#include "modules/analytics/classify/referrer.h"

/// The tables of known sources and of spam. Used by referrer.cpp and channel.cpp only.
namespace mainstay::analytics {

struct Source {
  std::string_view name;  ///< "" for an unknown one
  SourceKind kind = SourceKind::kOther;
};

/// The source a host name belongs to: "de.search.yahoo.com" → "Yahoo!". Names below a known one count.
[[nodiscard]] Source source_of_host(std::string_view host);

/// The source somebody meant by utm_source or ref: "fb", "Google", "chatgpt.com".
[[nodiscard]] Source source_of_name(std::string_view name);

/// True for hosts known to send visits that never were (ghost and crawler spam).
[[nodiscard]] bool is_spam_host(std::string_view host);

}  // namespace mainstay::analytics
