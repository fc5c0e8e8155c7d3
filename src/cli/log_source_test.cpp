#include "cli/log_source.h"

#include <gtest/gtest.h>

#include <fstream>

#include "testing/temporary_folder.h"

namespace mainstay::cli {
namespace {

constexpr std::size_t kBlockBytes = 4'096;

class LogSourceTest : public ::testing::Test {
 protected:
  LogSourceTest() {
    for (int i = 0; i < 5'000; ++i) text_ += "line " + std::to_string(i) + "\n";
    std::ofstream(path_) << text_;
  }
  static std::string rest_of(LogSource& source) {
    std::string all;
    for (auto block = source.next(LogSource::AtEnd::kGivePart); !block.empty();
         block = source.next(LogSource::AtEnd::kGivePart)) {
      all += block;
    }
    return all;
  }
  testing::TemporaryFolder folder_;
  std::string path_ = (folder_ / "access.log").string();
  std::string text_;
};

TEST_F(LogSourceTest, blocks_are_whole_lines_and_together_the_file) {
  LogSource source(path_, kBlockBytes);
  std::string all;
  for (auto block = source.next(LogSource::AtEnd::kGivePart); !block.empty();
       block = source.next(LogSource::AtEnd::kGivePart)) {
    EXPECT_EQ(block.back(), '\n');
    EXPECT_LE(block.size(), kBlockBytes * 5 / 4);
    all += block;
    EXPECT_EQ(source.offset(), all.size());
  }
  EXPECT_EQ(all, text_);
}

TEST_F(LogSourceTest, going_on_at_any_offset_begins_with_the_next_whole_line) {
  for (std::size_t offset = 0; offset < 3 * kBlockBytes; ++offset) {
    LogSource source(path_, kBlockBytes);
    source.skip_to(offset);
    const auto expected = offset == 0 ? 0 : text_.find('\n', offset - 1) + 1;
    ASSERT_EQ(source.offset(), expected) << offset;
    const auto block = source.next(LogSource::AtEnd::kGivePart);
    ASSERT_EQ(block, text_.substr(expected, block.size())) << offset;
  }
}

TEST_F(LogSourceTest, going_on_behind_the_end_gives_nothing) {
  for (const auto offset : {text_.size(), text_.size() + 1, text_.size() * 2}) {
    LogSource source(path_, kBlockBytes);
    source.skip_to(offset);
    EXPECT_EQ(rest_of(source), "") << offset;
  }
}

TEST_F(LogSourceTest, the_head_of_a_file_that_grows_grows_with_it) {
  const auto path = (folder_ / "new.log").string();
  std::ofstream(path) << "one\ntw";
  LogSource source(path, kBlockBytes);
  EXPECT_EQ(source.next(LogSource::AtEnd::kKeepPart), "one\n");
  EXPECT_EQ(source.head(), "one\ntw");
  std::ofstream(path, std::ios::app) << "o\n" << text_;
  EXPECT_TRUE(source.next(LogSource::AtEnd::kKeepPart).starts_with("two\nline 0\n"));
  EXPECT_EQ(source.head().size(), 1'024U);
  EXPECT_EQ(source.head(), ("one\ntwo\n" + text_).substr(0, 1'024));
}

}  // namespace
}  // namespace mainstay::cli
