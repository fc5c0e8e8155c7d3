#include "http/problem.h"

#include <gtest/gtest.h>

#include "http/message.h"

namespace mainstay::http {
namespace {

TEST(Problem, each_kind_of_refusal_has_its_status) {
  const std::vector<std::pair<Refusal, int>> statuses{{Refusal::kInvalid, 400},    {Refusal::kUnauthenticated, 401},
                                                      {Refusal::kForbidden, 403},  {Refusal::kNotFound, 404},
                                                      {Refusal::kConflict, 409},   {Refusal::kExhausted, 429},
                                                      {Refusal::kUnavailable, 503}};
  for (const auto& [kind, status] : statuses) {
    EXPECT_EQ(problem({.kind = kind, .code = "test.refused", .message = "No."}, Request{}).status, status);
  }
}

TEST(Problem, what_is_worth_asking_again_says_when) {
  const auto retry_after = [](const Failure& failure) {
    return std::string{problem(failure, Request{}).headers.get("Retry-After")};
  };
  using namespace std::chrono_literals;
  EXPECT_EQ(retry_after(refuse_for_now("stream.full", "Try again soon.", 1500ms).error()), "2") << "whole seconds";
  EXPECT_EQ(retry_after(refuse_for_now("stream.full", "Try again soon.").error()), "1");
  for (const auto kind : {Refusal::kExhausted, Refusal::kUnavailable}) {
    EXPECT_EQ(retry_after({.kind = kind, .code = "test.refused", .message = "No."}), "1") << "never none";
  }
  EXPECT_EQ(retry_after({.kind = Refusal::kConflict, .code = "test.refused", .message = "No."}), "");
}

}  // namespace
}  // namespace mainstay::http
