#include "modules/analytics/collector/collector.h"

#include <gtest/gtest.h>

namespace mainstay::analytics {
namespace {

TEST(AnswerRefused, a_full_queue_is_no_fault_of_the_sender) {
  const Failure full{.kind = Refusal::kExhausted,
                     .code = "stream.full",
                     .message = "Try again soon.",
                     .retry_after = std::chrono::milliseconds{1500}};
  const auto answer = answer_refused(full, http::Request{});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->headers.get("Retry-After"), "2");
}

TEST(AnswerRefused, every_other_refusal_is_answered_by_its_kind) {
  const Failure often{.kind = Refusal::kExhausted, .code = "http.rate_limited", .message = "Too many requests."};
  const auto answer = answer_refused(often, http::Request{});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "http.rate_limited");
}

}  // namespace
}  // namespace mainstay::analytics
