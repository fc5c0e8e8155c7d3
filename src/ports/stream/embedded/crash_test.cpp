#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <random>

#include "ports/stream/embedded/embedded.h"
#include "runtime/io_threads.h"
#include "runtime/task_group.h"
#include "testing/manual_clock.h"
#include "testing/run_task.h"
#include "testing/temporary_folder.h"

namespace mainstay::stream::embedded {
namespace {

using mainstay::testing::ManualClock;
using mainstay::testing::run;
using mainstay::testing::TemporaryFolder;

constexpr std::chrono::seconds kLong{60};
constexpr std::size_t kBytes = 256 << 20;

/// What a child reports for each answered append, in one atomic write to a pipe.
struct Acknowledged {
  Offset offset;
  std::uint64_t token;  ///< the record holds it in decimal
};

/// Appends from many coroutines until it is killed.
[[noreturn]] void append_forever(const std::filesystem::path& folder, int report, std::uint64_t round) {
  ManualClock clock;
  const auto stream =
      embedded::open({.folder = folder, .clock = &clock, .segment_bytes = 256 << 10, .spare_from = 64 << 10});
  IoThreads threads(2);
  TaskGroup group("appenders");
  for (std::uint64_t a = 0; a < 64; ++a) {
    group.spawn(threads.executor(a % 2), [&, a]() -> Task<> {
      for (std::uint64_t i = 0;; ++i) {
        const std::uint64_t token = (round << 48) | (a << 32) | i;
        const auto offset = co_await stream->append(std::to_string(token) + std::string(token % 300, '.'));
        const Acknowledged message{offset.value(), token};
        if (::write(report, &message, sizeof message) != sizeof message) ::_exit(2);
      }
    });
  }
  for (;;) ::pause();
}

TEST(CrashedStream, what_was_acknowledged_survives_kill_9_at_random_moments) {
  const TemporaryFolder folder;
  ManualClock clock;
  std::mt19937_64 random(20);
  std::map<Offset, std::uint64_t> acknowledged;
  for (std::uint64_t round = 0; round < 20; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const ::pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      append_forever(folder.path(), ends[1], round);
    }
    ::close(ends[1]);
    Acknowledged message{};
    for (std::uint64_t left = 1 + random() % 3'000;; --left) {
      if (left == 0) ::kill(child, SIGKILL);  // go on reading what it had reported
      if (::read(ends[0], &message, sizeof message) != sizeof message) break;
      ASSERT_TRUE(acknowledged.emplace(message.offset, message.token).second) << "offset used twice";
    }
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "round " << round << " status " << status;

    const auto stream = embedded::open({.folder = folder.path(), .clock = &clock});
    ASSERT_FALSE(std::filesystem::exists(folder / "segment.spare"));
    auto expected = acknowledged.begin();
    for (Offset after = 0; after < stream->last();) {
      for (const auto& record : stream->read(after, 10'000, kBytes, kLong)) {
        ASSERT_EQ(record.offset, ++after);
        if (expected == acknowledged.end() || expected->first != after) continue;
        ASSERT_EQ(record.bytes, std::to_string(expected->second) + std::string(expected->second % 300, '.'));
        ++expected;
      }
    }
    ASSERT_EQ(expected, acknowledged.end()) << "record " << expected->first << " was acknowledged and is gone";
  }
}

/// Runs `body` in a child of its own; its answer is the exit status.
int in_child(const std::function<int()>& body) {
  const ::pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(CrashedStream, a_limit_of_the_operating_system_refuses_appends_until_it_is_lifted) {
  const TemporaryFolder folder;
  const int status = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    ManualClock clock;
    const auto stream = embedded::open({.folder = folder.path(), .clock = &clock});
    const auto limit = [](::rlim_t bytes) {
      const ::rlimit wanted{bytes, RLIM_INFINITY};
      return ::setrlimit(RLIMIT_FSIZE, &wanted) == 0;
    };
    if (!limit(100'000)) return 1;
    int kept = 0;
    try {
      for (; kept < 20; ++kept) run(stream->append(std::string(10'000, 'x'))).value();
      return 2;
    } catch (const Unavailable&) {
      if (kept != 9) return 3;
    }
    if (!limit(RLIM_INFINITY)) return 4;
    if (run(stream->append("more")).value() != 10) return 5;
    return stream->read(9, 1, kBytes, kLong).at(0).bytes == "more" ? 0 : 6;
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace mainstay::stream::embedded
