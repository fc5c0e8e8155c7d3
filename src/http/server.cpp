#include "http/server.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>
#include <stdexcept>

#include "http/detail/connection.h"
#include "http/detail/context.h"
#include "http/detail/listener.h"
#include "http/detail/worker.h"

namespace mainstay::http {

namespace {

/// A tick is short, so that the watch ends soon after the server does.
constexpr std::chrono::milliseconds kTlsWatchTick{250};
constexpr int kTlsWatchTicks = 20;

/// How long the I/O threads may take to run a few lines of ours.
constexpr std::chrono::seconds kThreadPatience{5};

std::vector<Network> parse_networks(const std::vector<std::string>& texts) {
  std::vector<Network> networks;
  for (const auto& text : texts) {
    const auto network = Network::parse(text);
    if (!network) throw std::invalid_argument("trusted proxy \"" + text + "\" is no address range");
    networks.push_back(*network);
  }
  return networks;
}

std::unique_ptr<RateLimit> make_rate_limit(const Limits& limits, clock::Clock& clock, random::Random& random) {
  if (limits.requests_per_second <= 0) return nullptr;
  return std::make_unique<RateLimit>(clock, RateLimit::Options{.tokens_per_second = limits.requests_per_second,
                                                               .burst_tokens = limits.requests_burst,
                                                               .hash_key = random.bytes<16>()});
}

}  // namespace

detail::Context::Context(Server::Options options_in, const Router& router, Authenticator& authenticator, bus::Bus& bus,
                         clock::Clock& clock_in, random::Random& random_in, metrics::Registry& metrics_in)
    : options(std::move(options_in)),
      trusted(parse_networks(options.trusted_proxies)),
      dispatcher(router, authenticator, metrics_in),
      rate_limit(make_rate_limit(options.limits, clock_in, random_in)),
      bodies(options.limits.body_memory_bytes),
      clock(clock_in),
      random(random_in),
      live_log(bus, clock_in),
      tls(options.tls ? std::make_unique<TlsContext>(*options.tls) : nullptr),
      metrics(metrics_in) {}

namespace {

/// Looks at the certificate's files every few seconds until the server drains.
Task<> watch_tls(std::shared_ptr<detail::Worker> worker) {
  boost::asio::steady_timer timer(worker->executor());
  auto& context = worker->context();
  for (int tick = 1; !context.draining; ++tick) {
    timer.expires_after(kTlsWatchTick);
    co_await timer.async_wait(boost::asio::use_awaitable);
    if (tick % kTlsWatchTicks == 0) context.tls->reload_if_changed();
  }
}

}  // namespace

struct Server::Impl {
  std::shared_ptr<detail::Context> context;  ///< shared with the connections
  IoThreads& threads;
  std::vector<std::shared_ptr<detail::Worker>> workers;
  std::vector<std::shared_ptr<detail::Listener>> listeners;  ///< shared with their tasks
  std::uint16_t port = 0;
  bool started = false;

  void listen(std::size_t worker, detail::Bound bound, detail::Listener::Kind kind) {
    auto listener = std::make_shared<detail::Listener>(workers[worker], bound, kind);
    listeners.push_back(listener);
    context->tasks.spawn(workers[worker]->executor(), [listener] { return listener->run(); });
  }

  /// Runs `act` on every worker's thread and waits.
  void on_every_thread(const std::function<void(std::size_t)>& act) {
    for (std::size_t i = 0; i < workers.size(); ++i) {
      const auto done = std::make_shared<std::promise<void>>();
      auto future = done->get_future();
      boost::asio::post(workers[i]->executor(), [act, done, i] {
        act(i);
        done->set_value();
      });
      future.wait_for(kThreadPatience);
    }
  }
};

Server::Server(Options options, const Router& router, Authenticator& authenticator, bus::Bus& bus, clock::Clock& clock,
               random::Random& random, metrics::Registry& metrics, IoThreads& threads) {
  auto context =
      std::make_shared<detail::Context>(std::move(options), router, authenticator, bus, clock, random, metrics);
  impl_ = std::unique_ptr<Impl>(new Impl{.context = std::move(context), .threads = threads});
  const auto gauge = [&](std::string_view name, std::string_view help, std::size_t (*read)(const detail::Context&)) {
    metrics.gauge(name, help, [weak = std::weak_ptr(impl_->context), read] {
      const auto shared = weak.lock();
      return shared ? static_cast<double>(read(*shared)) : 0.0;
    });
  };
  gauge("mainstay_http_connections", "Open connections, live streams included.",
        [](const detail::Context& shared) { return shared.connections.load(); });
  gauge("mainstay_http_live_streams", "Open live streams.",
        [](const detail::Context& shared) { return shared.live_streams.load(); });
  gauge("mainstay_http_body_bytes", "Memory that bodies of more than 4 KiB hold.",
        [](const detail::Context& shared) { return shared.bodies.bytes(); });
}

Server::~Server() {
  if (impl_->started) drain(std::chrono::milliseconds{0});
}

void Server::start() {
  auto& impl = *impl_;
  const auto& options = impl.context->options;
  impl.port = options.port;
  const auto sockets = detail::bind_tcp(options.host, impl.port, impl.threads.size());
  for (std::size_t i = 0; i < impl.threads.size(); ++i) {
    impl.workers.push_back(std::make_shared<detail::Worker>(impl.threads.executor(i), impl.context));
    impl.listen(i, sockets[i], detail::Listener::Kind::kTcp);
  }
  if (!options.unix_socket.empty()) {
    impl.listen(0, detail::bind_unix(options.unix_socket), detail::Listener::Kind::kLocal);
  }
  if (impl.context->tls) {
    impl.context->tasks.spawn(impl.workers[0]->executor(), [worker = impl.workers[0]] { return watch_tls(worker); });
  }
  impl.started = true;
}

std::uint16_t Server::port() const { return impl_->port; }

bool Server::ready() const { return impl_->started && !impl_->context->draining; }

bool Server::drain(std::chrono::milliseconds patience) {
  auto& impl = *impl_;
  impl.context->draining = true;
  impl.on_every_thread([&](std::size_t i) {
    for (const auto& listener : impl.listeners) {
      if (listener->executor() == impl.workers[i]->executor()) listener->stop();
    }
    impl.workers[i]->drain();
  });
  if (impl.context->tasks.join(patience)) return true;
  impl.on_every_thread([&](std::size_t i) { impl.workers[i]->abort(); });
  return impl.context->tasks.join(kThreadPatience);
}

void Server::reload_tls() {
  if (impl_->context->tls) impl_->context->tls->reload();
}

}  // namespace mainstay::http
