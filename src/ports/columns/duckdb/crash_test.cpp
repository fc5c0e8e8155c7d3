#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <functional>
#include <random>

#include "testing/column_crashes.h"
#include "testing/folder_search.h"

namespace mainstay::columns::duckdb {

std::atomic<bool> file_syncs_fail = false;
std::atomic<bool> folder_syncs_fail = false;
std::atomic<bool> log_syncs_fail = false;
std::atomic<int> log_syncs = 0;

namespace {

TEST(CrashedColumns, rows_and_offset_agree_and_nothing_acknowledged_is_lost_after_kill_9) {
  const TemporaryFolder folder;
  std::mt19937_64 random(11);
  std::int64_t acknowledged = 0;
  for (int round = 0; round < 12; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const ::pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      const auto store = open_in(folder);
      for (std::int64_t batch = number(*store, "SELECT max(reached) FROM offsets") + 1;; ++batch) {
        commit_batch(*store, batch, 20);
        if (::write(ends[1], &batch, sizeof batch) != sizeof batch) ::_exit(2);
      }
    }
    ::close(ends[1]);
    std::int64_t batch = 0;
    for (std::uint64_t left = 1 + random() % 60;; --left) {
      if (left == 0) ::kill(child, SIGKILL);  // go on reading what it had reported
      if (::read(ends[0], &batch, sizeof batch) != sizeof batch) break;
      ASSERT_EQ(batch, std::max(acknowledged + 1, batch));
      acknowledged = batch;
    }
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "round " << round << " status " << status;
    const ::pid_t judge = ::fork();  // this process keeps no thread of DuckDB, so that it can fork again
    if (judge == 0) {
      const auto store = open_in(folder);
      const auto reached = number(*store, "SELECT max(reached) FROM offsets");
      EXPECT_GE(reached, acknowledged);
      EXPECT_LE(reached, acknowledged + 1);
      expect_whole(*store, reached);
      ::_exit(::testing::Test::HasFailure() ? 1 : 0);
    }
    ASSERT_EQ(::waitpid(judge, &status, 0), judge);
    ASSERT_EQ(status, 0) << "round " << round;
  }
}

int sync_log_or_refuse(int descriptor) {
  std::array<char, 4'096> name{};
  const auto link = fmt::format("/proc/self/fd/{}", descriptor);
  const auto size = ::readlink(link.c_str(), name.data(), name.size());
  const std::string_view path(name.data(), static_cast<std::size_t>(std::max<::ssize_t>(size, 0)));
  const bool is_log = path.ends_with(".wal");
  const bool is_file = file_syncs_fail && path.ends_with(".duckdb");
  const bool is_folder = folder_syncs_fail && std::filesystem::is_directory(link);
  if ((is_log && log_syncs_fail) || is_folder || is_file) {
    errno = EIO;
    return -1;
  }
  if (is_log) ++log_syncs;
  return static_cast<int>(::syscall(SYS_fsync, descriptor));
}

/// A disk that is full at this size of a file: at some the write-ahead log fails, at others a checkpoint.
class FullDisk : public ::testing::TestWithParam<::rlim_t> {};
INSTANTIATE_TEST_SUITE_P(AtSize, FullDisk,
                         ::testing::Values(100'000, 300'000, 600'000, 1'300'000, 1'900'000, 2'500'000));

TEST_P(FullDisk, refuses_commits_whole_and_they_work_again_when_there_is_space) {
  const TemporaryFolder folder;
  const int status = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    auto store = open_in(folder);
    const auto limit = [](::rlim_t bytes) {
      const ::rlimit wanted{bytes, RLIM_INFINITY};
      return ::setrlimit(RLIMIT_FSIZE, &wanted) == 0;
    };
    if (!limit(GetParam())) return 1;
    std::int64_t committed = 0;
    int refused = 0;
    for (int tries = 0; tries < 200 && refused < 5; ++tries) {
      try {
        commit_batch(*store, committed + 1, 200);
        ++committed;
      } catch (const Unavailable&) {
        ++refused;
      }
    }
    if (refused == 0) return 2;
    if (!limit(RLIM_INFINITY)) return 3;
    for (int more = 0; more < 10; ++more) commit_batch(*store, ++committed, 200);
    expect_whole(*store, committed);
    store.reset();
    store = open_in(folder);
    expect_whole(*store, committed);
    if (number(*store, "SELECT max(reached) FROM offsets") != committed) return 4;
    return ::testing::Test::HasFailure() ? 5 : 0;
  });
  EXPECT_EQ(status, 0);
}

TEST_P(FullDisk, leaves_everything_as_it_was_when_compacting_does_not_fit) {
  const TemporaryFolder folder;
  const int status = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    auto store = open_in(folder);
    for (std::int64_t batch = 1; batch <= 60; ++batch) commit_batch(*store, batch, 2'000);
    const ::rlimit narrow{GetParam(), RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &narrow) != 0) return 1;
    bool refused = false;
    try {
      store->compact({});
    } catch (const Unavailable&) {
      refused = true;
    }
    if (!refused) return 2;
    expect_whole(*store, 60);
    const ::rlimit wide{RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &wide) != 0) return 3;
    commit_batch(*store, 61, 20);
    store->compact({});
    expect_whole(*store, 61);
    store.reset();
    expect_whole(*open_in(folder), 61);
    return ::testing::Test::HasFailure() ? 4 : 0;
  });
  EXPECT_EQ(status, 0);
}

/// Commits batches with rows of somebody else between them, which it deletes, and compacts all the time.
[[noreturn]] void compact_for_ever(const TemporaryFolder& folder, int told, const std::string& needle) {
  const auto store = open_in(folder);
  for (std::int64_t batch = number(*store, "SELECT max(reached) FROM offsets") + 1;; ++batch) {
    Batch secret{.table = "numbers", .rows = 1, .columns = std::vector<Cells>(3)};
    secret.columns[0].numbers = {-1};
    secret.columns[1].texts = {needle};
    secret.columns[2].maps = {{{"who", needle}}};
    const std::vector<Step> written{std::move(secret)};
    store->commit(written);
    commit_batch(*store, batch, 200);
    const std::vector<Step> deleted{Statement{"DELETE FROM numbers WHERE batch = -1", {}}};
    store->commit(deleted);
    if (::write(told, &batch, sizeof batch) != sizeof batch) ::_exit(2);
    std::thread writer([&] { commit_batch(*store, ++batch, 200); });
    store->compact({});
    writer.join();
    if (::write(told, &batch, sizeof batch) != sizeof batch) ::_exit(2);
  }
}

TEST(CrashedColumns, killed_while_it_compacts_it_loses_nothing_and_deleted_rows_go_with_the_next_time) {
  const std::string needle = "needle-of-a-visitor-who-wants-to-be-forgotten";
  const TemporaryFolder folder;
  std::mt19937_64 random(5);
  std::int64_t acknowledged = 0;
  for (int round = 0; round < 25; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const ::pid_t child = ::fork();
    if (child == 0) compact_for_ever(folder, ends[1], needle);
    ::close(ends[1]);
    std::int64_t batch = 0;
    for (std::uint64_t left = 1 + random() % 4; left > 0; --left) {
      ASSERT_EQ(::read(ends[0], &batch, sizeof batch), static_cast<::ssize_t>(sizeof batch));
      acknowledged = batch;
    }
    // Somewhere in the middle, further each time.
    for (std::uint64_t spin = random() % 40'000'000; spin > 0; --spin) asm volatile("");
    ::kill(child, SIGKILL);
    while (::read(ends[0], &batch, sizeof batch) == sizeof batch) acknowledged = batch;
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "round " << round << " status " << status;
    const int judged = in_child([&] {
      const auto store = open_in(folder);
      const auto reached = number(*store, "SELECT max(reached) FROM offsets");
      EXPECT_GE(reached, acknowledged);
      const std::vector<Step> deleted{Statement{"DELETE FROM numbers WHERE batch = -1", {}}};
      store->commit(deleted);
      expect_whole(*store, reached);
      if (round % 5 == 4) {
        store->compact({});
        EXPECT_FALSE(mainstay::testing::folder_holds(folder.path(), needle));
        expect_whole(*store, reached);
      }
      return ::testing::Test::HasFailure() ? 1 : 0;
    });
    ASSERT_EQ(judged, 0) << "round " << round;
  }
}

TEST(CrashedColumns, what_a_failed_sync_left_is_made_durable_before_it_is_believed) {
  const TemporaryFolder folder;
  const int status = in_child([&] {
    auto store = open_in(folder);
    commit_batch(*store, 1, 20);
    log_syncs_fail = true;
    EXPECT_THROW(commit_batch(*store, 2, 20), Unavailable);
    EXPECT_THROW(number(*store, "SELECT max(reached) FROM offsets"), Unavailable) << "nobody knows what is on the disk";
    log_syncs_fail = false;
    const int before = log_syncs;
    const auto reached = number(*store, "SELECT max(reached) FROM offsets");
    EXPECT_GT(log_syncs, before) << "it was read back without being synced";
    EXPECT_GE(reached, 1);
    EXPECT_LE(reached, 2);
    expect_whole(*store, reached);
    commit_batch(*store, reached + 1, 20);
    store.reset();
    store = open_in(folder);
    expect_whole(*store, reached + 1);
    return ::testing::Test::HasFailure() ? 1 : 0;
  });
  EXPECT_EQ(status, 0);
}

TEST(CrashedColumns, nothing_is_committed_to_a_new_file_before_its_place_is_durable) {
  const TemporaryFolder folder;
  const int status = in_child([&] {
    auto store = open_in(folder);
    commit_batch(*store, 1, 20);
    folder_syncs_fail = true;
    EXPECT_THROW(store->compact({}), Unavailable);
    EXPECT_THROW(commit_batch(*store, 2, 20), Unavailable);
    folder_syncs_fail = false;
    expect_whole(*store, 1);
    commit_batch(*store, 2, 20);
    store->compact({});
    store.reset();
    store = open_in(folder);
    expect_whole(*store, 2);
    return ::testing::Test::HasFailure() ? 1 : 0;
  });
  EXPECT_EQ(status, 0);
}

TEST(CrashedColumns, a_folder_in_use_is_refused_to_another_process) {
  const TemporaryFolder folder;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const ::pid_t other = ::fork();  // before this process has threads
  if (other == 0) {
    char go = 0;
    if (::read(ends[0], &go, 1) != 1) ::_exit(3);
    try {
      (void)open_in(folder);
      ::_exit(1);
    } catch (const Unavailable&) {
      ::_exit(0);
    }
  }
  const auto store = open_in(folder);
  ASSERT_EQ(::write(ends[1], "g", 1), 1);
  int status = -1;
  ASSERT_EQ(::waitpid(other, &status, 0), other);
  EXPECT_EQ(status, 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace mainstay::columns::duckdb

extern "C" int fsync(int descriptor) { return mainstay::columns::duckdb::sync_log_or_refuse(descriptor); }
extern "C" int fdatasync(int descriptor) { return mainstay::columns::duckdb::sync_log_or_refuse(descriptor); }
