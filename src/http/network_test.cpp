#include "http/network.h"

#include <gtest/gtest.h>

namespace mainstay::http {
namespace {

std::string read_back(std::string_view text) {
  const auto address = Address::parse(text);
  return address ? address->text() : "none";
}

TEST(Address, reads_what_proxies_write) {
  EXPECT_EQ(read_back("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(read_back(" 192.0.2.1:8080 "), "192.0.2.1");
  EXPECT_EQ(read_back("2001:DB8::1"), "2001:db8::1");
  EXPECT_EQ(read_back("[2001:db8::1]:443"), "2001:db8::1");
  EXPECT_EQ(read_back("::ffff:192.0.2.1"), "192.0.2.1");
  for (const std::string_view bad : {"", "unknown", "192.0.2", "192.0.2.256", "1.2.3.4.5", "[::1", "::1%eth0", "a:b"}) {
    EXPECT_EQ(read_back(bad), "none") << bad;
  }
}

TEST(Address, is_this_machine_in_the_whole_loopback_network) {
  for (const std::string_view here : {"127.0.0.1", "127.255.255.254", "::ffff:127.0.0.1", "::1"}) {
    EXPECT_TRUE(Address::parse(here)->is_loopback()) << here;
  }
  for (const std::string_view elsewhere : {"126.255.255.255", "128.0.0.1", "0.0.0.0", "::", "::2", "fe80::1"}) {
    EXPECT_FALSE(Address::parse(elsewhere)->is_loopback()) << elsewhere;
  }
}

TEST(Network, holds_what_its_prefix_says) {
  const struct {
    std::string_view network, address;
    bool inside;
  } cases[] = {
      {"10.0.0.0/8", "10.255.0.1", true},
      {"10.0.0.0/8", "11.0.0.1", false},
      {"192.0.2.128/25", "192.0.2.128", true},
      {"192.0.2.128/25", "192.0.2.127", false},
      {"192.0.2.1", "192.0.2.1", true},
      {"192.0.2.1", "192.0.2.2", false},
      {"0.0.0.0/0", "203.0.113.9", true},
      {"0.0.0.0/0", "2001:db8::1", false},
      {"::/0", "203.0.113.9", true},
      {"2001:db8::/33", "2001:db8:7fff::1", true},
      {"2001:db8::/33", "2001:db8:8000::1", false},
  };
  for (const auto& [network, address, inside] : cases) {
    EXPECT_EQ(Network::parse(network)->contains(*Address::parse(address)), inside) << network << " " << address;
  }
  for (const std::string_view bad :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "::1/129", "10.0.0.0/8x", "x/8"}) {
    EXPECT_FALSE(Network::parse(bad)) << bad;
  }
}

TEST(ClientBehind, believes_trusted_proxies_only) {
  const std::vector<Network> trusted{*Network::parse("127.0.0.0/8"), *Network::parse("10.0.0.0/8")};
  const struct {
    std::string_view peer, chain, client;
  } cases[] = {
      {"203.0.113.1", "198.51.100.7", "203.0.113.1"},  // a stranger may say what it likes
      {"127.0.0.1", "", "127.0.0.1"},                  // speaks for itself
      {"127.0.0.1", "198.51.100.7", "198.51.100.7"},
      {"127.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"},  // the left part is the client's own claim
      {"127.0.0.1", "198.51.100.7, 10.1.2.3", "198.51.100.7"},
      {"127.0.0.1", "10.0.0.5, 10.1.2.3", "10.0.0.5"},  // all trusted: the farthest
      {"127.0.0.1", "198.51.100.7, garbage", "127.0.0.1"},
      {"127.0.0.1", "garbage, 10.1.2.3", "10.1.2.3"},
      {"127.0.0.1", "[2001:db8::7]:1234", "2001:db8::7"},
  };
  for (const auto& [peer, chain, client] : cases) {
    EXPECT_EQ(client_behind(*Address::parse(peer), chain, trusted).text(), client) << peer << " <- " << chain;
  }
}

}  // namespace
}  // namespace mainstay::http
