#pragma once

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mainstay::analytics {

inline constexpr int kBackgroundNice = 5;
/// Of the thread that writes rows: before those that make more of them, which would only wait for it.
inline constexpr int kRowsNice = 2;

/// Names the calling thread and lets those that answer requests go first when there is not enough processor or disk for
/// all: what it does can wait, since the stream has it.
///
/// Not the lowest priority: these threads share locks with those that answer, of the allocator at least. On a busy
/// machine one that is put aside while it holds such a lock gets its next turn after some 20 ms this way, and only
/// after some 400 at the lowest.
inline void become_background_thread(const char* name, int nice = kBackgroundNice) {
  pthread_setname_np(pthread_self(), name);
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nice);
  // Of <linux/ioprio.h>, which is no C++: this thread, class "idle".
  constexpr int kWhoProcess = 1;
  constexpr int kClassIdle = 3 << 13;
  ::syscall(SYS_ioprio_set, kWhoProcess, 0, kClassIdle);
}

}  // namespace mainstay::analytics
