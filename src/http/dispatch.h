#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "http/body_budget.h"
#include "http/message.h"
#include "http/rate_limit.h"
#include "http/router.h"
#include "runtime/metrics.h"

namespace mainstay::http {

/// Takes a request from its header to its response: finds the route, says what the body may be, asks who it is, checks
/// permission and origin, calls the handler, and alone turns a `Failure` into problem+json, `Unavailable` into 503
/// and any other exception into a logged 500. Knows no socket.
///
/// Lifetime: one per server; `router` is complete before it is made. Threads: any.
class Dispatcher {
 public:
  Dispatcher(const Router& router, Authenticator& authenticator, metrics::Registry& metrics);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// What is to be done with a request of which only the header has come.
  struct Plan {
    const Route* route = nullptr;  ///< null: the fallback, or `answer` is there
    std::size_t body_bytes_max = 0;
    bool admitted = false;           ///< nothing in the header is left to check
    bool again = false;              ///< asked once more: counts nothing
    std::optional<Response> answer;  ///< decided already (404, 405, OPTIONS, a refusal): the body is not wanted
    BodyBudget::Share body;          ///< of the memory for bodies; without a budget everything is granted
  };
  [[nodiscard]] Plan plan(Request& request) const;

  /// Finds out who asks and checks permission, origin and the route's own `check`: all that needs no body. Puts a
  /// refusal into `plan.answer`; never throws.
  Task<> admit(Request& request, Plan& plan);
  /// Makes `failure` the answer.
  void refuse(const Request& request, Plan& plan, const Failure& failure) const;

  /// Answers `request`, whose body is complete, and admits it first where that is still to be done; never throws. The
  /// response carries all its headers but Date, Connection and the framing.
  Task<Response> answer(Request& request, Plan& plan);

  /// Asks the handler of an answered request once more, with permission checked anew; counts nothing. Never throws.
  Task<Response> answer_again(Request& request);

  /// A problem for a request that a limit or the protocol stops; `route` null: it is not known yet.
  Response refuse_request(const Request& request, int status, const Failure& failure, const Route* route = nullptr);
  /// The same with the status of the failure's kind.
  Response refuse_request(const Request& request, const Failure& failure, const Route* route = nullptr);

  /// Counts an answer that the client did not get through `answer` (`reason="header_timeout"`).
  void count_refusal(std::string_view code);

 private:
  struct RouteRecord;
  Task<Result<>> may_enter(Request& request, const Route& route);
  void decode_body(Request& request, Plan& plan) const;
  Response fault(const Request& request, const Route* route, const std::exception& fault) const;
  void finish(const Request& request, const Route* route, Response& response) const;

  const Router& router_;
  Authenticator& authenticator_;
  metrics::Registry& metrics_;
  std::unordered_map<const Route*, std::unique_ptr<RouteRecord>> by_route_;  ///< null: everything without a route
};

}  // namespace mainstay::http
