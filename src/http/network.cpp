#include "http/network.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <cstring>

#include "base/text.h"

namespace mainstay::http {

namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/// "[::1]:80" → "::1", "192.0.2.1:80" → "192.0.2.1".
std::string_view without_port(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    return end == std::string_view::npos ? std::string_view{} : text.substr(1, end - 1);
  }
  const auto colon = text.find(':');
  const bool one_colon = colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos;
  return one_colon ? text.substr(0, colon) : text;
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  text = without_port(trim(text));
  if (text.empty() || text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  char terminated[INET6_ADDRSTRLEN];
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  Address address;
  if (::inet_pton(AF_INET6, terminated, address.bytes.data()) == 1) return address;
  std::copy(kMapped.begin(), kMapped.end(), address.bytes.begin());
  if (::inet_pton(AF_INET, terminated, address.bytes.data() + kMapped.size()) == 1) return address;
  return std::nullopt;
}

bool Address::is_v4() const { return std::equal(kMapped.begin(), kMapped.end(), bytes.begin()); }

bool Address::is_loopback() const {
  constexpr std::array<std::uint8_t, 16> kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return is_v4() ? bytes[12] == 127 : bytes == kLoopback;
}

std::string Address::text() const {
  if (is_v4()) return fmt::format("{}.{}.{}.{}", bytes[12], bytes[13], bytes[14], bytes[15]);
  char buffer[INET6_ADDRSTRLEN];
  return ::inet_ntop(AF_INET6, bytes.data(), buffer, sizeof buffer) == nullptr ? "" : buffer;
}

std::string_view Address::client_key() const {
  const void* begin = bytes.data();
  return {static_cast<const char*>(begin), is_v4() ? bytes.size() : bytes.size() / 2};
}

std::optional<Network> Network::parse(std::string_view text) {
  text = trim(text);
  const auto slash = text.find('/');
  const auto base = Address::parse(text.substr(0, slash));
  if (!base || text.starts_with('[')) return std::nullopt;
  if (slash == std::string_view::npos) return Network{.base = *base, .prefix_bits = 128};
  const auto bits = parse_number<int>(text.substr(slash + 1));
  const int bits_max = base->is_v4() ? 32 : 128;
  if (!bits || *bits < 0 || *bits > bits_max) return std::nullopt;
  return Network{.base = *base, .prefix_bits = *bits + 128 - bits_max};
}

bool Network::contains(const Address& address) const {
  const auto whole = static_cast<std::size_t>(prefix_bits / 8);
  if (std::memcmp(base.bytes.data(), address.bytes.data(), whole) != 0) return false;
  const int rest = prefix_bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return (base.bytes[whole] & mask) == (address.bytes[whole] & mask);
}

bool any_contains(const std::vector<Network>& networks, const Address& address) {
  return std::any_of(networks.begin(), networks.end(),
                     [&](const Network& network) { return network.contains(address); });
}

Address client_behind(const Address& peer, std::string_view forwarded_for, const std::vector<Network>& trusted) {
  Address client = peer;
  const auto hops = split(forwarded_for, ',');
  for (auto hop = hops.rbegin(); hop != hops.rend() && any_contains(trusted, client); ++hop) {
    const auto address = Address::parse(*hop);
    if (!address) break;
    client = *address;
  }
  return client;
}

}  // namespace mainstay::http
