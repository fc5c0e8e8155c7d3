#include "ports/columns/duckdb/duckdb_columns.h"

#include <sys/resource.h>
#include <unistd.h>

#include <future>
#include <semaphore>
#include <string>
#include <thread>

#include "ports/columns/compaction_contract.h"
#include "ports/columns/contract.h"
#include "ports/columns/transaction_contract.h"
#include "runtime/scheduling.h"
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
  EXPECT_FALSE(
      run(store->write_parquet({"SELECT 1", {}}, std::chrono::minutes{10}, (folder_ / "elsewhere.parquet").string())));
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
  options_.memory_bytes = Options::kMemoryLeast;
  options_.temporary_bytes_max = 1 << 20;
  const auto store = open();
  const auto failure = refused(*store, "SELECT len(list(repeat('x', 1000) || i)) FROM range(10000000) t(i)");
  EXPECT_EQ(failure.kind, Refusal::kUnavailable);
  EXPECT_EQ(failure.code, "columns.too_much_memory");
  EXPECT_GT(failure.retry_after.count(), 0);
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

TEST_F(DuckDbColumns, exports_that_stand_still_hold_up_no_query_and_too_many_are_refused) {
  options_.queries = 1;
  options_.exports = 2;
  options_.waiting_exports_max = 1;
  const auto store = open();
  std::promise<void> end;
  const auto ended = end.get_future().share();
  std::counting_semaphore<> begun(0);
  const auto export_one = [&] {
    const auto take = [&](const Answer&) {
      begun.release();
      ended.wait();
      return true;
    };
    return run(store->stream({"SELECT 1", {}}, std::chrono::hours{1}, take));
  };
  std::vector<std::future<Result<>>> exports;
  for (int i = 0; i < 2; ++i) {
    exports.push_back(std::async(std::launch::async, export_one));
    begun.acquire();
  }
  EXPECT_EQ(run(store->query({"SELECT 1", {}}, {})).value().rows.size(), 1u);
  // One of them waits, the other is refused.
  auto third = std::async(std::launch::async, export_one);
  auto fourth = std::async(std::launch::async, export_one);
  while (third.wait_for(std::chrono::seconds{0}) != std::future_status::ready &&
         fourth.wait_for(std::chrono::seconds{0}) != std::future_status::ready) {
    std::this_thread::yield();
  }
  end.set_value();
  int refused = 0;
  for (auto* late : {&third, &fourth}) {
    try {
      EXPECT_TRUE(late->get());
    } catch (const Unavailable&) {
      ++refused;
    }
  }
  EXPECT_EQ(refused, 1);
  for (auto& running : exports) EXPECT_TRUE(running.get());
}

TEST_F(DuckDbColumns, a_compaction_behind_the_answers_leaves_no_thread_that_gives_way) {
  options_.threads = 4;
  const auto store = open();
  std::jthread([&] {
    become_background_thread("behind");
    store->compact({});
  }).join();
  const int usual = ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()));
  const auto yielding = [usual] {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
      errno = 0;
      const int nice = ::getpriority(PRIO_PROCESS, static_cast<id_t>(std::stoul(entry.path().filename().string())));
      if (errno != ESRCH && nice != usual) ++count;
    }
    return count;
  };
  // The thread that was joined may be seen a moment longer.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (yielding() > 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(yielding(), 0U);
  const std::filesystem::directory_iterator threads("/proc/self/task");
  EXPECT_GT(std::distance(begin(threads), end(threads)), static_cast<std::ptrdiff_t>(options_.threads));
}

TEST_F(DuckDbColumns, a_compaction_ends_exports_that_last_and_they_can_be_had_again) {
  options_.exports_spared = std::chrono::milliseconds{0};
  const auto store = open();
  const std::vector<Step> rows{Statement{"INSERT INTO numbers SELECT range FROM range(1000)", {}}};
  store->commit(rows);
  std::promise<void> streaming;
  auto endless = std::async(std::launch::async, [&] {
    bool first = true;
    const auto take = [&](const Answer&) {
      if (std::exchange(first, false)) streaming.set_value();
      return true;
    };
    return run(store->stream({"SELECT range FROM range(1000000000000)", {}}, std::chrono::hours{1}, take));
  });
  streaming.get_future().wait();
  auto writing = std::async(std::launch::async, [&] {
    return run(store->write_parquet({"SELECT count(*) FROM range(1000000000000)", {}}, std::chrono::minutes{10},
                                    (folder_ / "exports/endless.parquet").string()));
  });
  store->compact({});
  EXPECT_THROW((void)endless.get(), Unavailable);
  // It may have come after the compaction: the next one ends it.
  while (writing.wait_for(std::chrono::seconds{0}) != std::future_status::ready) store->compact({});
  EXPECT_THROW((void)writing.get(), Unavailable);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "exports/endless.parquet"));
  std::size_t count = 0;
  const auto take = [&](const Answer& chunk) {
    count += chunk.rows.size();
    return true;
  };
  EXPECT_TRUE(run(store->stream({"SELECT n FROM numbers", {}}, std::chrono::minutes{1}, take)));
  EXPECT_EQ(count, 1'000u);
}

/// A link to itself stands for a disk that does not say whether a file is there.
TEST_F(DuckDbColumns, a_log_that_cannot_be_looked_for_ends_the_compaction_and_not_the_program) {
  const auto store = open();
  const std::vector<Step> rows{Statement{"INSERT INTO numbers SELECT range FROM range(1000)", {}}};
  store->commit(rows);
  store->compact({});  // and the log is empty
  const auto log = folder_ / "data/columns.duckdb.wal";
  std::filesystem::remove(log);
  std::filesystem::create_symlink(log, log);
  EXPECT_THROW(store->compact({}), Unavailable);
  std::filesystem::remove(log);
  EXPECT_EQ(run(store->query({"SELECT n FROM numbers", {}}, {})).value().rows.size(), 1'000u);
  store->compact({});
}

TEST_F(DuckDbColumns, an_export_whose_place_cannot_be_looked_at_is_unavailable) {
  const auto store = open();
  const auto path = folder_ / "exports/loop.parquet";
  std::filesystem::create_symlink(path, path);
  EXPECT_THROW((void)run(store->write_parquet({"SELECT 1", {}}, std::chrono::minutes{10}, path.string())), Unavailable);
}

}  // namespace
}  // namespace mainstay::columns::duckdb
