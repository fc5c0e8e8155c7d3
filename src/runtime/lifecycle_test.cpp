#include "runtime/lifecycle.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <future>
#include <stdexcept>

#include "testing/temporary_folder.h"

namespace mainstay {
namespace {

TEST(SignalsTest, sigterm_ends_the_wait) {
  Signals signals(nullptr);
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ(signals.wait_for_stop(), SIGTERM);
}

TEST(SignalsTest, sighup_reloads_and_does_not_stop) {
  std::promise<void> reloaded;
  Signals signals([&] { reloaded.set_value(); });
  ::kill(::getpid(), SIGHUP);
  reloaded.get_future().wait();
  signals.stop();
  EXPECT_EQ(signals.wait_for_stop(), 0);
}

TEST(SignalsTest, a_reload_that_throws_changes_nothing) {
  std::promise<void> second;
  std::atomic<int> calls = 0;
  Signals signals([&] {
    if (++calls == 2) second.set_value();
    throw std::runtime_error("the file is gone");
  });
  ::kill(::getpid(), SIGHUP);
  while (calls == 0) std::this_thread::yield();
  ::kill(::getpid(), SIGHUP);
  second.get_future().wait();
  EXPECT_EQ(calls, 2);
}

TEST(SignalsDeathTest, a_second_sigint_ends_the_process_at_once) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Signals signals(nullptr);
        ::kill(::getpid(), SIGINT);
        signals.wait_for_stop();
        ::kill(::getpid(), SIGINT);
        ::pause();
      },
      ::testing::ExitedWithCode(128 + SIGINT), "second time");
}

TEST(FileLimitTest, the_limit_is_raised_to_what_is_allowed) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(raise_file_limit(), limit.rlim_max);
}

TEST(NotifyTest, the_service_manager_gets_the_state_as_one_datagram) {
  testing::TemporaryFolder folder;
  const auto path = (folder / "notify").string();
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  EXPECT_TRUE(notify_service_manager("READY=1"));
  ::unsetenv("NOTIFY_SOCKET");
  char received[64] = {};
  EXPECT_EQ(::recv(socket, received, sizeof received, 0), 7);
  EXPECT_STREQ(received, "READY=1");
  ::close(socket);
}

TEST(NotifyTest, without_a_service_manager_nothing_is_sent) {
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_FALSE(notify_service_manager("READY=1"));
}

}  // namespace
}  // namespace mainstay
