#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ports/bus/bus.h"
#include "ports/clock/clock.h"

namespace mainstay::http::detail {

/// The server's ear on the bus: one subscription for each pattern that somebody watches, a ring of recent messages for
/// those who come back, and the way to every thread's hub.
///
/// It always listens to the ends of rights (http/live.h). A pattern that nobody watches any more is listened to for
/// another minute, so that a browser that reconnects misses nothing. Wire ids are the bus's ids moved by the start of
/// the process in microseconds, so they grow over restarts. Threads: any. Made by the server, destroyed after its hubs.
class LiveLog {
 public:
  static constexpr std::size_t kMessagesMax = 4096;
  static constexpr std::size_t kBytesMax = 8 << 20;
  static constexpr std::size_t kIdlePatternsMax = 64;
  static constexpr std::chrono::seconds kLinger{60};

  /// Called on the publisher's thread, one message at a time; must be quick and not call back.
  using Listener = std::function<void(const bus::Message&)>;

  /// Listens to its patterns for as long as it lives.
  class Watch {
   public:
    Watch(LiveLog& log, std::vector<std::string> patterns) : log_(log), patterns_(std::move(patterns)) {}
    ~Watch() { log_.release(patterns_); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    LiveLog& log_;
    std::vector<std::string> patterns_;
  };

  LiveLog(bus::Bus& bus, clock::Clock& clock);
  ~LiveLog();

  [[nodiscard]] std::unique_ptr<Watch> watch(std::vector<std::string> patterns);
  std::uint64_t add_listener(Listener listener);
  void remove_listener(std::uint64_t key);

  /// The id of the newest message so far, or where ids begin.
  [[nodiscard]] std::uint64_t newest_id() const;
  /// Messages after `id` that match one of `patterns`, oldest first, and the newest id of all at that moment;
  /// an id from the future counts as none. Not whole when messages after `id` have left the ring.
  struct Missed {
    std::vector<bus::Message> messages;
    std::uint64_t newest_id = 0;
    bool whole = true;
  };
  [[nodiscard]] Missed since(std::uint64_t id, const std::vector<std::string>& patterns) const;

 private:
  struct Ear {
    std::unique_ptr<bus::Subscription> subscription;
    std::size_t watchers = 0;
    std::chrono::microseconds idle_since{0};
  };
  void release(const std::vector<std::string>& patterns);
  void sweep();
  void take(const bus::Message& message);

  bus::Bus& bus_;
  clock::Clock& clock_;
  const std::uint64_t first_id_;

  /// Held while calling the bus; never taken from a callback.
  std::mutex ears_mutex_;
  mutable std::mutex ring_mutex_;
  std::deque<bus::Message> ring_;
  std::size_t ring_bytes_ = 0;
  std::uint64_t newest_id_;
  std::uint64_t forgotten_id_ = 0;  ///< the newest that has left the ring
  std::map<std::uint64_t, Listener> listeners_;
  std::uint64_t next_listener_ = 1;
  std::unique_ptr<bus::Subscription> ends_;
  std::map<std::string, Ear, std::less<>> ears_;  ///< last: subscriptions end before what their callbacks touch
};

/// True when one of `patterns` matches `subject`.
[[nodiscard]] bool matches_any(const std::vector<std::string>& patterns, std::string_view subject);

}  // namespace mainstay::http::detail
