#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mainstay {

using HashKey = std::array<std::byte, 16>;

/// SipHash-2-4 under `key`: a 64-bit keyed hash that cannot be predicted without the key.
/// Source: Aumasson and Bernstein 2012; libsodium's crypto_shorthash.
[[nodiscard]] std::uint64_t keyed_hash(const HashKey& key, std::string_view text);

/// Hex (lower case) of SHA-256. For storing secrets of at least 128 bits; never for passwords.
[[nodiscard]] std::string sha256_hex(std::string_view text);

[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);
/// Lower-case RFC 4648 base32 without padding: what a person may have to read or type.
[[nodiscard]] std::string to_base32(std::span<const std::byte> bytes);

/// Compares in a time that depends on the length only.
[[nodiscard]] bool equal_in_constant_time(std::string_view left, std::string_view right);

/// CRC-32C (Castagnoli) of `bytes`, continuing from `seed` (0 to begin).
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed = 0);

}  // namespace mainstay
