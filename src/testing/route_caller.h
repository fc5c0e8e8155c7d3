#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/router.h"
#include "testing/run_task.h"

namespace mainstay::testing {

/// One request to declared routes without a socket: who asks, permission, handler, answer; the rest of a server
/// (limits, cross-origin rules) is not there.
class RouteCaller {
 public:
  RouteCaller(std::vector<http::Route> routes, http::Authenticator& authenticator) : authenticator_(authenticator) {
    router_.add(std::move(routes));
  }

  struct Answer {
    int status = 0;
    std::string body;
    http::Headers headers;
    [[nodiscard]] boost::json::value json() const { return boost::json::parse(body); }
    /// The text at a JSON pointer such as "/user/id".
    [[nodiscard]] std::string at(std::string_view pointer) const {
      return std::string{json().at_pointer(pointer).as_string()};
    }
  };

  Answer call(http::Method method, const std::string& target, std::string body = "",
              const std::vector<std::pair<std::string, std::string>>& headers = {}) {
    http::Request request;
    request.method = method;
    request.target = target;
    request.path = target.substr(0, target.find('?'));
    request.body = std::move(body);
    request.client_address = "127.0.0.1";
    request.id = "test";
    request.headers.add("Host", "localhost:8080");
    for (const auto& [name, value] : headers) request.headers.set(name, value);
    read_query(request);
    const auto match = router_.find(method, request.path);
    if (match.route == nullptr) return {.status = match.path_exists ? 405 : 404};
    request.path_parameters = match.parameters;
    return finish(run(answer(*match.route, request)));
  }

 private:
  static void read_query(http::Request& request) {
    const auto mark = request.target.find('?');
    if (mark == std::string::npos) return;
    const std::string query = request.target.substr(mark + 1);
    for (std::size_t from = 0; from <= query.size();) {
      const auto to = std::min(query.find('&', from), query.size());
      const auto equals = std::min(query.find('=', from), to);
      request.query_parameters.emplace_back(query.substr(from, equals - from),
                                            equals < to ? query.substr(equals + 1, to - equals - 1) : "");
      from = to + 1;
    }
  }

  Task<http::Response> answer(const http::Route& route, http::Request& request) {
    auto who = co_await authenticator_.who_asks(request);
    if (!who) co_return http::problem(who.error(), request);
    request.principal = std::move(*who);
    if (!request.principal.may(route.permission)) {
      const bool anonymous = request.principal.kind == Principal::Kind::kAnonymous;
      co_return http::problem(Failure{.kind = anonymous ? Refusal::kUnauthenticated : Refusal::kForbidden,
                                      .code = "test.not_allowed",
                                      .message = "Not allowed."},
                              request);
    }
    auto response = co_await route.handler(request);
    if (!response) co_return http::problem(response.error(), request);
    co_return std::move(*response);
  }

  static Answer finish(http::Response response) {
    return {.status = response.status, .body = std::string{response.bytes()}, .headers = std::move(response.headers)};
  }

  http::Authenticator& authenticator_;
  http::Router router_;
};

}  // namespace mainstay::testing
