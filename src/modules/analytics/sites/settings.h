#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "modules/analytics/model.h"
#include "modules/analytics/sites/service.h"

/// The rules of a site's settings, in one place.
namespace mainstay::analytics {

inline constexpr std::size_t kSiteNameBytesMax = 100;
inline constexpr std::size_t kHostsMax = 100;
inline constexpr std::size_t kExclusionsMax = 100;  ///< of each kind
inline constexpr std::size_t kPathGlobBytesMax = 500;
inline constexpr std::size_t kScriptPathBytesMax = 100;
inline constexpr std::int32_t kRetentionDaysMax = 3650;

/// Applies `change` to `site` in normal form. Refuses kInvalid `analytics.bad_site` with every field at fault; `site`
/// is then of no use.
[[nodiscard]] Result<> apply(const SiteChange& change, Site& site);

/// The hosts of a new site: the domain and everything below it.
[[nodiscard]] std::vector<std::string> default_hosts(const std::string& domain);

/// Why `path` cannot serve the script, or "".
[[nodiscard]] std::string_view script_path_fault(std::string_view path);

/// True for text without control characters and of at most `bytes_max` bytes.
[[nodiscard]] bool is_plain_text(std::string_view text, std::size_t bytes_max);

}  // namespace mainstay::analytics
