#include "modules/analytics/classify/network.h"

#include <gtest/gtest.h>

namespace mainstay::analytics {
namespace {

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

TEST(IpAddress, both_families_are_read_and_written) {
  EXPECT_EQ(address("192.0.2.1").text(), "192.0.2.1");
  EXPECT_EQ(address("2001:DB8:0:0::1").text(), "2001:db8::1");
  EXPECT_EQ(address("[2001:db8::1]").text(), "2001:db8::1");
  EXPECT_EQ(address("fe80::1%eth0").text(), "fe80::1");
  EXPECT_TRUE(address("192.0.2.1").is_v4());
  EXPECT_FALSE(address("2001:db8::1").is_v4());
}

TEST(IpAddress, a_mapped_address_is_its_ipv4) {
  EXPECT_EQ(address("::ffff:192.0.2.1"), address("192.0.2.1"));
  EXPECT_EQ(address("::ffff:192.0.2.1").text(), "192.0.2.1");
}

TEST(IpAddress, anything_else_is_refused) {
  for (const std::string_view text :
       {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4:80", "01.2.3.4", "1.2.3.x", "::g", "1:2:3:4:5:6:7:8:9",
        "example.com", " 1.2.3.4", "1.2.3.4 ", "....", ":::", "[1.2.3.4", "0x7f.1.1.1"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string(1000, ':')));
  EXPECT_FALSE(IpAddress::parse(std::string_view{"::1\0x", 5}));
}

TEST(IpAddress, private_ranges_are_known) {
  for (const std::string_view text :
       {"10.1.2.3", "127.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.1.1", "100.64.0.1", "::1",
        "fe80::1", "fd00::1", "2001:db8::1", "0.0.0.0", "::"}) {
    EXPECT_TRUE(address(text).is_private()) << text;
  }
  for (const std::string_view text : {"8.8.8.8", "172.32.0.1", "100.128.0.1", "2a00:1450::1", "11.0.0.1"}) {
    EXPECT_FALSE(address(text).is_private()) << text;
  }
}

TEST(Network, contains_what_its_prefix_says) {
  const auto network = Network::parse("10.1.0.0/16").value();
  EXPECT_TRUE(network.contains(address("10.1.255.255")));
  EXPECT_FALSE(network.contains(address("10.2.0.0")));
  EXPECT_TRUE(network.contains(address("::ffff:10.1.0.1")));
  EXPECT_TRUE(Network::parse("2001:db8::/33").value().contains(address("2001:db8:7fff::1")));
  EXPECT_FALSE(Network::parse("2001:db8::/33").value().contains(address("2001:db8:8000::1")));
  EXPECT_TRUE(Network::parse("192.0.2.7").value().contains(address("192.0.2.7")));
  EXPECT_FALSE(Network::parse("192.0.2.7").value().contains(address("192.0.2.8")));
  EXPECT_TRUE(Network::parse("0.0.0.0/0").value().contains(address("203.0.113.9")));
  EXPECT_FALSE(Network::parse("0.0.0.0/0").value().contains(address("2001:db8::1")));
  EXPECT_TRUE(Network::parse("::/0").value().contains(address("2001:db8::1")));
}

TEST(Network, bits_past_the_prefix_are_ignored) {
  EXPECT_EQ(Network::parse("10.1.2.3/8").value().text(), "10.0.0.0/8");
  EXPECT_EQ(Network::parse("2001:db8::ffff/64").value().text(), "2001:db8::/64");
}

TEST(Network, bad_ones_are_refused_by_name) {
  for (const std::string_view text : {"", "/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "::/129", "10.0.0.0/8/8",
                                      "10.0.0.0/ 8", "example.com/8", "10.0.0.0/99999999999999999999"}) {
    const auto network = Network::parse(text);
    ASSERT_FALSE(network) << text;
    EXPECT_EQ(network.error().code, "analytics.bad_network");
  }
}

TEST(NetworkList, holds_some_and_has_a_limit) {
  const auto list = NetworkList::parse({"10.0.0.0/8", "2001:db8::/32"}).value();
  EXPECT_TRUE(list.contains(address("10.9.9.9")));
  EXPECT_TRUE(list.contains(address("2001:db8::9")));
  EXPECT_FALSE(list.contains(address("11.0.0.1")));
  EXPECT_FALSE(NetworkList::parse({"10.0.0.0/8", "nonsense"}));
  EXPECT_FALSE(NetworkList::parse(std::vector<std::string>(NetworkList::kNetworksMax + 1, "10.0.0.0/8")));
  EXPECT_TRUE(NetworkList{}.empty());
}

}  // namespace
}  // namespace mainstay::analytics
