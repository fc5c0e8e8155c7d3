#include "runtime/scheduling.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <thread>

namespace mainstay {
namespace {

std::set<std::size_t> allowed_processors() {
  cpu_set_t allowed;
  EXPECT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
  std::set<std::size_t> found;
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) found.insert(cpu);
  }
  return found;
}

std::string name() {
  char text[16] = {};
  pthread_getname_np(pthread_self(), text, sizeof text);
  return text;
}

int nice_of_this_thread() { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); }

TEST(Scheduling, as_many_threads_as_processors_have_one_each) {
  const auto all = allowed_processors();
  EXPECT_EQ(processors(), all.size());
  std::set<std::size_t> taken;
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::jthread([&] {
      keep_to_processor(i, all.size());
      const auto own = allowed_processors();
      EXPECT_EQ(own.size(), 1U);
      taken.merge(std::set(own));
    }).join();
  }
  EXPECT_EQ(taken, all);
}

TEST(Scheduling, more_or_fewer_threads_are_left_to_the_kernel) {
  const auto all = allowed_processors();
  std::jthread([&] {
    keep_to_processor(0, all.size() + 1);
    EXPECT_EQ(allowed_processors(), all);
    keep_to_processor(all.size(), all.size());
    EXPECT_EQ(allowed_processors(), all);
  }).join();
}

TEST(Scheduling, background_gives_way_and_urgent_does_not) {
  const int before = nice_of_this_thread();
  std::jthread([before] {
    become_urgent_thread("urgent");
    EXPECT_EQ(name(), "urgent");
    EXPECT_EQ(nice_of_this_thread(), before);
    become_background_thread("behind");
    EXPECT_EQ(name(), "behind");
    EXPECT_EQ(nice_of_this_thread(), std::max(before, kBackgroundNice));
  }).join();
  EXPECT_EQ(nice_of_this_thread(), before);
}

/// Of sched_getattr(2), in ns; 0 before Linux 6.12.
std::uint64_t turn_of_this_thread() {
  std::array<std::uint64_t, 7> attributes{};
  EXPECT_EQ(::syscall(SYS_sched_getattr, 0, attributes.data(), sizeof attributes, 0), 0);
  return attributes[3];
}

TEST(Scheduling, an_urgent_thread_has_short_turns_and_what_it_starts_has_not) {
  const auto usual = turn_of_this_thread();
  std::jthread([usual] {
    become_urgent_thread("urgent");
    if (usual > 0) EXPECT_LT(turn_of_this_thread(), usual);
    std::jthread([usual] { EXPECT_EQ(turn_of_this_thread(), usual); }).join();
  }).join();
}

}  // namespace
}  // namespace mainstay
