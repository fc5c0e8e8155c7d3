#include <gtest/gtest.h>

#include <sys/resource.h>

#include <csignal>

#include "testing/column_crashes.h"

namespace mainstay::columns::duckdb {
namespace {

constexpr std::size_t kPieceRows = 16'384;
constexpr std::size_t kManyPieces = 16;
constexpr std::int64_t kManyRows{kPieceRows * kManyPieces};

/// Rows that are too many for the log: the store writes them to its file before they are committed.
void add_many(Transaction& transaction, std::int64_t batch, std::size_t pieces) {
  for (std::size_t piece = 0; piece < pieces; ++piece) {
    Batch added{.table = "numbers", .rows = kPieceRows, .columns = std::vector<Cells>(3)};
    added.columns[0].numbers.assign(kPieceRows, batch);
    for (std::size_t row = 0; row < kPieceRows; ++row)
      added.columns[1].texts.push_back(noise(piece * kPieceRows + row, 20));
    added.columns[2].maps.assign(kPieceRows, {});
    transaction.add(added);
  }
}
std::int64_t rows_of(Columns& store, std::int64_t batch) {
  return number(store, fmt::format("SELECT count(*) FROM numbers WHERE batch = {}", batch));
}

TEST(CrashedColumns, killed_in_the_middle_of_a_large_transaction_it_has_nothing_of_it) {
  const TemporaryFolder folder;
  for (const std::size_t pieces : {1UZ, 9UZ, kManyPieces}) {
    const int status = in_child([&] {
      const auto store = open_in(folder);
      commit_batch(*store, number(*store, "SELECT max(reached) FROM offsets") + 1, 20);
      const auto transaction = store->begin();
      add_many(*transaction, -1, pieces);
      return ::raise(SIGKILL);
    });
    ASSERT_EQ(status, 1'000 + SIGKILL);
  }
  const int judged = in_child([&] {
    auto store = open_in(folder);
    expect_whole(*store, 3);
    const auto transaction = store->begin();
    add_many(*transaction, 500'000, kManyPieces);
    transaction->commit();
    return ::raise(SIGKILL);
  });
  ASSERT_EQ(judged, 1'000 + SIGKILL);
  const auto store = open_in(folder);
  EXPECT_EQ(rows_of(*store, -1), 0);
  EXPECT_EQ(rows_of(*store, 500'000), kManyRows);
}

TEST(CrashedColumns, a_disk_that_fills_up_in_the_middle_of_a_large_transaction_costs_nothing_but_it) {
  const TemporaryFolder folder;
  const int status = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    auto store = open_in(folder);
    commit_batch(*store, 1, 20);
    const auto limit = [](::rlim_t bytes) {
      const ::rlimit wanted{bytes, RLIM_INFINITY};
      return ::setrlimit(RLIMIT_FSIZE, &wanted) == 0;
    };
    const auto add_all = [&] {
      const auto transaction = store->begin();
      add_many(*transaction, -1, kManyPieces);
      transaction->commit();
    };
    for (const ::rlim_t bytes : {1U << 20, 3U << 20, 5U << 20}) {
      if (!limit(bytes)) return 1;
      EXPECT_THROW(add_all(), Unavailable) << bytes;
      expect_whole(*store, 1);
    }
    if (!limit(RLIM_INFINITY)) return 2;
    expect_whole(*store, 1);
    add_all();
    store.reset();
    store = open_in(folder);
    EXPECT_EQ(rows_of(*store, -1), kManyRows);
    return ::testing::Test::HasFailure() ? 3 : 0;
  });
  EXPECT_EQ(status, 0);
}

TEST(CrashedColumns, rows_that_are_in_no_log_are_synced_before_they_are_committed) {
  const TemporaryFolder folder;
  const int status = in_child([&] {
    auto store = open_in(folder);
    commit_batch(*store, 1, 20);
    {
      const auto transaction = store->begin();
      add_many(*transaction, -1, kManyPieces);
      file_syncs_fail = true;
      EXPECT_THROW(transaction->commit(), Unavailable);
      file_syncs_fail = false;
    }
    expect_whole(*store, 1);
    const auto transaction = store->begin();
    add_many(*transaction, -1, kManyPieces);
    transaction->commit();
    EXPECT_EQ(rows_of(*store, -1), kManyRows);
    return ::testing::Test::HasFailure() ? 1 : 0;
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace mainstay::columns::duckdb
