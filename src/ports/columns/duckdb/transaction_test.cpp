#include "ports/columns/duckdb/transaction.h"

#include <gtest/gtest.h>

#include "testing/temporary_folder.h"

namespace mainstay::columns::duckdb {
namespace {

class TransactionTest : public ::testing::Test {
 protected:
  TransactionTest() {
    run_or_raise(engine_.lease()->get(), "CREATE TABLE numbers (n BIGINT)");
    writing_.tables.emplace("numbers", StoredTable{.columns = {{"n", Type::kInteger}}});
  }
  static Batch number(std::int64_t value) {
    Batch batch{.table = "numbers", .rows = 1, .columns = std::vector<Cells>(1)};
    batch.columns[0].numbers = {value};
    return batch;
  }
  /// A statement that meets what makes DuckDB refuse all further work.
  void open_anew() { engine_.note({.kind = Trouble::Kind::kBroken, .message = "as if"}); }
  bool is_empty() {
    auto answer = run(engine_.lease()->get(), {.text = "SELECT n FROM numbers", .parameters = {}});
    return answer && !*fetch(*answer);
  }

  testing::TemporaryFolder folder_;
  Engine engine_{{.folder = folder_.path(), .export_folder = {}}};
  Writing writing_;
};

TEST_F(TransactionTest, one_that_waits_does_not_keep_the_engine_from_being_opened_anew) {
  DuckDbTransaction transaction(engine_, writing_);
  transaction.add(number(1));
  open_anew();
  EXPECT_TRUE(is_empty()) << "on this thread, which holds the transaction: waiting for it would never end";
  EXPECT_THROW(transaction.add(number(2)), Unavailable);
  EXPECT_THROW(transaction.commit(), std::logic_error);
  EXPECT_TRUE(is_empty());
}

TEST_F(TransactionTest, after_the_engine_was_opened_anew_the_next_one_works) {
  {
    DuckDbTransaction lost(engine_, writing_);
    lost.add(number(1));
    open_anew();
    EXPECT_TRUE(is_empty());
    EXPECT_THROW(lost.commit(), Unavailable);
    DuckDbTransaction next(engine_, writing_);  // though the lost one is still there
    next.add(number(2));
    next.commit();
  }
  EXPECT_FALSE(is_empty());
}

TEST_F(TransactionTest, one_that_goes_after_the_engine_broke_leaves_nothing) {
  {
    DuckDbTransaction transaction(engine_, writing_);
    transaction.add(number(1));
    open_anew();
  }
  EXPECT_TRUE(is_empty());
}

}  // namespace
}  // namespace mainstay::columns::duckdb
