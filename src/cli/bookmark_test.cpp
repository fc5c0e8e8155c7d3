#include "cli/bookmark.h"

#include <gmock/gmock.h>

#include <fstream>

#include "testing/temporary_folder.h"

namespace mainstay::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class BookmarkTest : public ::testing::Test {
 protected:
  std::string write(const std::string& name, std::string_view text, int minute) {
    const auto path = folder_ / name;
    std::ofstream(path) << text;
    std::filesystem::last_write_time(path, kBegin + std::chrono::minutes{minute});
    return path.string();
  }
  const std::filesystem::file_time_type kBegin = std::filesystem::file_time_type::clock::now() - std::chrono::hours{1};
  testing::TemporaryFolder folder_;
};

TEST_F(BookmarkTest, a_file_is_known_by_its_beginning_though_it_grew) {
  const auto mark = Mark::of("one\n", 4);
  EXPECT_TRUE(mark.is_of("one\n"));
  EXPECT_TRUE(mark.is_of("one\ntwo\n"));
  EXPECT_FALSE(mark.is_of("one"));
  EXPECT_FALSE(mark.is_of("two\none\n"));
  EXPECT_FALSE(Mark::of("", 0).is_of("one\n")) << "nothing is known of it";
}

TEST_F(BookmarkTest, what_is_kept_is_loaded_for_the_same_file_of_the_same_site) {
  const Bookmark bookmark(folder_.path(), "1", "access.log");
  EXPECT_FALSE(bookmark.load());
  bookmark.keep(Mark::of("one\n", 4));
  EXPECT_EQ(Bookmark(folder_.path(), "1", "access.log").load().value().offset, 4U);
  EXPECT_FALSE(Bookmark(folder_.path(), "2", "access.log").load());
  bookmark.remove();
  EXPECT_FALSE(bookmark.load());
}

TEST_F(BookmarkTest, a_bookmark_that_cannot_be_read_is_none) {
  const Bookmark bookmark(folder_.path(), "1", "access.log");
  bookmark.keep(Mark::of("one\n", 4));
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    for (const auto* text : {"", "{", "[]", R"({"head":"x","offset":4})", R"({"head":1,"head_bytes":4,"offset":4})"}) {
      std::ofstream(entry.path()) << text;
      EXPECT_FALSE(bookmark.load()) << text;
    }
  }
}

TEST_F(BookmarkTest, files_that_were_rotated_since_come_in_the_order_they_were_written) {
  write("access.log.3", "older\n", 1);
  const auto marked = write("access.log.2", "marked\nmore\n", 2);
  const auto later = write("access.log.1", "later\n", 3);
  write("error.log.1", "another\n", 4);
  write("access.log.error", "another\n", 4);
  write("access.logs.1", "another\n", 4);
  const auto path = write("access.log", "now\n", 5);
  EXPECT_THAT(rotated_since(path, Mark::of("marked\n", 7)), ElementsAre(marked, later));
  EXPECT_THAT(rotated_since(path, Mark::of("gone\n", 5)), IsEmpty());
  const auto renamed = write("access.log.old", "renamed\n", 2);
  EXPECT_THAT(rotated_since(path, Mark::of("renamed\n", 8)), ElementsAre(renamed, later)) << "whatever its name";
}

}  // namespace
}  // namespace mainstay::cli
