#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "ports/stream/embedded/segments.h"
#include "runtime/task.h"

namespace mainstay::stream::embedded {

/// An append under way. It stands in the frame of the waiting coroutine; from `push` until `resume` runs it
/// belongs to the writer.
struct Waiter {
  using Resume = boost::asio::async_result<boost::asio::use_awaitable_t<>, void()>::handler_type;

  std::string record;
  Executor executor;  ///< where `resume` runs
  std::optional<Resume> resume;
  Waiter* next = nullptr;
  Offset offset = 0;                          ///< the answer, when there is no outage
  std::shared_ptr<const std::string> outage;  ///< why the record was not appended
};

/// The one thread that writes. It takes all waiting records, encodes them into one buffer, writes it with one
/// call, makes it durable with one fdatasync, publishes and answers.
class Writer {
 public:
  /// `on_durable` is called by the writer with the newest durable offset, before appends are answered.
  Writer(const Options& options, Disk& disk, Segments& segments, Tail tail, std::function<void(Offset)> on_durable);
  /// Writes what was pushed, then ends.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Makes room for a record of `bytes`; false when there is none. Must be followed by `push`. Any thread.
  [[nodiscard]] bool admit(std::size_t bytes);
  void push(Waiter& waiter);
  /// Begins another segment soon, unless the newest holds no record. Any thread.
  void roll();

 private:
  /// A run of waiters that becomes durable together: [first, end).
  struct Group {
    Waiter* first = nullptr;
    Waiter* end = nullptr;
    Offset records = 0;
  };

  struct Work {
    Waiter* waiting = nullptr;
    bool roll = false;
  };
  void run();
  [[nodiscard]] Work take_all();
  void roll_now();
  /// Waits, without sleeping, for a group as large as the last one.
  void linger();
  [[nodiscard]] Waiter* commit_group(Waiter* first);
  [[nodiscard]] Group encode(Waiter* first);
  [[nodiscard]] std::error_code make_durable(Waiter* first, Group& group);
  /// Whether a group that begins with `size` bytes does not fit into the segment.
  [[nodiscard]] bool is_full(std::uint64_t size) const;
  void prepare_next();
  [[nodiscard]] std::error_code start_segment();
  [[nodiscard]] std::error_code reserve(std::uint64_t end);
  void abandon_tail();
  void note(std::error_code error);
  void answer(const Group& group, const std::shared_ptr<const std::string>& outage);

  const Options options_;
  Disk& disk_;
  Segments& segments_;
  const std::function<void(Offset)> on_durable_;
  metrics::Counter* records_total_ = nullptr;
  metrics::Histogram* sync_seconds_ = nullptr;

  // Of the writer's thread.
  Tail tail_;
  Spare spare_;
  bool spare_wanted_ = false;  ///< for this segment
  std::size_t last_group_records_ = 0;
  bool distrusted_ = false;  ///< the file must not be written any more
  bool failing_ = false;     ///< the last try failed and was logged
  bool roll_failing_ = false;
  std::string buffer_;

  std::mutex mutex_;
  std::condition_variable wake_;
  Waiter* first_ = nullptr;  ///< the queue, oldest first
  Waiter* last_ = nullptr;
  std::size_t waiting_records_ = 0;
  std::size_t waiting_bytes_ = 0;
  bool asleep_ = false;
  bool roll_ = false;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace mainstay::stream::embedded
