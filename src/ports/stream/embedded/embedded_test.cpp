#include "ports/stream/embedded/embedded.h"

#include <boost/asio/post.hpp>
#include <fstream>
#include <future>

#include "ports/stream/contract.h"
#include "testing/folder_search.h"
#include "testing/manual_clock.h"
#include "testing/temporary_folder.h"

namespace mainstay::stream::embedded {
namespace {

using mainstay::testing::ManualClock;
using mainstay::testing::run;
using mainstay::testing::run_all;
using mainstay::testing::TemporaryFolder;

constexpr std::chrono::seconds kLong{60};
constexpr std::size_t kBytes = 256 << 20;

/// A log in a temporary folder. Small segments, so that every contract crosses their borders.
class FolderHome final : public Home {
 public:
  explicit FolderHome(std::uint64_t segment_bytes) : segment_bytes_(segment_bytes) {}
  std::unique_ptr<Stream> open() override {
    return embedded::open({.folder = folder_ / "stream", .clock = &clock_, .segment_bytes = segment_bytes_});
  }
  bool holds(std::string_view bytes) const override { return mainstay::testing::folder_holds(folder_.path(), bytes); }

 private:
  TemporaryFolder folder_;
  ManualClock clock_;
  std::uint64_t segment_bytes_;
};

INSTANTIATE_TEST_SUITE_P(OneSegment, StreamContract,
                         ::testing::Values([] { return std::make_unique<FolderHome>(64 << 20); }));
INSTANTIATE_TEST_SUITE_P(ManySegments, StreamContract,
                         ::testing::Values([] { return std::make_unique<FolderHome>(4'096); }));
INSTANTIATE_TEST_SUITE_P(ASegmentEach, StreamContract,
                         ::testing::Values([] { return std::make_unique<FolderHome>(1); }));

class EmbeddedStream : public ::testing::Test {
 protected:
  std::unique_ptr<Stream> open() { return embedded::open(options_); }
  std::size_t files() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      if (entry.path().extension() == ".log") ++count;
    }
    return count;
  }
  TemporaryFolder folder_;
  ManualClock clock_;
  Options options_{.folder = folder_.path(), .clock = &clock_};
};

TEST_F(EmbeddedStream, a_second_opener_is_refused_until_the_first_has_closed) {
  auto first = open();
  EXPECT_THROW(open(), Unavailable);
  first.reset();
  EXPECT_NO_THROW(open());
}

TEST_F(EmbeddedStream, records_bear_the_time_of_their_append) {
  const auto stream = open();
  run(stream->append("a")).value();
  clock_.advance(seconds{5});
  run(stream->append("b")).value();
  const auto records = stream->read(0, 10, kBytes, kLong);
  EXPECT_EQ(records.at(0).appended_at, ManualClock::kStart);
  EXPECT_EQ(records.at(1).appended_at, ManualClock::kStart + seconds{5});
}

TEST_F(EmbeddedStream, under_load_the_next_segment_is_prepared_and_begun_as_soon_as_it_is_there) {
  options_.segment_bytes = 1 << 20;
  options_.spare_from = 16 << 10;
  auto stream = open();
  const auto deadline = std::chrono::steady_clock::now() + kLong;
  Offset last = 0;
  // Never so much that the first is full.
  for (std::size_t written = 0; files() < 2 && std::chrono::steady_clock::now() < deadline;) {
    const std::size_t bytes = written < (32 << 10) ? 1'000 : 1;
    if (bytes == 1) stream->read(last, 1, kBytes, std::chrono::milliseconds{5});  // nothing comes: the spare may
    last = run(stream->append(std::string(bytes, 'x'))).value();
    written += bytes;
  }
  ASSERT_EQ(files(), 2U);
  EXPECT_LT(std::filesystem::file_size(folder_ / "00000000000000000001.log"), options_.segment_bytes / 2);
  last = run(stream->append("more")).value();
  EXPECT_EQ(stream->read(last - 1, 1, kBytes, kLong).at(0).bytes, "more");
  stream.reset();
  EXPECT_FALSE(std::filesystem::exists(folder_ / "segment.spare"));
  stream = open();
  EXPECT_EQ(stream->last(), last);
  EXPECT_EQ(stream->read(last - 1, 1, kBytes, kLong).at(0).bytes, "more");
  EXPECT_EQ(stream->read(0, 1, kBytes, kLong).at(0).offset, 1U);
}

TEST_F(EmbeddedStream, what_a_crash_left_of_a_prepared_segment_is_deleted) {
  std::ofstream(folder_ / "segment.spare") << "left";
  const auto stream = open();
  EXPECT_FALSE(std::filesystem::exists(folder_ / "segment.spare"));
}

TEST_F(EmbeddedStream, an_empty_log_takes_no_more_than_a_block) {
  const auto stream = open();
  ASSERT_EQ(files(), 1u);
  EXPECT_LE(std::filesystem::file_size(folder_ / "00000000000000000001.log"), 4'096u);
}

TEST_F(EmbeddedStream, forgetting_deletes_the_files_behind_and_keeps_the_newest) {
  options_.segment_bytes = 4'096;
  const auto stream = open();
  for (int i = 0; i < 200; ++i) run(stream->append(std::string(100, 'x'))).value();
  const auto before = files();
  ASSERT_GT(before, 5u);
  stream->forget_through(100);
  EXPECT_LT(files(), before);
  EXPECT_EQ(stream->read(100, 1, kBytes, kLong).at(0).offset, 101u);
  stream->forget_through(stream->last());
  EXPECT_EQ(files(), 1u);
}

TEST_F(EmbeddedStream, the_newest_file_is_deleted_too_when_it_is_an_hour_old_and_all_of_it_is_forgotten) {
  const auto stream = open();
  run(stream->append("needle")).value();
  stream->forget_through(1);
  run(stream->append("b")).value();
  EXPECT_TRUE(mainstay::testing::folder_holds(folder_.path(), "needle")) << "not for every record";
  clock_.advance(options_.segment_age);
  stream->forget_through(2);
  EXPECT_EQ(run(stream->append("c")).value(), 3u);
  EXPECT_FALSE(mainstay::testing::folder_holds(folder_.path(), "needle"));
  EXPECT_EQ(files(), 1u);
  EXPECT_EQ(stream->read(2, 10, kBytes, kLong).at(0).bytes, "c");
}

TEST_F(EmbeddedStream, a_clock_that_was_set_back_keeps_no_file_for_ever) {
  const auto stream = open();
  run(stream->append("needle")).value();
  clock_.set(clock_.now() - days{365});
  stream->forget_through(1);
  run(stream->append("b")).value();
  EXPECT_FALSE(mainstay::testing::folder_holds(folder_.path(), "needle"));
}

TEST_F(EmbeddedStream, an_empty_file_is_never_replaced_however_old) {
  const auto stream = open();
  clock_.advance(days{30});
  stream->forget_through(0);
  stream->erase_through(0);
  EXPECT_EQ(run(stream->append("a")).value(), 1u);
  EXPECT_EQ(files(), 1u);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "00000000000000000001.log"));
}

TEST_F(EmbeddedStream, a_consumer_that_is_behind_what_was_forgotten_goes_on_with_what_is_left) {
  options_.segment_bytes = 1;
  const auto stream = open();
  for (int i = 0; i < 10; ++i) run(stream->append("x")).value();
  stream->forget_through(5);
  EXPECT_EQ(stream->read(0, 10, kBytes, kLong).at(0).offset, 6u);
}

TEST_F(EmbeddedStream, beyond_the_space_limit_appends_are_refused_until_something_is_forgotten) {
  options_.bytes_max = 4 << 20;
  const auto stream = open();
  Result<Offset> last = Offset{0};
  while ((last = run(stream->append(std::string(100'000, 'x'))))) ASSERT_LT(*last, 100u);
  EXPECT_EQ(last.error().kind, Refusal::kUnavailable);
  EXPECT_EQ(last.error().code, "stream.full");
  EXPECT_GT(last.error().retry_after.count(), 0);
  stream->forget_through(stream->last());
  EXPECT_TRUE(run(stream->append(std::string(100'000, 'x'))));
}

TEST_F(EmbeddedStream, the_space_limit_counts_what_was_there_before) {
  options_.bytes_max = 4 << 20;
  {
    const auto stream = open();
    while (run(stream->append(std::string(100'000, 'x')))) continue;
  }
  const auto stream = open();
  EXPECT_FALSE(run(stream->append(std::string(100'000, 'x'))));
}

TEST_F(EmbeddedStream, offsets_begin_behind_what_the_consumer_has_seen_when_the_folder_was_lost) {
  options_.offset_floor = 1'000;
  auto stream = open();
  EXPECT_EQ(stream->last(), 1'000u);
  EXPECT_EQ(run(stream->append("x")).value(), 1'001u);
  stream.reset();
  options_.offset_floor = 5;
  stream = open();
  EXPECT_EQ(stream->last(), 1'001u);
  EXPECT_EQ(stream->read(1'000, 10, kBytes, kLong).at(0).bytes, "x");
}

TEST_F(EmbeddedStream, an_older_copy_of_the_log_does_not_repeat_offsets) {
  run(open()->append("old")).value();
  options_.offset_floor = 7;
  const auto stream = open();
  EXPECT_EQ(run(stream->append("new")).value(), 8u);
  EXPECT_EQ(stream->read(7, 10, kBytes, kLong).at(0).bytes, "new");
}

TEST_F(EmbeddedStream, a_segment_that_was_never_finished_is_ignored) {
  run(open()->append("a")).value();
  std::ofstream(folder_ / "segment.new") << "half a head";
  const auto stream = open();
  EXPECT_EQ(run(stream->append("b")).value(), 2u);
}

TEST_F(EmbeddedStream, appends_side_by_side_share_groups_and_keep_their_order) {
  const auto stream = open();
  std::vector<Task<Result<Offset>>> tasks;
  for (int i = 0; i < 500; ++i) tasks.push_back(stream->append(std::to_string(i)));
  const auto offsets = run_all(std::move(tasks));
  for (std::size_t i = 0; i < offsets.size(); ++i) EXPECT_EQ(offsets[i].value(), i + 1);
  EXPECT_EQ(stream->read(0, 1'000, kBytes, kLong).size(), 500u);
}

TEST_F(EmbeddedStream, what_was_accepted_is_stored_and_answered_when_the_stream_ends) {
  IoThreads threads(1);
  TaskGroup group("appenders");
  std::atomic<int> answered = 0;
  auto stream = open();
  std::atomic<int> started = 0;
  for (int i = 0; i < 100; ++i) {
    group.spawn(threads.executor(0), [&]() -> Task<> {
      ++started;
      (void)(co_await stream->append("x")).value();
      ++answered;
    });
  }
  while (started < 100) std::this_thread::yield();
  std::promise<void> idle;  // all appends were handed over once this runs
  boost::asio::post(threads.executor(0), [&] { idle.set_value(); });
  idle.get_future().wait();
  stream.reset();
  ASSERT_TRUE(group.join(kLong));
  EXPECT_EQ(answered, 100);
  EXPECT_EQ(open()->last(), 100u);
}

}  // namespace
}  // namespace mainstay::stream::embedded
