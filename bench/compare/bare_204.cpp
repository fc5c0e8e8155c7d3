// The peer of the collector: the same HTTP layer with the same options, and one route that answers 204 to a POST and
// does nothing else. usage: bare_204 [IO_THREADS]; prints its port.

#include <fmt/format.h>
#include <malloc.h>

#include <charconv>
#include <cstdio>
#include <string_view>
#include <thread>

#include "http/router.h"
#include "http/server.h"
#include "ports/bus/local/local_bus.h"
#include "ports/clock/system/system_clock.h"
#include "ports/random/system/system_random.h"
#include "runtime/io_threads.h"
#include "runtime/lifecycle.h"
#include "runtime/metrics.h"
#include "runtime/scheduling.h"

namespace mainstay::bench {
namespace {

class Nobody final : public http::Authenticator {
 public:
  Task<Result<Principal>> who_asks(const http::Request& /*request*/) override { co_return Principal{}; }
};

Task<Result<http::Response>> nothing(http::Request& /*request*/) {
  auto response = http::no_content();
  response.headers.set("Cache-Control", "no-store");
  co_return response;
}

/// What the beacon's route declares, without the beacon.
http::Route route() {
  return {.method = http::Method::kPost,
          .path = "/api/v1/beacon",
          .permission = Permission::kPublic,
          .summary = "Answers 204.",
          .handler = nothing,
          .response_status = 204,
          .body_bytes_max = 256 << 10,
          .browser = http::Route::Browser::kAnyOrigin,
          .identify = http::Route::Identify::kNever};
}

void serve(std::size_t io_threads) {
  raise_file_limit();
  Signals signals([] {});
  bus::local::LocalBus bus;
  clock::system::SystemClock clock;
  random::system::SystemRandom random;
  metrics::Registry metrics;
  Nobody nobody;
  http::Router router;
  router.add(route());
  IoThreads threads(io_threads);
  http::Server server({.host = "127.0.0.1", .port = 0}, router, nobody, bus, clock, random, metrics, threads);
  server.start();
  fmt::print("{}\n", server.port());
  std::fflush(stdout);
  signals.wait_for_stop();
  server.drain(std::chrono::seconds{1});
}

}  // namespace
}  // namespace mainstay::bench

int main(int argc, char** argv) {
  std::size_t io_threads = mainstay::processors();
  ::mallopt(M_ARENA_MAX, 2 * static_cast<int>(io_threads) + 28);  // as the program does
  if (argc > 1) {
    const std::string_view text{argv[1]};
    std::from_chars(text.data(), text.data() + text.size(), io_threads);
  }
  mainstay::bench::serve(io_threads);
  return 0;
}
