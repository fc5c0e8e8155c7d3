#include "modules/analytics/classify/place.h"

#include <maxminddb.h>
#include <netinet/in.h>

#include <algorithm>

namespace mainstay::analytics {
namespace {

/// One open file. Closed by its owner.
class File {
 public:
  explicit File(const std::filesystem::path& path) {
    const int status = MMDB_open(path.c_str(), MMDB_MODE_MMAP, &file_);
    if (status != MMDB_SUCCESS) {
      throw Unavailable("cannot read the place file " + path.string() + ": " + MMDB_strerror(status));
    }
  }
  ~File() { MMDB_close(&file_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] std::optional<MMDB_entry_s> find(const IpAddress& address) const {
    const auto found = address.is_v4() ? find_v4(address) : find_v6(address);
    if (!found.found_entry) return std::nullopt;
    return found.entry;
  }

 private:
  [[nodiscard]] MMDB_lookup_result_s find_v4(const IpAddress& address) const {
    sockaddr_in socket{};
    socket.sin_family = AF_INET;
    std::ranges::copy_n(address.bytes.begin() + 12, 4, reinterpret_cast<std::uint8_t*>(&socket.sin_addr));
    return find(reinterpret_cast<const sockaddr*>(&socket));
  }

  [[nodiscard]] MMDB_lookup_result_s find_v6(const IpAddress& address) const {
    if (file_.metadata.ip_version == 4) return {};
    sockaddr_in6 socket{};
    socket.sin6_family = AF_INET6;
    std::ranges::copy(address.bytes, socket.sin6_addr.s6_addr);
    return find(reinterpret_cast<const sockaddr*>(&socket));
  }

  [[nodiscard]] MMDB_lookup_result_s find(const sockaddr* socket) const {
    int status = MMDB_SUCCESS;
    const auto result = MMDB_lookup_sockaddr(&file_, socket, &status);
    return status == MMDB_SUCCESS ? result : MMDB_lookup_result_s{};
  }

  MMDB_s file_{};
};

/// The text at the end of `path` (keys, and indices as text), or "".
template <class... Keys>
std::string_view text_at(MMDB_entry_s& entry, Keys... path) {
  MMDB_entry_data_s data{};
  const int status = MMDB_get_value(&entry, &data, path..., nullptr);
  if (status != MMDB_SUCCESS || !data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING) return {};
  return {data.utf8_string, data.data_size};
}

bool is_code(std::string_view code) {
  return code.size() == 2 && std::ranges::all_of(code, [](char c) { return c >= 'A' && c <= 'Z'; });
}

/// Reads the flat layout of ip-location-db and GeoLite2's.
Place place_of(MMDB_entry_s entry) {
  Place place;
  auto country = text_at(entry, "country_code");
  const bool flat = !country.empty();
  if (!flat) country = text_at(entry, "country", "iso_code");
  if (!is_code(country)) return place;
  place.country = country;
  if (flat) {
    place.city = text_at(entry, "city");
    return place;
  }
  const auto region = text_at(entry, "subdivisions", "0", "iso_code");
  if (!region.empty()) place.region = place.country + "-" + std::string{region};
  place.city = text_at(entry, "city", "names", "en");
  return place;
}

}  // namespace

struct Places::Files {
  std::optional<File> cities;
  File countries;

  Files(const std::filesystem::path& country_path, const std::optional<std::filesystem::path>& city_path)
      : countries(country_path) {
    if (city_path) cities.emplace(*city_path);
  }
};

Places::Places(const std::filesystem::path& countries, const std::optional<std::filesystem::path>& cities)
    : files_(std::make_unique<Files>(countries, cities)) {}
Places::~Places() = default;
Places::Places(Places&&) noexcept = default;

Place Places::find(const IpAddress& address) const {
  if (address.is_private()) return {};
  if (files_->cities) {
    if (const auto entry = files_->cities->find(address)) {
      auto place = place_of(*entry);
      if (!place.country.empty()) return place;
    }
  }
  const auto entry = files_->countries.find(address);
  return entry ? place_of(*entry) : Place{};
}

}  // namespace mainstay::analytics
