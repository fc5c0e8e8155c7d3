#include "base/hash.h"

#include <sodium.h>

#include <bit>
#include <boost/crc.hpp>

namespace mainstay {
namespace {

const unsigned char* bytes_of(std::string_view text) { return std::bit_cast<const unsigned char*>(text.data()); }

}  // namespace

std::uint64_t keyed_hash(const HashKey& key, std::string_view text) {
  static_assert(sizeof(HashKey) == crypto_shorthash_KEYBYTES);
  std::array<unsigned char, crypto_shorthash_BYTES> out{};
  crypto_shorthash(out.data(), bytes_of(text), text.size(), std::bit_cast<const unsigned char*>(key.data()));
  return std::bit_cast<std::uint64_t>(out);
}

std::string sha256_hex(std::string_view text) {
  std::array<std::byte, crypto_hash_sha256_BYTES> out{};
  crypto_hash_sha256(std::bit_cast<unsigned char*>(out.data()), bytes_of(text), text.size());
  return to_hex(out);
}

std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<std::size_t>(byte >> 4)];
    text += kDigits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  return text;
}

std::string to_base32(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";
  std::string text;
  std::uint32_t window = 0;
  unsigned bits = 0;
  for (const std::byte byte : bytes) {
    window = (window << 8) | std::to_integer<std::uint32_t>(byte);
    for (bits += 8; bits >= 5; bits -= 5) text += kDigits[(window >> (bits - 5)) & 31];
  }
  if (bits > 0) text += kDigits[(window << (5 - bits)) & 31];
  return text;
}

bool equal_in_constant_time(std::string_view left, std::string_view right) {
  return left.size() == right.size() && sodium_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed) {
#if defined(__SSE4_2__)
  std::uint64_t crc = ~seed;
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word = 0;
    __builtin_memcpy(&word, bytes.data() + at, 8);
    crc = __builtin_ia32_crc32di(crc, word);
  }
  auto tail = static_cast<std::uint32_t>(crc);
  for (; at < bytes.size(); ++at) tail = __builtin_ia32_crc32qi(tail, std::to_integer<unsigned char>(bytes[at]));
  return ~tail;
#else
  boost::crc_optimal<32, 0x1EDC6F41, 0, 0, true, true> crc{~seed};
  crc.process_bytes(bytes.data(), bytes.size());
  return ~crc.checksum();
#endif
}

}  // namespace mainstay
