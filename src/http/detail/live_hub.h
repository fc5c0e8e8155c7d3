#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "http/detail/byte_stream.h"
#include "http/detail/context.h"
#include "http/detail/live_log.h"
#include "http/detail/live_stream.h"
#include "http/message.h"

namespace mainstay::http::detail {

class Worker;

/// The streams that watch the same subjects in the same way.
struct LiveGroup {
  Transport transport;
  LiveBody::Delivery delivery;
  std::vector<std::string> patterns;
  std::unique_ptr<LiveLog::Watch> watch;
  struct Subject {
    std::chrono::steady_clock::time_point sent_at;
    std::optional<bus::Message> held;  ///< newer than what was sent, waiting for its turn
  };
  std::map<std::string, Subject, std::less<>> subjects;
  std::vector<std::shared_ptr<LiveStream>> streams;
};

/// All live streams of one I/O thread. Streams that watch the same subjects in the same way form a group: a message is
/// matched, held back and encoded once per group, whatever its size.
///
/// Owned by the thread's Worker. All methods on the I/O thread.
class LiveHub {
 public:
  LiveHub(Worker& worker, LiveLog& log);
  ~LiveHub();
  LiveHub(const LiveHub&) = delete;
  LiveHub& operator=(const LiveHub&) = delete;

  struct Arrival {
    std::unique_ptr<ByteStream> stream;
    ConnectionPlace place;
    Transport transport;
    std::vector<std::string> patterns;
    LiveBody::Delivery delivery;
    std::vector<std::string> ends_with;
    Instant ends_at;
    std::string greeting;          ///< bytes to send first: the head and the snapshot
    std::uint64_t allowed_id = 0;  ///< the log's newest id before the right to watch was looked at
    std::uint64_t after_id = 0;    ///< then what the log has after this id
    std::string input;             ///< bytes the client sent already
  };
  void adopt(Arrival arrival);
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Closes all streams, those of WebSockets with 1001.
  void drain();

  /// Lets go of a stream that has ended.
  void remove(LiveGroup& group, LiveStream& stream);
  [[nodiscard]] Worker& worker() { return worker_; }

 private:
  using Key = std::tuple<Transport, LiveBody::Delivery, std::vector<std::string>>;
  static constexpr std::size_t kInboxMax = 16 << 10;  ///< beyond: the oldest is dropped that ends no right
  static constexpr std::size_t kSubjectsMax = 4096;   ///< of a group; beyond, those at rest are forgotten

  void receive(const bus::Message& message);  ///< on any thread
  void take_inbox();
  void end_streams(std::string_view right);
  void offer(LiveGroup& group, const bus::Message& message);
  void send(LiveGroup& group, const bus::Message& message);
  void flush_held();
  void arm_flush(std::chrono::steady_clock::time_point due);
  LiveGroup& group_of(const Arrival& arrival);

  Worker& worker_;
  LiveLog& log_;
  std::uint64_t listener_ = 0;
  std::map<Key, std::unique_ptr<LiveGroup>> groups_;
  boost::asio::steady_timer flush_timer_;
  std::optional<std::chrono::steady_clock::time_point> flush_due_;
  std::size_t size_ = 0;

  /// What publishers hand over, shared with callbacks that are on their way.
  struct Inbox {
    std::mutex mutex;
    std::deque<bus::Message> messages;
    bool ends_lost = false;  ///< there was no room even for the ends of rights
    bool posted = false;
    LiveHub* hub = nullptr;  ///< null once the hub is gone
  };
  std::shared_ptr<Inbox> inbox_;
  metrics::Counter& dropped_;
};

}  // namespace mainstay::http::detail
