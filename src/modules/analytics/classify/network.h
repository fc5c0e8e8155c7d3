#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"

namespace mainstay::analytics {

/// An IPv4 or IPv6 address. IPv4 is kept in its mapped form (::ffff:a.b.c.d), so the two spellings compare equal.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};

  /// Reads "192.0.2.1", "2001:db8::1", "[2001:db8::1]", "::ffff:192.0.2.1"; a zone id ("%eth0") is dropped.
  /// Nothing for anything else, also for a port behind the address.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

  [[nodiscard]] bool is_v4() const;
  /// Canonical text (RFC 5952); dotted for IPv4.
  [[nodiscard]] std::string text() const;
  /// Private, loopback, link-local, unique-local, unspecified, documentation or shared (RFC 6890): no place on earth.
  [[nodiscard]] bool is_private() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

/// A range of addresses in CIDR notation (RFC 4632).
class Network {
 public:
  /// Reads "10.0.0.0/8", "2001:db8::/32" or a lone address. Bits past the prefix are ignored.
  /// Refuses kInvalid `analytics.bad_network`.
  [[nodiscard]] static Result<Network> parse(std::string_view text);
  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] std::string text() const;

 private:
  IpAddress address_;
  unsigned prefix_bits_ = 128;  ///< of the mapped form
};

/// Some networks; contains() is a scan, meant for up to a few hundred.
class NetworkList {
 public:
  static constexpr std::size_t kNetworksMax = 500;
  NetworkList() = default;
  /// Refuses kInvalid `analytics.bad_network`, naming the first bad one, and more than kNetworksMax.
  [[nodiscard]] static Result<NetworkList> parse(const std::vector<std::string>& texts);
  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] bool empty() const { return networks_.empty(); }

 private:
  std::vector<Network> networks_;
};

}  // namespace mainstay::analytics
