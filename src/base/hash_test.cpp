#include "base/hash.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace mainstay {
namespace {

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span{text}); }

TEST(Hash, known_values_come_out) {
  EXPECT_EQ(crc32c(bytes("123456789")), 0xE3069283U);  // RFC 3720 B.4's polynomial, the usual check value
  EXPECT_EQ(crc32c(bytes("6789"), crc32c(bytes("12345"))), 0xE3069283U);
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_base32(bytes("foobar")), "mzxw6ytboi");  // RFC 4648 §10
  EXPECT_EQ(to_hex(bytes("\x01\xff")), "01ff");
}

TEST(Hash, siphash_matches_its_reference_vector) {
  HashKey key{};
  std::string text;
  for (std::size_t i = 0; i < 16; ++i) key[i] = static_cast<std::byte>(i);
  for (char i = 0; i < 15; ++i) text += i;
  EXPECT_EQ(keyed_hash(key, text), 0xa129ca6149be45e5ULL);  // Aumasson and Bernstein, appendix A
}

TEST(Text, utf8_is_told_from_what_only_looks_like_it) {
  EXPECT_TRUE(is_utf8("aé€😀"));
  for (const auto* bad : {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "\xE2\x82"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

TEST(Text, escapes_decode_and_encode) {
  EXPECT_EQ(percent_decode("a%20b%zz%4"), "a b%zz%4");
  EXPECT_EQ(percent_encode("a b/ü"), "a%20b%2F%C3%BC");
  EXPECT_EQ(nearest("lisen", {"listen", "data"}), "listen");
  EXPECT_EQ(nearest("completely", {"listen", "data"}), "");
}

}  // namespace
}  // namespace mainstay
