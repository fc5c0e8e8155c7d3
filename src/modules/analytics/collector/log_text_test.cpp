#include "modules/analytics/collector/log_text.h"

#include <gtest/gtest.h>

#include <random>

#include "modules/analytics/classify/log_line.h"

namespace mainstay::analytics {
namespace {

constexpr std::size_t kEnough = 64 << 20;

/// Lines of all lengths up to `length_max`, which do not pack well.
std::string lines(std::size_t bytes, std::size_t length_max) {
  std::mt19937 random(7);
  std::string text;
  while (text.size() < bytes) {
    const auto length = random() % length_max;
    for (std::size_t i = 0; i < length; ++i) text += static_cast<char>('a' + random() % 26);
    text += '\n';
  }
  return text;
}

/// What comes out line by line; checks that no piece ends within a line and none is much larger than the others.
std::vector<std::string> read(LogText text, std::size_t piece_max) {
  std::vector<std::string> all;
  for (auto piece = text.next(); !piece.empty(); piece = text.next()) {
    EXPECT_LE(piece.size(), piece_max);
    if (piece.ends_with('\n')) piece.remove_suffix(1);
    while (true) {
      const auto end = piece.find('\n');
      all.emplace_back(piece.substr(0, end));
      if (end == std::string_view::npos) break;
      piece.remove_prefix(end + 1);
    }
  }
  return all;
}

TEST(LogText, packed_lines_come_as_plain_ones_do) {
  for (const std::string& text :
       {lines(3 << 20, 300), lines(3 << 20, 40'000), lines(LogText::kPieceBytes, 2),
        lines(1 << 20, 300) + "a last one without its end", std::string{"one"}, std::string{"\n\n"}}) {
    const auto packed = http::gzip(text, 1);
    auto unpacked = LogText::unpack(packed, kEnough);
    ASSERT_TRUE(unpacked);
    EXPECT_EQ(unpacked->fingerprint(), LogText(text).fingerprint());
    constexpr std::size_t kPieceMax = LogText::kPieceBytes + (64 << 10);
    EXPECT_TRUE(read(std::move(*unpacked), kPieceMax) == read(text, kPieceMax)) << text.size();
  }
}

TEST(LogText, a_packed_line_longer_than_a_piece_stays_one_that_is_too_long_to_read) {
  std::string one_line;
  while (one_line.size() < (5 << 20)) one_line += std::to_string(one_line.size());
  const auto text = "before\n" + one_line + "\nafter\n" + one_line;
  const auto packed = http::gzip(text, 1);
  auto unpacked = LogText::unpack(packed, kEnough);
  ASSERT_TRUE(unpacked);
  const auto all = read(std::move(*unpacked), 2 * LogText::kPieceBytes);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0], "before");
  EXPECT_GT(all[1].size(), kLogLineBytesMax);
  EXPECT_EQ(all[2], "after");
  EXPECT_GT(all[3].size(), kLogLineBytesMax);
}

TEST(LogText, what_is_broken_or_too_large_is_refused_before_its_first_line) {
  const auto text = lines(2 << 20, 300);
  auto packed = http::gzip(text, 1);
  EXPECT_EQ(LogText::unpack(packed, text.size() - 1).error().code, "http.body_too_large");
  EXPECT_TRUE(LogText::unpack(packed, text.size()));
  packed.pop_back();
  EXPECT_EQ(LogText::unpack(packed, kEnough).error().code, "http.bad_encoding");
}

TEST(LogText, other_lines_have_another_fingerprint) {
  const auto text = lines(1 << 20, 300);
  auto changed = text;
  changed[text.size() / 2] ^= 1;
  EXPECT_NE(LogText(changed).fingerprint(), LogText(text).fingerprint());
  EXPECT_NE(LogText::unpack(http::gzip(changed, 1), kEnough)->fingerprint(), LogText(text).fingerprint());
}

TEST(LogText, knows_whether_it_is_empty) {
  EXPECT_TRUE(LogText("").empty());
  EXPECT_FALSE(LogText("\n").empty());
  EXPECT_TRUE(LogText::unpack(http::gzip("", 1), kEnough)->empty());
  EXPECT_FALSE(LogText::unpack(http::gzip("a", 1), kEnough)->empty());
}

}  // namespace
}  // namespace mainstay::analytics
