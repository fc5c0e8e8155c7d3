#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "ports/stream/stream.h"
#include "runtime/io_threads.h"
#include "runtime/task_group.h"
#include "testing/run_task.h"

/// What every stream promises. An adapter's test instantiates `StreamContract` with a factory, in one source file.
namespace mainstay::stream {

/// Where a stream keeps its records; opening again finds them again. One stream is open at a time.
class Home {
 public:
  virtual ~Home() = default;
  [[nodiscard]] virtual std::unique_ptr<Stream> open() = 0;
  /// Whether a file of the stream holds these bytes.
  [[nodiscard]] virtual bool holds(std::string_view bytes) const = 0;
};

class StreamContract : public ::testing::TestWithParam<std::function<std::unique_ptr<Home>()>> {
 protected:
  static constexpr std::chrono::seconds kLong{60};
  static constexpr std::size_t kMany = 1'000'000;
  static constexpr std::size_t kBytes = 256 << 20;

  Offset append(std::string record) { return mainstay::testing::run(stream_->append(std::move(record))).value(); }
  std::vector<Record> all(Offset after = 0) {
    std::vector<Record> records;
    while (after < stream_->last()) {
      for (auto& record : stream_->read(after, kMany, kBytes, kLong)) {
        after = record.offset;
        records.push_back(std::move(record));
      }
    }
    return records;
  }
  void reopen() {
    stream_.reset();
    stream_ = home_->open();
  }

  std::unique_ptr<Home> home_ = GetParam()();
  std::unique_ptr<Stream> stream_ = home_->open();
};

TEST_P(StreamContract, a_new_stream_is_empty) {
  EXPECT_EQ(stream_->last(), 0u);
  EXPECT_TRUE(stream_->read(0, 10, kBytes, std::chrono::milliseconds{1}).empty());
}

TEST_P(StreamContract, offsets_begin_at_1_and_grow_by_one) {
  for (Offset expected = 1; expected <= 20; ++expected) {
    EXPECT_EQ(append("r"), expected);
    EXPECT_EQ(stream_->last(), expected);
  }
}

TEST_P(StreamContract, records_come_out_in_order_and_byte_for_byte) {
  const std::vector<std::string> written{"one", "", std::string("\0\xFF\n", 3), std::string(100'000, 'x'), "five"};
  for (const auto& record : written) append(record);
  const auto records = all();
  ASSERT_EQ(records.size(), written.size());
  for (std::size_t i = 0; i < written.size(); ++i) {
    EXPECT_EQ(records[i].offset, i + 1);
    EXPECT_EQ(records[i].bytes, written[i]);
    EXPECT_LE(i == 0 ? Instant{} : records[i - 1].appended_at, records[i].appended_at);
  }
}

TEST_P(StreamContract, a_consumer_may_ask_again_from_any_offset) {
  for (int i = 1; i <= 50; ++i) append(std::to_string(i));
  for (const Offset after : {Offset{0}, Offset{10}, Offset{49}, Offset{10}, Offset{0}, Offset{25}}) {
    const auto records = stream_->read(after, 1, kBytes, kLong);
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].offset, after + 1);
    EXPECT_EQ(records[0].bytes, std::to_string(after + 1));
  }
}

TEST_P(StreamContract, a_read_keeps_its_limits_but_gives_at_least_one_record) {
  for (int i = 0; i < 10; ++i) append(std::string(1'000, 'x'));
  EXPECT_EQ(stream_->read(0, 3, kBytes, kLong).size(), 3u);
  EXPECT_EQ(stream_->read(3, kMany, 2'500, kLong).size(), 2u);
  EXPECT_EQ(stream_->read(5, kMany, 1, kLong).size(), 1u);
  EXPECT_EQ(stream_->read(6, kMany, kBytes, kLong).size(), 4u);
}

TEST_P(StreamContract, a_waiting_read_gets_the_record_when_it_comes) {
  append("old");
  std::vector<Record> got;
  std::thread consumer([&] { got = stream_->read(1, 10, kBytes, kLong); });
  append("new");
  consumer.join();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].bytes, "new");
}

TEST_P(StreamContract, an_interrupt_ends_the_wait_of_one_read) {
  std::thread consumer([&] { EXPECT_TRUE(stream_->read(0, 10, kBytes, std::chrono::hours{1}).empty()); });
  stream_->interrupt();
  consumer.join();
  stream_->interrupt();
  EXPECT_TRUE(stream_->read(0, 10, kBytes, std::chrono::hours{1}).empty());
  append("next");
  stream_->interrupt();
  EXPECT_EQ(stream_->read(0, 10, kBytes, std::chrono::hours{1}).size(), 1u);
}

TEST_P(StreamContract, the_largest_record_is_taken_and_a_larger_one_refused) {
  const std::string largest(kRecordBytesMax, 'L');
  EXPECT_EQ(append(largest), 1u);
  const auto refused = mainstay::testing::run(stream_->append(largest + "x"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Refusal::kInvalid);
  EXPECT_EQ(refused.error().code, "stream.record_too_large");
  EXPECT_EQ(append("next"), 2u);
  EXPECT_EQ(all().front().bytes, largest);
}

TEST_P(StreamContract, records_and_offsets_survive_reopening) {
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 10; ++i) append(std::to_string(stream_->last() + 1));
    reopen();
  }
  EXPECT_EQ(stream_->last(), 50u);
  const auto records = all();
  ASSERT_EQ(records.size(), 50u);
  for (const auto& record : records) EXPECT_EQ(record.bytes, std::to_string(record.offset));
}

TEST_P(StreamContract, what_is_not_forgotten_stays) {
  for (int i = 1; i <= 2'000; ++i) append(std::string(100, static_cast<char>('a' + i % 26)));
  stream_->forget_through(1'500);
  const auto records = all(1'500);
  ASSERT_EQ(records.size(), 500u);
  EXPECT_EQ(records.front().offset, 1'501u);
  reopen();
  EXPECT_EQ(all(1'500).size(), 500u);
}

TEST_P(StreamContract, offsets_go_on_after_everything_was_forgotten) {
  for (int i = 0; i < 300; ++i) append(std::string(100, 'x'));
  stream_->forget_through(stream_->last());
  reopen();
  EXPECT_EQ(stream_->last(), 300u);
  EXPECT_EQ(append("next"), 301u);
  EXPECT_EQ(all(300).front().bytes, "next");
}

TEST_P(StreamContract, what_is_erased_leaves_the_disk_and_the_rest_stays) {
  const std::string needle = "needle of a visitor who wants to be forgotten";
  for (int i = 0; i < 20; ++i) append("kept " + std::to_string(i));
  const auto erased = append(needle);
  EXPECT_TRUE(home_->holds(needle)) << "the test looks at the right files";
  stream_->erase_through(erased);
  EXPECT_EQ(append("next"), erased + 1);  // behind the erasure
  EXPECT_FALSE(home_->holds(needle));
  // What stands behind it in the same place keeps it only until that is forgotten too.
  const auto again = append(needle);
  const auto behind = append("behind");
  stream_->erase_through(again);
  append("one");
  EXPECT_EQ(all(again).front().offset, behind);
  stream_->forget_through(behind);
  EXPECT_FALSE(home_->holds(needle));
  reopen();
  EXPECT_FALSE(home_->holds(needle));
  EXPECT_EQ(all(behind).front().bytes, "one");
  EXPECT_EQ(append("two"), behind + 2);
}

TEST_P(StreamContract, many_appenders_each_get_their_own_offset_on_their_own_executor) {
  constexpr std::size_t kThreads = 3;
  constexpr std::size_t kAppenders = 60;
  constexpr std::size_t kEach = 20;
  std::vector<std::vector<Offset>> offsets(kAppenders);
  std::atomic<std::size_t> strayed = 0;
  {
    IoThreads threads(kThreads);
    TaskGroup group("appenders");
    for (std::size_t a = 0; a < kAppenders; ++a) {
      group.spawn(threads.executor(a % kThreads), [&, a]() -> Task<> {
        const auto home = std::this_thread::get_id();
        for (std::size_t i = 0; i < kEach; ++i) {
          const auto offset = co_await stream_->append(std::to_string(a));
          offsets[a].push_back(offset.value());
          if (std::this_thread::get_id() != home) ++strayed;
        }
      });
    }
    ASSERT_TRUE(group.join(std::chrono::minutes{9}));  // each append is synced
    stream_.reset();                                   // the executors outlive it
  }
  EXPECT_EQ(strayed, 0u);
  stream_ = home_->open();
  const auto records = all();
  ASSERT_EQ(records.size(), kAppenders * kEach);
  for (std::size_t a = 0; a < kAppenders; ++a) {
    ASSERT_EQ(offsets[a].size(), kEach);
    EXPECT_TRUE(std::is_sorted(offsets[a].begin(), offsets[a].end()));
    for (const Offset offset : offsets[a]) EXPECT_EQ(records.at(offset - 1).bytes, std::to_string(a));
  }
}

}  // namespace mainstay::stream
