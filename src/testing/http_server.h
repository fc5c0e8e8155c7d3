#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>

#include "http/router.h"
#include "http/server.h"
#include "ports/bus/local/local_bus.h"
#include "ports/clock/system/system_clock.h"
#include "ports/random/system/system_random.h"
#include "runtime/io_threads.h"
#include "runtime/metrics.h"

namespace mainstay::testing {

/// "Bearer owner" is a token of the owner, "Bearer viewer" one of a viewer; the cookie session=owner signs the owner
/// in; "Bearer bad" is refused; everybody else is anonymous.
class TestAuthenticator final : public http::Authenticator {
 public:
  Task<Result<Principal>> who_asks(const http::Request& request) override {
    const auto bearer = request.header("authorization");
    if (bearer == "Bearer bad") {
      co_return refuse(Refusal::kUnauthenticated, "test.bad_token", "This token is not valid.");
    }
    Principal principal;
    if (bearer == "Bearer owner") principal = {Principal::Kind::kToken, UserId{1}, Role::kOwner, "token"};
    if (bearer == "Bearer viewer") principal = {Principal::Kind::kToken, UserId{2}, Role::kViewer, "token"};
    if (request.cookie("session") == "owner") principal = {Principal::Kind::kUser, UserId{1}, Role::kOwner, "owner"};
    co_return principal;
  }
};

/// A server on a free port of this machine with real clocks and one I/O thread, for tests: fill `router`, then `start`.
struct TestServer {
  bus::local::LocalBus bus;
  clock::system::SystemClock clock;
  random::system::SystemRandom random;
  metrics::Registry metrics;
  http::Router router;
  TestAuthenticator authenticator;
  http::Server::Options options{.host = "127.0.0.1", .port = 0};
  IoThreads threads{1};
  std::unique_ptr<http::Server> server;

  void start() {
    server = std::make_unique<http::Server>(options, router, authenticator, bus, clock, random, metrics, threads);
    server->start();
  }
  [[nodiscard]] std::uint16_t port() const { return server->port(); }

  /// A public route that answers 200 with `body`.
  void add_text(std::string_view path, std::string_view body, http::Method method = http::Method::kGet) {
    router.add({.method = method,
                .path = path,
                .permission = Permission::kPublic,
                .summary = "Answers a text.",
                .handler = [text = std::string{body}](http::Request&) { return answer(text); }});
  }

 private:
  static Task<Result<http::Response>> answer(std::string text) { co_return http::text(std::move(text), "text/plain"); }
};

}  // namespace mainstay::testing
