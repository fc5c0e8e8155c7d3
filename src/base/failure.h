#pragma once

#include <chrono>
#include <expected>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mainstay {

/// What the caller can do about a refusal. Each maps to one HTTP status, in `http/problem.cpp`.
enum class Refusal {
  kInvalid,          ///< mend the input and ask again (400)
  kUnauthenticated,  ///< say who you are (401)
  kForbidden,        ///< ask somebody with more rights (403)
  kNotFound,         ///< it is not there, or not for you (404)
  kConflict,         ///< look again, then decide (409)
  kExhausted,        ///< you ask too often or have too many (429)
  kUnavailable,      ///< the server is full or busy, whoever asks: ask again after `retry_after` (503)
};

/// One thing wrong with one field of the input.
struct FieldError {
  std::string field;    ///< JSON pointer into the input ("/email") or a parameter's name
  std::string message;  ///< one sentence, safe to show
};

/// A refusal the caller can act on; part of the contract of the function that returns it.
/// Only ever returned, never thrown: a refusal is what an attacker can ask for, and a throw
/// through coroutines costs fifty times a return.
struct Failure {
  Refusal kind = Refusal::kInvalid;
  std::string_view code;  ///< literal, listed in docs/reference/errors.md: "analytics.unknown_site"
  std::string message;    ///< one sentence, safe to show to who asked
  std::vector<FieldError> errors{};
  std::chrono::milliseconds retry_after{0};
};

template <class T = void>
using Result = std::expected<T, Failure>;

/// Passes a refusal on: `if (!issue) co_return refuse(issue);`
template <class T>
[[nodiscard]] std::unexpected<Failure> refuse(const Result<T>& result) {
  return std::unexpected(result.error());
}

/// Makes a refusal in place: `return refuse(Refusal::kNotFound, "sites.unknown", "No such site.");`
[[nodiscard]] inline std::unexpected<Failure> refuse(Refusal kind, std::string_view code, std::string message) {
  return std::unexpected(Failure{.kind = kind, .code = code, .message = std::move(message)});
}

/// Refuses for now what the server has no room or time for: kUnavailable, worth asking again after `retry_after`.
[[nodiscard]] inline std::unexpected<Failure> refuse_for_now(
    std::string_view code, std::string message, std::chrono::milliseconds retry_after = std::chrono::seconds{1}) {
  return std::unexpected(
      Failure{.kind = Refusal::kUnavailable, .code = code, .message = std::move(message), .retry_after = retry_after});
}

/// Refuses bad input, naming the field at fault.
[[nodiscard]] inline std::unexpected<Failure> refuse_field(std::string_view code, std::string field,
                                                           std::string message) {
  Failure failure{.kind = Refusal::kInvalid, .code = code, .message = message};
  failure.errors.push_back({.field = std::move(field), .message = std::move(message)});
  return std::unexpected(std::move(failure));
}

/// An outage: an engine cannot be reached, a disk refuses, a deadline passed. Nobody on the way up
/// can do better than retry later. Thrown, never returned; caught by the router (503), the job
/// runner and role start only.
struct Unavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace mainstay
