#include "modules/analytics/classify/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "base/text.h"

namespace mainstay::analytics {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kMappedBits = 96;

bool parse_v4(std::string_view text, std::uint8_t* into) {
  std::size_t at = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && (at >= text.size() || text[at++] != '.')) return false;
    unsigned value = 0;
    const auto from = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9' && at - from < 3) {
      value = value * 10 + static_cast<unsigned>(text[at++] - '0');
    }
    const bool leading_zero = at - from > 1 && text[from] == '0';
    if (at == from || value > 255 || leading_zero) return false;
    into[part] = static_cast<std::uint8_t>(value);
  }
  return at == text.size();
}

bool same_prefix(const IpAddress& left, const IpAddress& right, unsigned bits) {
  const auto whole = bits / 8;
  if (std::memcmp(left.bytes.data(), right.bytes.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff00U >> (bits % 8));
  return ((left.bytes[whole] ^ right.bytes[whole]) & mask) == 0;
}

struct Range {
  IpAddress base;
  unsigned bits;
};

Range range(std::string_view address, unsigned bits) {
  return {.base = IpAddress::parse(address).value_or(IpAddress{}), .bits = bits};
}

std::unexpected<Failure> bad_network(std::string_view text) {
  return refuse(Refusal::kInvalid, "analytics.bad_network",
                "\"" + std::string{text.substr(0, 64)} + "\" is not a network such as 192.0.2.0/24 or 2001:db8::/32.");
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  IpAddress address;
  if (text.find(':') == std::string_view::npos) {
    std::ranges::copy(kMappedPrefix, address.bytes.begin());
    if (!parse_v4(text, address.bytes.data() + kMappedPrefix.size())) return std::nullopt;
    return address;
  }
  text = text.substr(0, text.find('%'));
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (text.size() >= buffer.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::ranges::copy(text, buffer.begin());
  if (inet_pton(AF_INET6, buffer.data(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

bool IpAddress::is_v4() const { return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin()); }

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const auto* v4 = bytes.data() + kMappedPrefix.size();
  const char* written = is_v4() ? inet_ntop(AF_INET, v4, buffer.data(), buffer.size())
                                : inet_ntop(AF_INET6, bytes.data(), buffer.data(), buffer.size());
  return written == nullptr ? std::string{} : std::string{written};
}

bool IpAddress::is_private() const {
  static const std::array kRanges{range("0.0.0.0", 96 + 8),
                                  range("10.0.0.0", 96 + 8),
                                  range("100.64.0.0", 96 + 10),
                                  range("127.0.0.0", 96 + 8),
                                  range("169.254.0.0", 96 + 16),
                                  range("172.16.0.0", 96 + 12),
                                  range("192.0.0.0", 96 + 24),
                                  range("192.0.2.0", 96 + 24),
                                  range("192.168.0.0", 96 + 16),
                                  range("198.18.0.0", 96 + 15),
                                  range("198.51.100.0", 96 + 24),
                                  range("203.0.113.0", 96 + 24),
                                  range("224.0.0.0", 96 + 4),
                                  range("240.0.0.0", 96 + 4),
                                  range("::", 128),
                                  range("::1", 128),
                                  range("100::", 64),
                                  range("2001:db8::", 32),
                                  range("fc00::", 7),
                                  range("fe80::", 10),
                                  range("ff00::", 8)};
  return std::ranges::any_of(kRanges, [&](const Range& known) { return same_prefix(*this, known.base, known.bits); });
}

Result<Network> Network::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return bad_network(text);
  const bool dotted = text.substr(0, slash).find(':') == std::string_view::npos;
  Network network;
  network.address_ = *address;
  if (slash == std::string_view::npos) return network;
  const auto digits = text.substr(slash + 1);
  const auto bits = parse_number<unsigned>(digits);
  if (!bits || *bits > (dotted ? 32U : 128U)) return bad_network(text);
  network.prefix_bits_ = dotted ? kMappedBits + *bits : *bits;
  for (unsigned bit = network.prefix_bits_; bit < 128; ++bit) {
    network.address_.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  }
  return network;
}

bool Network::contains(const IpAddress& address) const { return same_prefix(address_, address, prefix_bits_); }

std::string Network::text() const {
  const bool dotted = address_.is_v4() && prefix_bits_ >= kMappedBits;
  return address_.text() + "/" + std::to_string(dotted ? prefix_bits_ - kMappedBits : prefix_bits_);
}

Result<NetworkList> NetworkList::parse(const std::vector<std::string>& texts) {
  if (texts.size() > kNetworksMax) {
    return refuse(Refusal::kInvalid, "analytics.bad_network",
                  "More than " + std::to_string(kNetworksMax) + " networks.");
  }
  NetworkList list;
  for (const auto& text : texts) {
    const auto network = Network::parse(text);
    if (!network) return refuse(network);
    list.networks_.push_back(*network);
  }
  return list;
}

bool NetworkList::contains(const IpAddress& address) const {
  return std::ranges::any_of(networks_, [&](const Network& network) { return network.contains(address); });
}

}  // namespace mainstay::analytics
