#include "ports/columns/duckdb/duckdb_columns.h"

#include <future>

#include "ports/columns/compaction_contract.h"
#include "ports/columns/contract.h"
#include "testing/folder_search.h"
#include "testing/temporary_folder.h"

namespace mainstay::columns::duckdb {
namespace {

using mainstay::testing::run;
using mainstay::testing::TemporaryFolder;

class FolderHome final : public Home {
 public:
  std::unique_ptr<Columns> open() override {
    return duckdb::open({.folder = folder_ / "data", .export_folder = folder_ / "exports"});
  }
  std::string export_path(std::string_view name) override { return (folder_ / "exports" / name).string(); }
  bool holds(std::string_view bytes) const override { return mainstay::testing::folder_holds(folder_.path(), bytes); }

 private:
  TemporaryFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(DuckDb, ColumnsContract, ::testing::Values([] { return std::make_unique<FolderHome>(); }));

class DuckDbColumns : public ::testing::Test {
 protected:
  static inline const Table kNumbers{.name = "numbers", .columns = {{"n", Type::kInteger}}, .time_column = "n"};
  std::unique_ptr<Columns> open() {
    auto store = duckdb::open(options_);
    store->create(std::span(&kNumbers, 1));
    return store;
  }
  static Failure refused(Columns& store, std::string text) {
    const auto answer = run(store.query({std::move(text), {}}, {}));
    return answer ? Failure{.code = "it was answered"} : answer.error();
  }
  TemporaryFolder folder_;
  Options options_{.folder = folder_ / "data", .export_folder = folder_ / "exports"};
};

TEST_F(DuckDbColumns, statements_reach_no_file_no_network_and_no_setting) {
  const auto store = open();
  for (const auto* text : {"SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM read_csv('/etc/passwd')",
                           "SELECT * FROM '/etc/passwd'", "SELECT * FROM glob('/etc/*')",
                           "SELECT * FROM read_parquet('http://127.0.0.1/x.parquet')",
                           "SELECT * FROM read_text('../../etc/passwd')", "SELECT * FROM sqlite_scan('x', 'y')"}) {
    EXPECT_EQ(refused(*store, text).code, "columns.bad_statement") << text;
  }
  for (const auto* text :
       {"SET enable_external_access = true", "SET memory_limit = '1TB'", "ATTACH '/tmp/other.db'", "INSTALL httpfs",
        "LOAD httpfs", "COPY numbers TO '/tmp/numbers.csv'", "EXPORT DATABASE '/tmp/exported'"}) {
    const std::vector<Step> steps{Statement{text, {}}};
    EXPECT_ANY_THROW(store->commit(steps)) << text;
  }
  EXPECT_FALSE(run(store->write_parquet({"SELECT 1", {}}, (folder_ / "elsewhere.parquet").string())));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "elsewhere.parquet"));
}

TEST_F(DuckDbColumns, what_a_crash_left_beside_the_file_is_removed) {
  open();
  for (const auto* left : {"data/compact/columns.duckdb", "data/temporary/spilled.tmp", "exports/half.parquet"}) {
    std::filesystem::create_directories((folder_ / left).parent_path());
    std::ofstream(folder_ / left) << "rows of somebody";
  }
  open();
  EXPECT_FALSE(mainstay::testing::folder_holds(folder_.path(), "rows of somebody"));
}

TEST_F(DuckDbColumns, a_statement_that_needs_too_much_memory_is_refused_and_the_store_lives_on) {
  options_.memory_bytes = 1;  // raised to the least that works
  options_.temporary_bytes_max = 1 << 20;
  const auto store = open();
  const auto failure = refused(*store, "SELECT len(list(repeat('x', 1000) || i)) FROM range(10000000) t(i)");
  EXPECT_EQ(failure.kind, Refusal::kExhausted);
  EXPECT_EQ(failure.code, "columns.too_much_memory");
  EXPECT_EQ(run(store->query({"SELECT 1", {}}, {})).value().rows.size(), 1u);
}

TEST_F(DuckDbColumns, ending_the_store_interrupts_what_runs) {
  auto store = open();
  std::promise<void> running;
  std::thread asker([&running, &columns = *store] {
    bool first = true;
    const auto take = [&](const Answer&) {
      if (std::exchange(first, false)) running.set_value();
      return true;
    };
    EXPECT_THROW((void)run(columns.stream({"SELECT range FROM range(1000000000000)", {}}, std::chrono::hours{1}, take)),
                 Unavailable);
  });
  running.get_future().wait();
  store.reset();
  asker.join();
}

}  // namespace
}  // namespace mainstay::columns::duckdb
