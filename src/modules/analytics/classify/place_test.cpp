#include "modules/analytics/classify/place.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "testing/temporary_folder.h"

namespace mainstay::analytics {
namespace {

/// The file that the build puts beside the binaries.
std::filesystem::path country_file() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "country.mmdb";
}

Place place_of(const Places& places, std::string_view address) {
  return places.find(IpAddress::parse(address).value());
}

/// The MaxMind DB format 2.0, as far as one record for all of IPv4 needs it.
/// https://maxmind.github.io/MaxMind-DB/
namespace mmdb {

std::string head(unsigned type, std::size_t size) {
  if (type <= 7) return {static_cast<char>(type << 5U | size)};
  return {static_cast<char>(size), static_cast<char>(type - 7)};
}
std::string text(std::string_view value) { return head(2, value.size()) + std::string{value}; }
std::string number(unsigned type, unsigned value) {
  return head(type, 2) + static_cast<char>(value >> 8U) + static_cast<char>(value & 0xffU);
}
std::string map(const std::vector<std::pair<std::string_view, std::string>>& members) {
  std::string bytes = head(7, members.size());
  for (const auto& [name, value] : members) bytes += text(name) + value;
  return bytes;
}
std::string array(const std::vector<std::string>& items) {
  std::string bytes = head(11, items.size());
  for (const auto& item : items) bytes += item;
  return bytes;
}

/// One node whose two sides both lead to `record`.
std::string file_of(const std::string& record) {
  constexpr char kFirstRecord = 1 + 16;  // behind one node and the separator
  std::string tree{0, 0, kFirstRecord, 0, 0, kFirstRecord};
  tree.append(16, '\0');
  return tree + record + "\xab\xcd\xefMaxMind.com" +
         map({{"node_count", number(6, 1)},
              {"record_size", number(5, 24)},
              {"ip_version", number(5, 4)},
              {"database_type", text("Test-City")},
              {"languages", array({text("en")})},
              {"binary_format_major_version", number(5, 2)},
              {"binary_format_minor_version", number(5, 0)},
              {"build_epoch", number(9, 1)},
              {"description", map({{"en", text("one city")}})}});
}

}  // namespace mmdb

TEST(Places, a_file_with_cities_is_asked_first_and_tells_region_and_city) {
  const testing::TemporaryFolder folder;
  const auto cities = folder.path() / "cities.mmdb";
  const auto record = mmdb::map(
      {{"city", mmdb::map({{"names", mmdb::map({{"de", mmdb::text("München")}, {"en", mmdb::text("Munich")}})}})},
       {"country", mmdb::map({{"iso_code", mmdb::text("DE")}})},
       {"subdivisions", mmdb::array({mmdb::map({{"iso_code", mmdb::text("BY")}})})}});
  std::ofstream{cities, std::ios::binary} << mmdb::file_of(record);
  const Places places{country_file(), cities};
  const auto place = place_of(places, "8.8.8.8");
  EXPECT_EQ(place.country, "DE");
  EXPECT_EQ(place.region, "DE-BY");
  EXPECT_EQ(place.city, "Munich");
  EXPECT_EQ(place_of(places, "10.0.0.1").country, "");
  EXPECT_EQ(place_of(places, "2a02:2e0:3fe:1001:302::").country, "DE");  // the second file knows IPv6
  EXPECT_EQ(place_of(places, "2a02:2e0:3fe:1001:302::").city, "");
}

TEST(Places, a_record_of_another_shape_counts_as_unknown) {
  const testing::TemporaryFolder folder;
  const auto odd = folder.path() / "odd.mmdb";
  std::ofstream{odd, std::ios::binary} << mmdb::file_of(mmdb::map({{"country", mmdb::text("Germany")}}));
  EXPECT_EQ(place_of(Places{country_file(), odd}, "8.8.8.8").country, "US");
  EXPECT_EQ(place_of(Places{odd}, "8.8.8.8").country, "");
}

TEST(Places, public_addresses_have_a_country) {
  const Places places{country_file()};
  EXPECT_EQ(place_of(places, "193.99.144.80").country, "DE");
  EXPECT_EQ(place_of(places, "::ffff:193.99.144.80").country, "DE");
  EXPECT_EQ(place_of(places, "2a02:2e0:3fe:1001:302::").country, "DE");
  EXPECT_EQ(place_of(places, "8.8.8.8").country, "US");
  EXPECT_EQ(place_of(places, "8.8.8.8").city, "");
}

TEST(Places, private_addresses_have_none) {
  const Places places{country_file()};
  for (const std::string_view address : {"10.0.0.1", "127.0.0.1", "192.168.1.1", "::1", "fe80::1", "203.0.113.5"}) {
    EXPECT_EQ(place_of(places, address).country, "") << address;
  }
}

TEST(Places, a_missing_or_broken_file_is_an_outage_that_names_it) {
  EXPECT_THROW(Places{"/nonexistent/country.mmdb"}, Unavailable);
  const testing::TemporaryFolder folder;
  const auto broken = folder.path() / "broken.mmdb";
  std::ofstream{broken} << "this is no database";
  try {
    const Places places{broken};
    FAIL() << "a broken file was taken";
  } catch (const Unavailable& outage) {
    EXPECT_NE(std::string_view{outage.what()}.find(broken.string()), std::string_view::npos);
  }
}

TEST(CountryNames, go_both_ways) {
  EXPECT_EQ(country_name("DE"), "Germany");
  EXPECT_EQ(country_name("US"), "United States");
  EXPECT_EQ(country_name("XX"), "");
  EXPECT_EQ(country_name(""), "");
  EXPECT_EQ(country_code("germany"), "DE");
  EXPECT_EQ(country_code("Nowhere"), "");
}

}  // namespace
}  // namespace mainstay::analytics
