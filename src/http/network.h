#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mainstay::http {

/// An IPv4 or IPv6 address; IPv4 is kept in its mapped form ::ffff:a.b.c.d, so that both compare alike.
struct Address {
  std::array<std::uint8_t, 16> bytes{};

  /// Reads "192.0.2.1", "2001:db8::1", "[2001:db8::1]" and either with ":port" behind; nothing for anything else.
  [[nodiscard]] static std::optional<Address> parse(std::string_view text);
  [[nodiscard]] bool is_v4() const;
  /// 127.0.0.0/8 and ::1: this machine.
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] std::string text() const;
  /// What rate limits count by: an IPv4 address, or the /64 network of an IPv6 one.
  [[nodiscard]] std::string_view client_key() const;
  friend bool operator==(const Address&, const Address&) = default;
};

/// A range of addresses in CIDR form (RFC 4632, RFC 4291 §2.3).
struct Network {
  Address base;
  int prefix_bits = 128;  ///< in the mapped form: an IPv4 /8 is 104

  /// Reads "10.0.0.0/8", "2001:db8::/32", or one address. Nothing for anything else.
  [[nodiscard]] static std::optional<Network> parse(std::string_view text);
  [[nodiscard]] bool contains(const Address& address) const;
};

[[nodiscard]] bool any_contains(const std::vector<Network>& networks, const Address& address);

/// Who the client is when `peer` connected and sent these X-Forwarded-For fields, joined by commas: the rightmost
/// address that is not a trusted proxy. Nobody but a trusted peer is believed; an entry that is no address ends the
/// walk at the last one that was.
[[nodiscard]] Address client_behind(const Address& peer, std::string_view forwarded_for,
                                    const std::vector<Network>& trusted);

}  // namespace mainstay::http
