#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <set>

#include "ports/sql/contract.h"

/// What needs processes of its own: the test forks, and the child opens the database by itself.
namespace mainstay::sql {

/// Runs `work` in a child process, which ends with 0, or with 1 when it throws.
inline pid_t start_child(const std::function<void()>& work) {
  std::fflush(nullptr);  // what is buffered is the parent's to say
  const pid_t child = ::fork();
  if (child != 0) return child;
  try {
    work();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "child: %s\n", error.what());
    ::_exit(1);
  }
  ::_exit(0);
}

/// The child's exit code, or minus the signal that ended it.
inline int end_of(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// Numbers that a child says to its parent, one at a time, so that none is lost when it is killed.
class NumberPipe {
 public:
  NumberPipe() {
    if (::pipe(ends_) != 0) throw std::runtime_error("pipe failed");
  }
  ~NumberPipe() {
    ::close(ends_[0]);
    close_writing();
  }
  NumberPipe(const NumberPipe&) = delete;
  NumberPipe& operator=(const NumberPipe&) = delete;

  void say(std::int64_t number) {
    if (::write(ends_[1], &number, sizeof number) != sizeof number) throw std::runtime_error("nobody listens");
  }
  std::optional<std::int64_t> hear() {
    std::int64_t number = 0;
    if (::read(ends_[0], &number, sizeof number) != sizeof number) return std::nullopt;
    return number;
  }
  /// For the parent, so that it hears the end of the child.
  void close_writing() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  int ends_[2] = {-1, -1};
};

/// Writes worker, worker + step, … and says each number once its write has completed.
inline Task<> write_and_tell(Database& database, NumberPipe& pipe, std::int64_t worker, std::int64_t step) {
  for (std::int64_t number = worker;; number += step) {
    co_await database.write([number](Tx& tx) { tx.execute("insert into things (id) values ($1)", number); });
    pipe.say(number);
  }
}

TEST_P(SqlContract, what_was_acknowledged_survives_kill_9) {
  db();
  database_.reset();  // no thread and no connection may be open across the fork
  constexpr int kWorkers = 16;
  NumberPipe pipe;
  const auto child = start_child([&] {
    const auto database = engine_->open();
    std::vector<Task<>> tasks;
    for (int i = 0; i < kWorkers; ++i) tasks.push_back(write_and_tell(*database, pipe, i, kWorkers));
    testing::run_all(std::move(tasks));
  });
  pipe.close_writing();
  std::set<std::int64_t> acknowledged;
  constexpr std::size_t kEnough = 500;
  while (const auto number = pipe.hear()) {
    acknowledged.insert(*number);
    if (acknowledged.size() == kEnough) ::kill(child, SIGKILL);
  }
  EXPECT_EQ(end_of(child), -SIGKILL);
  ASSERT_GE(acknowledged.size(), kEnough);
  std::set<std::int64_t> stored;
  for (const auto& row : testing::run(db().read([](Tx& tx) { return tx.query("select id from things"); }))) {
    stored.insert(row.integer(0));
  }
  for (const auto number : acknowledged) EXPECT_TRUE(stored.contains(number)) << number;
  // At most one write of each worker was under way.
  EXPECT_LE(stored.size(), acknowledged.size() + kWorkers);
}

TEST_P(SqlContract, processes_that_migrate_at_once_apply_each_migration_once) {
  const std::vector<Migration> migrations = {
      {.module = "one", .number = 1, .name = "a", .text = "create table a (id bigint); insert into a values (1)"},
      {.module = "one", .number = 2, .name = "b", .text = "create table b (id bigint); insert into b values (1)"},
      {.module = "one", .number = 3, .name = "c", .text = "insert into a values (2)"}};
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(start_child([&] { engine_->open()->migrate(migrations); }));
  }
  for (const auto child : children) EXPECT_EQ(end_of(child), 0);
  EXPECT_EQ(count_of("a"), 2);
  EXPECT_EQ(count_of("b"), 1);
}

}  // namespace mainstay::sql
