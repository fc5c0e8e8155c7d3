#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/limits.h"
#include "http/router.h"
#include "ports/bus/bus.h"
#include "ports/clock/clock.h"
#include "ports/random/random.h"
#include "runtime/io_threads.h"
#include "runtime/metrics.h"

namespace mainstay::http {

struct Tls {
  std::string certificate_path;  ///< PEM chain; read again when it changes (reload without dropping connections)
  std::string key_path;
};

/// The HTTP/1.1 server: one acceptor per I/O thread (SO_REUSEPORT), connections live on their thread.
///
/// Lifetime: made by app/, started once. Stops gracefully: `drain` ends accepts, lets requests in flight finish
/// until the deadline, closes idle connections and live streams at once.
class Server {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 8080;     ///< 0: any free port, see `port()`
    std::string unix_socket = "";  ///< also listen there (0600); its peer is `owner` by file permission
    std::vector<std::string> trusted_proxies{"127.0.0.0/8", "::1/128"};
    std::optional<Tls> tls;
    Limits limits;
  };
  Server(Options options, const Router& router, Authenticator& authenticator, bus::Bus& bus, clock::Clock& clock,
         random::Random& random, metrics::Registry& metrics, IoThreads& threads);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds and listens. Throws std::system_error with the address in its text.
  void start();
  [[nodiscard]] std::uint16_t port() const;
  /// False once draining: /readyz answers 503.
  [[nodiscard]] bool ready() const;
  /// Accepts nothing more and waits for what is under way, which is cut off after `patience`. False when a handler
  /// still runs some seconds later: then nothing that it may use can be destroyed.
  bool drain(std::chrono::milliseconds patience);
  /// Reads the TLS files again (SIGHUP); keeps the old ones and logs when they are wrong.
  void reload_tls();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::http
