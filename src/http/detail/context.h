#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "http/body_budget.h"
#include "http/detail/live_log.h"
#include "http/detail/tls_context.h"
#include "http/dispatch.h"
#include "http/limits.h"
#include "http/network.h"
#include "http/rate_limit.h"
#include "http/server.h"
#include "ports/clock/clock.h"
#include "ports/random/random.h"
#include "runtime/metrics.h"
#include "runtime/task_group.h"

namespace mainstay::http::detail {

/// What all I/O threads of one server share. Made by Server; read only but for the atomics and what locks by itself.
struct Context {
  Context(Server::Options options_in, const Router& router, Authenticator& authenticator, bus::Bus& bus,
          clock::Clock& clock_in, random::Random& random_in, metrics::Registry& metrics_in);

  const Server::Options options;
  const std::vector<Network> trusted;
  Dispatcher dispatcher;
  std::unique_ptr<RateLimit> rate_limit;  ///< null: no limit
  BodyBudget bodies;
  clock::Clock& clock;
  random::Random& random;
  LiveLog live_log;
  std::unique_ptr<TlsContext> tls;  ///< null: plain HTTP
  metrics::Registry& metrics;
  TaskGroup tasks{"http"};
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> live_streams{0};
  std::atomic<bool> draining{false};
};

/// Holds one of `Limits::connections_max` places for as long as a connection lives, live streams included.
class ConnectionPlace {
 public:
  explicit ConnectionPlace(std::shared_ptr<Context> context) : context_(std::move(context)) { ++context_->connections; }
  ~ConnectionPlace() {
    if (context_) --context_->connections;
  }
  ConnectionPlace(ConnectionPlace&&) noexcept = default;
  ConnectionPlace& operator=(ConnectionPlace&&) = delete;

 private:
  std::shared_ptr<Context> context_;  ///< shared with the server and its connections
};

}  // namespace mainstay::http::detail
