#include "ports/sql/sqlite/sqlite.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <thread>

#include "ports/sql/contract.h"
#include "ports/sql/durability_contract.h"
#include "ports/sql/migration_contract.h"
#include "ports/sql/sqlite/connection.h"
#include "testing/folder_search.h"
#include "testing/temporary_folder.h"

/// SQLite's fsync comes by here, to be counted and to be refused.
static std::atomic<int> syncs_asked{0};
static std::atomic<bool> syncs_fail{false};
extern "C" int fsync(int file) {
  ++syncs_asked;
  if (syncs_fail) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fsync, file));
}
extern "C" int fdatasync(int file) { return fsync(file); }

namespace mainstay::sql {
namespace {

class SqliteEngine final : public ContractEngine {
 public:
  using ContractEngine::open;
  std::unique_ptr<Database> open(Size size) override {
    return sqlite::open({.path = folder_ / "main.db", .readers = size.threads, .queue_max = size.queue_max});
  }

 private:
  testing::TemporaryFolder folder_;
};

std::unique_ptr<ContractEngine> make_sqlite() { return std::make_unique<SqliteEngine>(); }

}  // namespace

INSTANTIATE_TEST_SUITE_P(Sqlite, SqlContract, ::testing::Values(make_sqlite));

namespace sqlite {
namespace {

class SqliteTest : public ::testing::Test {
 protected:
  std::unique_ptr<Database> open_with_tables() {
    auto database = open({.path = path_});
    database->migrate({&kContractTables, 1});
    return database;
  }
  testing::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "main.db";
};

TEST(SqliteVersion, one_that_can_corrupt_a_database_is_refused) {
  EXPECT_THROW(require_safe_version(3'051'002), std::runtime_error);
  EXPECT_THROW(require_safe_version(3'040'001), std::runtime_error);
  EXPECT_NO_THROW(require_safe_version(3'051'003));
}

TEST_F(SqliteTest, a_new_file_is_private_to_its_owner) {
  open_with_tables();
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(SqliteTest, a_file_that_cannot_be_opened_is_unavailable) {
  EXPECT_THROW(static_cast<void>(open({.path = folder_ / "no" / "such" / "folder.db"})), Unavailable);
}

TEST_F(SqliteTest, a_file_that_is_no_database_is_unavailable_and_left_alone) {
  std::FILE* file = std::fopen(path_.c_str(), "w");
  for (int i = 0; i < 1000; ++i) std::fputs("precious text ", file);
  std::fclose(file);
  EXPECT_THROW(static_cast<void>(open_with_tables()), Unavailable);
  EXPECT_EQ(std::filesystem::file_size(path_), 14'000U);
}

constexpr std::string_view kNeedle = "a salt that nobody may ever read again";

void write_needle(Database& database) {
  testing::run(database.write([](Tx& tx) { tx.execute("insert into things (id, name) values (1, $1)", kNeedle); }));
}
void delete_needle(Database& database) {
  testing::run(database.write([](Tx& tx) { tx.execute("delete from things where id = 1"); }));
}

TEST_F(SqliteTest, what_was_deleted_leaves_every_file_while_the_database_is_open) {
  open_with_tables().reset();
  const auto database = open({.path = path_, .scrub_after = std::chrono::milliseconds{1}});
  for (int round = 0; round < 3; ++round) {
    write_needle(*database);
    EXPECT_TRUE(testing::folder_holds(folder_.path(), kNeedle)) << "the test looks at the right files";
    delete_needle(*database);
    while (testing::folder_holds(folder_.path(), kNeedle)) std::this_thread::yield();
  }
  EXPECT_EQ(testing::run(database->read([](Tx& tx) { return tx.find("select count(*) from things")->integer(0); })), 0);
}

TEST_F(SqliteTest, what_was_deleted_leaves_every_file_also_when_a_read_held_it_up) {
  open_with_tables().reset();
  const auto database = open({.path = path_, .scrub_after = std::chrono::milliseconds{1}});
  write_needle(*database);
  testing::run(database->read([&](Tx& tx) {
    EXPECT_EQ(tx.find("select count(*) from things")->integer(0), 1);
    std::jthread([&] {  // more than one commit: the writer does not wait for readers
      delete_needle(*database);
      for (int i = 2; i < 50; ++i) {
        testing::run(database->write([i](Tx& other) { other.execute("insert into things (id) values ($1)", i); }));
      }
    })
        .join();
    EXPECT_EQ(tx.find("select count(*) from things where id = 1")->integer(0), 1);
  }));
  while (testing::folder_holds(folder_.path(), kNeedle)) std::this_thread::yield();
}

TEST_F(SqliteTest, what_was_deleted_before_a_kill_leaves_every_file_at_the_next_start) {
  open_with_tables().reset();
  const auto child = start_child([&] {
    const auto database = open({.path = path_});
    write_needle(*database);
    delete_needle(*database);
    ::kill(::getpid(), SIGKILL);
  });
  EXPECT_EQ(end_of(child), -SIGKILL);
  EXPECT_TRUE(testing::folder_holds(folder_.path(), kNeedle)) << "the log still has it";
  const auto database = open({.path = path_, .scrub_after = std::chrono::milliseconds{1}});
  while (testing::folder_holds(folder_.path(), kNeedle)) std::this_thread::yield();
}

/// Keeps the writer in a body until `work` has put more bodies into its queue.
template <class Work>
void while_the_writer_is_busy(Database& database, const Work& work) {
  std::latch busy{1};
  std::latch queued{1};
  std::jthread first([&] {
    testing::run(database.write([&](Tx&) {
      busy.count_down();
      queued.wait();
    }));
  });
  busy.wait();
  work(queued);
}

Task<> open_gate(std::latch& gate) {
  gate.count_down();
  co_return;
}

TEST_F(SqliteTest, bodies_that_wait_share_one_commit) {
  const auto database = open_with_tables();
  const auto other = open({.path = path_});
  const auto count = [](Tx& tx) { return tx.find("select count(*) from things")->integer(0); };
  constexpr int kBodies = 100;
  std::int64_t seen_inside = 0;
  std::int64_t seen_outside = 0;
  const int syncs_before = syncs_asked;
  while_the_writer_is_busy(*database, [&](std::latch& queued) {
    std::vector<Task<>> tasks;
    for (int i = 0; i < kBodies; ++i) {
      tasks.push_back(database->write([&, i](Tx& tx) {
        tx.execute("insert into things (id) values ($1)", i);
        if (i < kBodies - 1) return;
        seen_inside = count(tx);
        seen_outside = testing::run(other->read(count));
      }));
    }
    tasks.push_back(open_gate(queued));
    testing::run_all(std::move(tasks));
  });
  EXPECT_EQ(seen_inside, kBodies);
  EXPECT_EQ(seen_outside, 0);
  EXPECT_LT(syncs_asked - syncs_before, 5);
  EXPECT_EQ(testing::run(other->read(count)), kBodies);
}

TEST_F(SqliteTest, a_write_completes_after_the_disk_has_synced) {
  const auto database = open_with_tables();
  for (int i = 0; i < 10; ++i) {
    const int before = syncs_asked;
    testing::run(database->write([i](Tx& tx) { tx.execute("insert into things (id) values ($1)", i); }));
    EXPECT_GT(syncs_asked, before);
  }
}

TEST_F(SqliteTest, when_the_commit_fails_the_whole_group_is_unavailable_and_nothing_of_it_is_kept) {
  const auto database = open_with_tables();
  const auto count = [](Tx& tx) { return tx.find("select count(*) from things")->integer(0); };
  std::vector<std::string> outcomes;
  syncs_fail = true;
  while_the_writer_is_busy(*database, [&](std::latch& queued) {
    std::vector<Task<std::string>> tasks;
    for (int i = 0; i < 20; ++i) {
      tasks.push_back(outcome_of(database->write([i](Tx& tx) -> Result<int> {
        tx.execute("insert into things (id) values ($1)", i);
        if (i % 2 == 0) return refuse(Refusal::kConflict, "contract.no", "No.");
        return 0;
      })));
    }
    tasks.push_back([](std::latch& gate) -> Task<std::string> {
      gate.count_down();
      co_return "unavailable";
    }(queued));
    outcomes = testing::run_all(std::move(tasks));
  });
  syncs_fail = false;
  EXPECT_EQ(std::ranges::count(outcomes, "unavailable"), 21);
  EXPECT_EQ(testing::run(database->read(count)), 0);
  testing::run(database->write([](Tx& tx) { tx.execute("insert into things (id) values (100)"); }));
  EXPECT_EQ(testing::run(open({.path = path_})->read(count)), 1);
}

TEST_F(SqliteTest, a_statement_that_does_not_end_is_unavailable) {
  Connection connection(path_, Access::kWrite);
  connection.set_patience(milliseconds{20});
  const auto endless = "with recursive n (i) as (select 1 union all select i + 1 from n) select sum(i % 2) from n";
  EXPECT_THROW(static_cast<void>(connection.run(endless, {})), Unavailable);
  EXPECT_EQ(connection.run("select 1", {}).rows.front().integer(0), 1);
}

TEST_F(SqliteTest, a_read_waits_for_no_write) {
  const auto database = open_with_tables();
  const auto count = [](Tx& tx) { return tx.find("select count(*) from things")->integer(0); };
  const auto seen = testing::run(database->write([&](Tx& tx) {
    tx.execute("insert into things (id) values (1)");
    return testing::run(database->read(count));
  }));
  EXPECT_EQ(seen, 0);
}

TEST_F(SqliteTest, another_process_that_writes_is_waited_for) {
  open_with_tables();
  NumberPipe ready;
  const auto child = start_child([&] {
    const auto database = open({.path = path_});
    testing::run(database->write([&](Tx& tx) {
      tx.execute("insert into things (id) values (1)");
      ready.say(1);
      ::usleep(200'000);  // the other side meets a lock that is held
    }));
  });
  ready.hear();
  const auto database = open({.path = path_});
  testing::run(database->write([](Tx& tx) { tx.execute("insert into things (id) values (2)"); }));
  EXPECT_EQ(end_of(child), 0);
  EXPECT_EQ(testing::run(database->read([](Tx& tx) { return tx.query("select id from things").size(); })), 2U);
}

void limit_file_size(rlim_t bytes) {
  const rlimit limit{.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
  if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) throw std::runtime_error("setrlimit failed");
}

/// Writes until the disk is full, and on after it has room again; says what was acknowledged.
void write_on_a_full_disk(const std::filesystem::path& path, NumberPipe& pipe) {
  ::signal(SIGXFSZ, SIG_IGN);
  limit_file_size(300'000);
  const auto database = open({.path = path});
  const auto insert = [&](std::int64_t number) {
    return outcome_of(database->write([number](Tx& tx) -> Result<int> {
      tx.execute("insert into things (id, data) values ($1, $2)", number, Bytes(1000));
      return 0;
    }));
  };
  std::int64_t number = 0;
  int refused = 0;
  for (int round = 0; round < 50; ++round) {
    if (round == 40) limit_file_size(RLIM_INFINITY);
    std::vector<Task<std::string>> tasks;
    const auto first = number;
    for (int i = 0; i < 20; ++i) tasks.push_back(insert(number++));
    const auto outcomes = testing::run_all(std::move(tasks));
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (outcomes[i] == "value") pipe.say(first + static_cast<std::int64_t>(i));
      if (outcomes[i] == "unavailable") ++refused;
      if (round >= 40 && outcomes[i] != "value") throw std::runtime_error("it did not recover: " + outcomes[i]);
    }
    const auto readable = testing::run(database->read([](Tx& tx) { return tx.query("select id from things").size(); }));
    if (readable + static_cast<std::size_t>(refused) != static_cast<std::size_t>(number)) {
      throw std::runtime_error("what was refused was kept");
    }
  }
  if (refused == 0) throw std::runtime_error("the disk was never full");
}

TEST_F(SqliteTest, a_full_disk_is_unavailable_loses_nothing_and_is_recovered_from) {
  open_with_tables();
  NumberPipe pipe;
  const auto child = start_child([&] { write_on_a_full_disk(path_, pipe); });
  pipe.close_writing();
  std::set<std::int64_t> acknowledged;
  while (const auto number = pipe.hear()) acknowledged.insert(*number);
  EXPECT_EQ(end_of(child), 0);
  EXPECT_GE(acknowledged.size(), 200U);
  const auto database = open({.path = path_});
  std::set<std::int64_t> stored;
  for (const auto& row : testing::run(database->read([](Tx& tx) { return tx.query("select id from things"); }))) {
    stored.insert(row.integer(0));
  }
  EXPECT_EQ(stored, acknowledged);
}

}  // namespace
}  // namespace sqlite
}  // namespace mainstay::sql
