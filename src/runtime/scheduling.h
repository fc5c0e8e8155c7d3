#pragma once

#include <cstddef>

/// How a thread stands to the kernel's scheduler. All of it are hints for the calling thread: what a kernel does not
/// know or does not allow changes speed and nothing else. docs/decisions/scheduling.md says why.
namespace mainstay {

inline constexpr int kBackgroundNice = 15;

/// For a thread that works little and often while many wait for it: names it (15 characters) and asks to run at once
/// when it wakes, in turns shorter than others' (Linux 6.12 and later). Threads that it starts do not.
void become_urgent_thread(const char* name);

/// For what can wait: names the thread and lets those that answer requests go first when there is not enough processor
/// for all. Not the lowest priority: these threads share locks with those that answer, of the allocator at
/// least, and one that is put aside while it holds such a lock must get its next turn soon. Threads that it starts give
/// way as well, and none can take that back.
void become_background_thread(const char* name, int nice = kBackgroundNice);

/// Processors that this program may use; at least 1.
[[nodiscard]] std::size_t processors();

/// Keeps the `index`th of `count` threads, and what it starts, to a processor of its own, when there are exactly as
/// many processors as threads; otherwise the kernel chooses. It likes to put a thread beside the one that wakes it, and
/// so all on one processor.
void keep_to_processor(std::size_t index, std::size_t count);

}  // namespace mainstay
