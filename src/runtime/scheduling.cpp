#include "runtime/scheduling.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <thread>

namespace mainstay {
namespace {

constexpr std::uint64_t kNotInherited = 1;  ///< SCHED_FLAG_RESET_ON_FORK
constexpr std::uint64_t kTurnNanoseconds = 100'000;

/// sched_setattr(2) in its first version; the kernel's header of it cannot be included beside <sched.h>.
struct SchedulerAttributes {
  std::uint32_t size;
  std::uint32_t policy;
  std::uint64_t flags;
  std::int32_t nice;
  std::uint32_t priority;
  std::uint64_t runtime;  ///< ns; of a normal thread its turn
  std::uint64_t deadline;
  std::uint64_t period;
};

}  // namespace

void become_urgent_thread(const char* name) {
  pthread_setname_np(pthread_self(), name);
  SchedulerAttributes attributes{};
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  attributes.flags |= kNotInherited;
  attributes.runtime = kTurnNanoseconds;
  ::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void become_background_thread(const char* name, int nice) {
  pthread_setname_np(pthread_self(), name);
  const auto self = static_cast<id_t>(::gettid());
  ::setpriority(PRIO_PROCESS, self, std::max(::getpriority(PRIO_PROCESS, self), nice));
}

std::size_t processors() {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return std::max(1U, std::thread::hardware_concurrency());
  return static_cast<std::size_t>(CPU_COUNT(&allowed));
}

void keep_to_processor(std::size_t index, std::size_t count) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  if (static_cast<std::size_t>(CPU_COUNT(&allowed)) != count) return;
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || index-- != 0) continue;
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(cpu, &own);
    ::sched_setaffinity(0, sizeof own, &own);
    return;
  }
}

}  // namespace mainstay
