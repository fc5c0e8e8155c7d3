#include "http/problem.h"

#include <boost/json.hpp>

#include "http/message.h"

namespace mainstay::http {

std::string_view reason(int status) {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

int status_of(Refusal kind) {
  switch (kind) {
    case Refusal::kInvalid: return 400;
    case Refusal::kUnauthenticated: return 401;
    case Refusal::kForbidden: return 403;
    case Refusal::kNotFound: return 404;
    case Refusal::kConflict: return 409;
    case Refusal::kExhausted: return 429;
    case Refusal::kUnavailable: return 503;
  }
  return 500;
}

std::string problem_text(int status, const Failure& failure, std::string_view request_id) {
  const auto json = [](std::string_view text) { return boost::json::string{text}; };
  boost::json::object problem{{"type", "about:blank"},      {"title", json(reason(status))},
                              {"status", status},           {"detail", json(failure.message)},
                              {"code", json(failure.code)}, {"request_id", json(request_id)}};
  if (!failure.errors.empty()) {
    boost::json::array errors;
    for (const auto& [field, message] : failure.errors) {
      errors.push_back(boost::json::object{{"field", json(field)}, {"message", json(message)}});
    }
    problem.emplace("errors", std::move(errors));
  }
  return boost::json::serialize(problem);
}

Response problem(int status, const Failure& failure, const Request& request) {
  auto response = text(problem_text(status, failure, request.id), "application/problem+json", status);
  response.headers.add("Cache-Control", "no-store");
  if (failure.retry_after.count() > 0 || status == 429 || status == 503) {
    const auto whole = std::chrono::ceil<std::chrono::seconds>(failure.retry_after).count();
    response.headers.add("Retry-After", std::to_string(std::max<long>(1, whole)));
  }
  if (status == 401) response.headers.add("WWW-Authenticate", "Bearer realm=\"mainstay\"");
  return response;
}

Response problem(const Failure& failure, const Request& request) {
  return problem(status_of(failure.kind), failure, request);
}

}  // namespace mainstay::http
