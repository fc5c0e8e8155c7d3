#pragma once

#include "ports/columns/contract.h"

/// What every column store promises about transactions.
namespace mainstay::columns {

TEST_P(ColumnsContract, a_transaction_shows_nothing_before_its_commit_and_then_all) {
  commit({things(1, 3)});
  const auto transaction = store_->begin();
  transaction->add(things(10, 5));
  transaction->add(Statement{"DELETE FROM things WHERE id IN ($1, $2)", {std::int64_t{1}, std::int64_t{10}}});
  EXPECT_EQ(count(), 3);
  transaction->commit();
  EXPECT_EQ(count(), 6);
  EXPECT_EQ(number("SELECT count(*) FROM things WHERE id IN (1, 10)"), 0);
}

TEST_P(ColumnsContract, a_large_transaction_is_whole_after_reopening) {
  constexpr std::size_t kPiece = 16'384;
  constexpr std::int64_t kPieces = 20;
  auto transaction = store_->begin();
  for (std::int64_t piece = 0; piece < kPieces; ++piece) {
    transaction->add(things(piece * static_cast<std::int64_t>(kPiece), kPiece));
  }
  EXPECT_EQ(count(), 0);
  transaction->commit();
  transaction.reset();
  reopen();
  const auto rows = static_cast<std::int64_t>(kPiece) * kPieces;
  EXPECT_EQ(number("SELECT count(DISTINCT id) FROM things"), rows);
  EXPECT_EQ(number("SELECT count(*) FROM things WHERE extra['id'] = CAST(id AS VARCHAR)"), rows);
}

TEST_P(ColumnsContract, a_transaction_that_goes_without_commit_leaves_nothing) {
  for (const std::size_t rows : {10UZ, 300'000UZ}) {
    store_->begin()->add(things(1, rows));
    EXPECT_EQ(count(), 0);
  }
  commit({things(1, 2)});
  EXPECT_EQ(count(), 2);
  reopen();
  EXPECT_EQ(count(), 2);
}

TEST_P(ColumnsContract, a_transaction_with_a_wrong_step_leaves_nothing_and_holds_up_nobody) {
  Batch misfit = things(20, 3);
  misfit.columns[4].texts = {"\xFF", "a", "b"};
  Batch elsewhere = things(20, 3);
  elsewhere.table = "nothing_like_it";
  const std::vector<Step> wrong{misfit, elsewhere, Statement{"DELETE FROM nothing_like_it", {}}};
  for (const auto& step : wrong) {
    const auto transaction = store_->begin();
    transaction->add(things(1, 10));
    EXPECT_THROW(transaction->add(step), std::logic_error);
    EXPECT_THROW(transaction->add(things(20, 10)), std::logic_error);
    EXPECT_THROW(transaction->commit(), std::logic_error);
    commit({things(30, 1)});
  }
  EXPECT_EQ(count(), 3);
}

TEST_P(ColumnsContract, what_was_rolled_back_takes_no_space_for_long) {
  const auto bytes_after = [this](int times) {
    for (int time = 0; time < times; ++time) {
      store_->begin()->add(things(1, 200'000));
      commit({things(time, 1)});
    }
    return store_->bytes_on_disk();
  };
  const auto before = bytes_after(2);
  EXPECT_LT(bytes_after(10), before * 2);
}

TEST_P(ColumnsContract, other_writers_wait_for_a_transaction_and_queries_do_not) {
  std::atomic<bool> is_written = false;
  auto transaction = store_->begin();
  std::thread other([&] {
    commit({things(100, 1)});
    is_written = true;
  });
  for (std::int64_t i = 0; i < 10; ++i) {
    transaction->add(things(i, 1));
    EXPECT_EQ(count(), 0);
  }
  EXPECT_FALSE(is_written);
  transaction->commit();
  other.join();
  EXPECT_EQ(count(), 11);
}

}  // namespace mainstay::columns
