#pragma once

#include <cstdint>
#include <string>

#include "base/failure.h"
#include "base/hash.h"
#include "base/principal.h"
#include "ports/random/random.h"

namespace mainstay::analytics {

/// Random, in [2^40, 2^53): it cannot be counted up, is never mistaken for a small number, and passes through
/// JavaScript unharmed.
[[nodiscard]] inline std::int64_t new_id(random::Random& random) {
  constexpr std::uint64_t kFrom = std::uint64_t{1} << 40;
  constexpr std::uint64_t kTo = std::uint64_t{1} << 53;
  return static_cast<std::int64_t>(kFrom + random.number() % (kTo - kFrom));
}

/// 160 random bits in base32.
[[nodiscard]] inline std::string new_secret(random::Random& random) { return to_base32(random.bytes<20>()); }

[[nodiscard]] inline std::string id_text(SiteId site) { return std::to_string(static_cast<std::int64_t>(site)); }

/// What a live stream's right to watch hangs on (http/live.h).
[[nodiscard]] inline std::string live_right_of(SiteId site) { return "site-" + id_text(site); }

[[nodiscard]] inline std::unexpected<Failure> unknown_site() {
  return refuse(Refusal::kNotFound, "analytics.unknown_site", "There is no such site.");
}

/// Refuses kForbidden `analytics.forbidden` where `principal` lacks the right.
[[nodiscard]] inline Result<> require(const Principal& principal, Permission permission) {
  if (principal.may(permission)) return {};
  return refuse(Refusal::kForbidden, "analytics.forbidden", "You may not do this. Ask the owner of this installation.");
}

}  // namespace mainstay::analytics
