#pragma once

#include <gtest/gtest.h>

#include <atomic>

#include "http/live.h"
#include "modules/identity/migrations.h"
#include "modules/identity/routes.h"
#include "ports/bus/local/local_bus.h"
#include "testing/engines.h"
#include "testing/fixed_random.h"
#include "testing/manual_clock.h"
#include "testing/route_caller.h"

/// What the tests of modules/identity stand on.
namespace mainstay::testing {

/// Cheap, so that a test may sign in often.
inline constexpr identity::Passwords::Cost kTestCost{.passes = 1, .memory_bytes = 8192, .threads = 2};
inline constexpr std::string_view kEmail = "ana@example.org";
inline constexpr std::string_view kPassword = "correct horse battery";

/// Passes everything on and counts.
class CountingDatabase final : public sql::Database {
 public:
  explicit CountingDatabase(sql::Database& inner) : inner_(inner) {}
  void migrate(std::span<const sql::Migration> migrations) override { inner_.migrate(migrations); }
  std::atomic<int> reads{0};
  std::atomic<int> writes{0};
  std::function<Task<>()> after_read;  ///< happens between a read and its answer, once

 protected:
  Task<> write_erased(const std::function<bool(sql::Tx&)>& body) override {
    ++writes;
    // A false body rolls back: a refusal does that.
    co_await inner_.write([&body](sql::Tx& tx) -> Result<> {
      if (body(tx)) return {};
      return refuse(Refusal::kInvalid, "test.rolled_back", "");
    });
  }
  Task<> read_erased(const std::function<void(sql::Tx&)>& body) override {
    ++reads;
    co_await inner_.read([&body](sql::Tx& tx) { body(tx); });
    if (const auto happens = std::exchange(after_read, nullptr)) co_await happens();
  }

 private:
  sql::Database& inner_;
};

/// The rights whose live streams were ended, in order.
class EndedRights {
 public:
  explicit EndedRights(bus::Bus& bus)
      : subscription_(bus.subscribe(std::string{http::kLiveEndPrefix} + ">", [this](const bus::Message& message) {
          names.push_back(message.subject.substr(http::kLiveEndPrefix.size()));
        })) {}
  std::vector<std::string> names;

 private:
  std::unique_ptr<bus::Subscription> subscription_;
};

class IdentityTest : public ::testing::TestWithParam<Engine> {
 protected:
  static http::Request request_with_cookie(const std::string& cookie) {
    http::Request request;
    request.secure = true;
    request.headers.add("Cookie", "__Host-mainstay=" + cookie);
    return request;
  }
  static http::Request request_with_token(const std::string& token) {
    http::Request request;
    request.headers.add("Authorization", "Bearer " + token);
    return request;
  }
  bool is_signed_in(const std::string& cookie) {
    const auto who = run(sessions.who_asks(request_with_cookie(cookie)));
    return who && who->kind == Principal::Kind::kUser;
  }
  bool is_let_in(const std::string& token) {
    const auto who = run(sessions.who_asks(request_with_token(token)));
    return who && who->kind == Principal::Kind::kToken;
  }
  identity::Service::SignedIn set_up() {
    return run(service.set_up({.name = "Ana", .email = std::string{kEmail}, .password = std::string{kPassword}}, {}))
        .value();
  }
  Result<identity::Service::SignedIn> sign_in(std::string_view password, const std::string& address = "192.0.2.1",
                                              std::string_view email = kEmail, const std::string& former = "",
                                              identity::Lifetime lifetime = identity::Lifetime::kShort) {
    return run(service.sign_in({.email = std::string{email}, .password = std::string{password}, .lifetime = lifetime},
                               {.address = address, .request_id = "test", .session = former}));
  }
  Principal owner() {
    const auto who = run(sessions.who_asks(request_with_cookie(set_up().session.secret)));
    return *who;
  }

  TestDatabase place{GetParam()};
  std::unique_ptr<sql::Database> engine = place.open(identity::migrations());
  CountingDatabase database{*engine};
  ManualClock clock;
  FixedRandom random;
  identity::Passwords passwords{kTestCost};
  bus::local::LocalBus bus;
  identity::Sessions sessions{database, clock, random, bus};
  identity::Service service{database, clock, random, passwords, sessions};
};

}  // namespace mainstay::testing
