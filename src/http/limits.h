#pragma once

#include <chrono>
#include <cstddef>

namespace mainstay::http {

/// Limits on everything from outside; each has a metric and a documented answer.
struct Limits {
  std::size_t connections_max = 20'000;               ///< beyond: accepted and closed with 503
  std::size_t header_bytes_max = 16 << 10;            ///< request line and fields; 431
  std::size_t target_bytes_max = 8 << 10;             ///< 414
  std::size_t body_memory_bytes = 128 << 20;          ///< of all bodies together; 503 beyond
  std::chrono::milliseconds header_patience{10'000};  ///< from the first byte (and the TLS handshake): 408 and close
  std::chrono::milliseconds body_patience{30'000};    ///< for the whole body: 408 and close
  std::chrono::milliseconds idle_patience{75'000};    ///< keep-alive: closed without a word
  std::chrono::milliseconds write_patience{30'000};  ///< a client that takes nothing of an answer for so long is closed
  std::chrono::milliseconds handler_patience{60'000};  ///< 503 and close; what the handler still does is dropped
  /// Per client address (IPv4 /32, IPv6 /64): 429. 0: no limit. Trusted proxies that speak for themselves
  /// (by default: programs on this machine) are not limited.
  double requests_per_second = 2'000;
  double requests_burst = 10'000;
  std::chrono::milliseconds live_ping{20'000};   ///< between pings to an idle live stream
  std::chrono::milliseconds live_interval{250};  ///< between two messages of one subject to one watcher
  std::size_t live_backlog_max = 256;            ///< messages waiting for one slow live stream
};

}  // namespace mainstay::http
