#include "modules/analytics/classify/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
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

struct RangeV4 {
  std::uint32_t base;
  unsigned bits;
};

struct RangeV6 {
  IpAddress base;
  unsigned bits;
};

RangeV6 range(std::string_view address, unsigned bits) {
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
  if (is_v4()) {
    char* end = buffer.data();
    for (std::size_t i = kMappedPrefix.size(); i < bytes.size(); ++i) {
      if (i > kMappedPrefix.size()) *end++ = '.';
      end = std::to_chars(end, buffer.data() + buffer.size(), bytes[i]).ptr;
    }
    return {buffer.data(), end};
  }
  const char* written = inet_ntop(AF_INET6, bytes.data(), buffer.data(), buffer.size());
  return written == nullptr ? std::string{} : std::string{written};
}

bool IpAddress::is_private() const {
  if (is_v4()) {
    constexpr std::array<RangeV4, 14> kRanges{{{0x00000000, 8},
                                               {0x0A000000, 8},    // 10.0.0.0
                                               {0x64400000, 10},   // 100.64.0.0
                                               {0x7F000000, 8},    // 127.0.0.0
                                               {0xA9FE0000, 16},   // 169.254.0.0
                                               {0xAC100000, 12},   // 172.16.0.0
                                               {0xC0000000, 24},   // 192.0.0.0
                                               {0xC0000200, 24},   // 192.0.2.0
                                               {0xC0A80000, 16},   // 192.168.0.0
                                               {0xC6120000, 15},   // 198.18.0.0
                                               {0xC6336400, 24},   // 198.51.100.0
                                               {0xCB007100, 24},   // 203.0.113.0
                                               {0xE0000000, 4},    // 224.0.0.0
                                               {0xF0000000, 4}}};  // 240.0.0.0
    std::uint32_t address = 0;
    for (std::size_t i = kMappedPrefix.size(); i < bytes.size(); ++i) address = address << 8 | bytes[i];
    return std::ranges::any_of(kRanges,
                               [address](RangeV4 known) { return (address ^ known.base) >> (32 - known.bits) == 0; });
  }
  static const std::array kRanges{range("::", 128),   range("::1", 128),   range("100::", 64), range("2001:db8::", 32),
                                  range("fc00::", 7), range("fe80::", 10), range("ff00::", 8)};
  return std::ranges::any_of(kRanges, [&](const RangeV6& known) { return same_prefix(*this, known.base, known.bits); });
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
