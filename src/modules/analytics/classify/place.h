#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/failure.h"
#include "modules/analytics/classify/network.h"

namespace mainstay::analytics {

/// Where an address is. "" where unknown.
struct Place {
  std::string country;  ///< ISO 3166-1 alpha-2: "DE"
  std::string region;   ///< ISO 3166-2: "DE-BY"
  std::string city;     ///< English name
};

/// Looks addresses up in MaxMind-format files, mapped into memory.
///
/// Lifetime: one per process, made by app/. Threads: any, no lock. Memory: the pages of the file that were touched.
class Places {
 public:
  /// `countries` is the file with country codes that stands beside the binary (`country.mmdb`); `cities`, when given,
  /// is the operator's own (GeoLite2-City layout) and is asked first.
  /// Throws Unavailable naming the file that cannot be read.
  explicit Places(const std::filesystem::path& countries,
                  const std::optional<std::filesystem::path>& cities = std::nullopt);
  ~Places();
  Places(Places&&) noexcept;

  /// Empty for private addresses and for what the files do not know.
  [[nodiscard]] Place find(const IpAddress& address) const;

 private:
  struct Files;
  std::unique_ptr<Files> files_;
};

struct Country {
  std::string_view code;  ///< ISO 3166-1 alpha-2
  std::string_view name;  ///< English short name
};
/// All countries, by code.
[[nodiscard]] std::span<const Country> countries();
/// English short name of an ISO 3166-1 alpha-2 code ("DE" → "Germany"); "" for an unknown one.
[[nodiscard]] std::string_view country_name(std::string_view code);
/// The code of an English short name, case ignored; "" for an unknown one.
[[nodiscard]] std::string_view country_code(std::string_view name);

}  // namespace mainstay::analytics
