#pragma once

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

namespace mainstay::analytics {

/// Names the calling thread and lets those that answer requests go first when there is not enough processor for all:
/// what it does can wait, since the stream has it.
inline void become_background_thread(const char* name) {
  constexpr int kNice = 19;
  pthread_setname_np(pthread_self(), name);
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
}

}  // namespace mainstay::analytics
