#pragma once

#include <atomic>
#include <future>

#include "ports/columns/contract.h"

/// What every column store promises about `compact`.
namespace mainstay::columns {

TEST_P(ColumnsContract, compacting_gives_back_the_space_of_deleted_rows) {
  commit({things(1, 300'000)});
  store_->compact({});
  const auto before = store_->bytes_on_disk();
  commit({Statement{"DELETE FROM things WHERE seen_at < $1", {kStart + microseconds{299'000}}}});
  store_->compact({});
  EXPECT_LT(store_->bytes_on_disk(), before / 2);
  EXPECT_EQ(count(), 1'001);
}

TEST_P(ColumnsContract, compacting_leaves_no_byte_of_deleted_rows) {
  const std::string needle = "needle-of-a-visitor-who-wants-to-be-forgotten";
  Batch secret = things(1'000, 3);
  secret.columns[4] = {.texts = {needle, needle, needle}};
  secret.columns[6].maps = {{{needle, "1"}}, {{"k", needle}}, {}};
  for (int round = 0; round < 2; ++round) {  // in the write-ahead log, and in the file
    commit({things(1, 500)});
    commit({secret});
    if (round == 1) reopen();
    EXPECT_TRUE(home_->holds(needle)) << "the test looks at the right files";
    commit({Statement{"DELETE FROM things WHERE id >= $1", {std::int64_t{1'000}}}});
    store_->compact({});
    EXPECT_FALSE(home_->holds(needle));
  }
  EXPECT_EQ(count(), 1'000);
  reopen();
  EXPECT_FALSE(home_->holds(needle));
  EXPECT_EQ(count(), 1'000);
}

TEST_P(ColumnsContract, what_is_committed_and_asked_while_compacting_is_whole) {
  commit({things(0, 20'000)});
  std::atomic<bool> ended = false;
  std::int64_t commits = 0;
  std::thread writer([&] {
    for (; (!ended || commits < 10) && commits < 15'000; ++commits) {
      commit({things(1'000'000 + commits * 10, 10), Statement{"DELETE FROM things WHERE id = $1", {commits}},
              Statement{"INSERT INTO things (id, label) SELECT id + 5000000, label FROM things WHERE id = $1",
                        {1'000'000 + commits * 10}}});
    }
  });
  std::thread reader([&] {
    while (!ended) EXPECT_EQ(count() % 10, 0);
  });
  for (int round = 0; round < 3; ++round) store_->compact({});
  ended = true;
  writer.join();
  reader.join();
  const auto expect_whole = [&] {
    EXPECT_EQ(number("SELECT count(*) FROM things WHERE id < 1000000"), 20'000 - commits);
    EXPECT_EQ(number("SELECT count(*) FROM things WHERE id BETWEEN 1000000 AND 5000000"), commits * 10);
    EXPECT_EQ(number("SELECT count(*) FROM things WHERE id > 5000000"), commits);
    EXPECT_EQ(number("SELECT count(DISTINCT id) FROM things"), 20'000 + commits * 10);
  };
  expect_whole();
  reopen();
  expect_whole();
}

TEST_P(ColumnsContract, compacting_waits_for_a_transaction_and_keeps_what_it_committed) {
  commit({things(1, 1'000)});
  auto transaction = store_->begin();
  transaction->add(things(2'000, 1'000));
  std::thread compacting([&] { store_->compact({}); });
  for (std::int64_t i = 0; i < 50; ++i) transaction->add(things(10'000 + i, 1));
  transaction->commit();
  transaction.reset();
  compacting.join();
  EXPECT_EQ(count(), 2'050);
  reopen();
  EXPECT_EQ(count(), 2'050);
}

TEST_P(ColumnsContract, a_long_answer_holds_up_neither_queries_nor_commits_while_compacting) {
  commit({things(0, 50'000)});
  std::promise<void> streaming;
  std::promise<void> go_on;
  std::thread exporter([&] {
    std::size_t rows = 0;
    const auto take = [&](const Answer& chunk) {
      if (rows == 0) {
        streaming.set_value();
        go_on.get_future().wait();
      }
      rows += chunk.rows.size();
      return true;
    };
    EXPECT_TRUE(mainstay::testing::run(store_->stream({"SELECT id FROM things", {}}, std::chrono::minutes{5}, take)));
    EXPECT_EQ(rows, 50'000u);
  });
  streaming.get_future().wait();
  std::thread compactor([&] { store_->compact({}); });
  for (int i = 0; i < 50; ++i) {
    commit({things(100'000 + i, 1)});
    EXPECT_EQ(count(), 50'001 + i);
  }
  go_on.set_value();
  exporter.join();
  compactor.join();
  EXPECT_EQ(count(), 50'050);
}

TEST_P(ColumnsContract, a_compaction_that_is_stopped_changes_nothing_and_can_be_had_again) {
  commit({things(0, 200'000)});
  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_THROW(store_->compact(stopped.get_token()), Unavailable);
  for (int round = 0; round < 20; ++round) {
    std::stop_source source;
    std::thread stopper([&] {
      for (int i = 0; i < round; ++i) (void)count();
      source.request_stop();
    });
    try {
      store_->compact(source.get_token());
    } catch (const Unavailable&) {
      commit({things(0, 0)});
    }
    stopper.join();
    ASSERT_EQ(count(), 200'000);
  }
  commit({things(200'000, 10)});
  store_->compact({});
  EXPECT_EQ(count(), 200'010);
}

}  // namespace mainstay::columns
