#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ports/bus/bus.h"

/// What every bus promises. An adapter's test instantiates `BusContract` with a factory, in one source file.
namespace mainstay::bus {

class BusContract : public ::testing::TestWithParam<std::function<std::unique_ptr<Bus>()>> {
 protected:
  /// Collects what a subscription hands over.
  struct Inbox {
    std::mutex mutex;
    std::vector<Message> messages;
    Bus::Callback callback() {
      return [this](const Message& message) {
        const std::scoped_lock lock(mutex);
        messages.push_back(message);
      };
    }
    std::vector<std::string> subjects() {
      const std::scoped_lock lock(mutex);
      std::vector<std::string> result;
      for (const auto& message : messages) result.push_back(message.subject);
      return result;
    }
  };
  std::unique_ptr<Bus> bus_ = GetParam()();
};

TEST_P(BusContract, a_subscriber_gets_what_matches_and_nothing_else) {
  Inbox exact, one, rest;
  const auto first = bus_->subscribe("events.jobs.job.7", exact.callback());
  const auto second = bus_->subscribe("events.*.job.7", one.callback());
  const auto third = bus_->subscribe("events.jobs.>", rest.callback());
  bus_->publish("events.jobs.job.7", "{}");
  bus_->publish("events.site.job.7", "{}");
  bus_->publish("events.jobs.job.8", "{}");
  bus_->publish("events.jobs", "{}");
  EXPECT_EQ(exact.subjects(), (std::vector<std::string>{"events.jobs.job.7"}));
  EXPECT_EQ(one.subjects(), (std::vector<std::string>{"events.jobs.job.7", "events.site.job.7"}));
  EXPECT_EQ(rest.subjects(), (std::vector<std::string>{"events.jobs.job.7", "events.jobs.job.8"}));
}

TEST_P(BusContract, all_subscribers_share_one_payload) {
  Inbox left, right;
  const auto first = bus_->subscribe("a.b", left.callback());
  const auto second = bus_->subscribe("a.>", right.callback());
  bus_->publish("a.b", R"({"n":1})");
  ASSERT_EQ(left.messages.size(), 1u);
  ASSERT_EQ(right.messages.size(), 1u);
  EXPECT_EQ(*left.messages[0].payload, R"({"n":1})");
  EXPECT_EQ(left.messages[0].payload.get(), right.messages[0].payload.get());
  EXPECT_EQ(left.messages[0].id, right.messages[0].id);
}

TEST_P(BusContract, two_subscriptions_of_one_pattern_end_apart) {
  Inbox left, right;
  auto first = bus_->subscribe("a.b", left.callback());
  const auto second = bus_->subscribe("a.b", right.callback());
  first.reset();
  bus_->publish("a.b", "1");
  EXPECT_TRUE(left.messages.empty());
  EXPECT_EQ(right.messages.size(), 1u);
}

TEST_P(BusContract, an_ended_subscription_is_silent) {
  Inbox inbox;
  for (const auto* pattern : {"a.b", "a.*", ">"}) bus_->subscribe(pattern, inbox.callback()).reset();
  bus_->publish("a.b", "1");
  EXPECT_TRUE(inbox.messages.empty());
}

TEST_P(BusContract, a_subscription_may_outlive_the_bus) {
  Inbox inbox;
  const auto subscription = bus_->subscribe("a.b", inbox.callback());
  bus_.reset();
}

TEST_P(BusContract, ending_a_subscription_waits_for_its_running_callback) {
  std::promise<void> entered, leave;
  std::atomic<bool> left = false;
  auto subscription = bus_->subscribe("a.b", [&](const Message&) {
    entered.set_value();
    leave.get_future().wait();
    left = true;
  });
  std::thread publisher([&] { bus_->publish("a.b", "1"); });
  entered.get_future().wait();
  std::thread releaser([&] { leave.set_value(); });
  subscription.reset();
  EXPECT_TRUE(left);
  publisher.join();
  releaser.join();
}

TEST_P(BusContract, a_callback_that_throws_does_not_rob_the_others) {
  Inbox inbox;
  const auto bad = bus_->subscribe("a.b", [](const Message&) { throw std::runtime_error("broken"); });
  const auto good = bus_->subscribe("a.*", inbox.callback());
  bus_->publish("a.b", "1");
  EXPECT_EQ(inbox.messages.size(), 1u);
}

TEST_P(BusContract, each_subscriber_sees_ids_grow_while_many_publish) {
  Inbox inbox;
  const auto subscription = bus_->subscribe("a.>", inbox.callback());
  std::vector<std::thread> publishers;
  for (int p = 0; p < 4; ++p) {
    publishers.emplace_back([&, p] {
      for (int i = 0; i < 500; ++i) bus_->publish("a.p" + std::to_string(p), std::to_string(i));
    });
  }
  for (auto& publisher : publishers) publisher.join();
  ASSERT_EQ(inbox.messages.size(), 2'000u);
  for (std::size_t i = 1; i < inbox.messages.size(); ++i) ASSERT_LT(inbox.messages[i - 1].id, inbox.messages[i].id);
}

TEST_P(BusContract, malformed_subjects_and_patterns_are_refused) {
  for (const auto* bad : {"", ".", "a.", ".a", "a..b", "A.b", "a b", "a.*", "a.>", "a.\xC3\xA9"}) {
    EXPECT_THROW(bus_->publish(bad, ""), std::invalid_argument) << bad;
  }
  for (const auto* bad : {"", "a.", "a..b", "a.>.b", "a.b*", "A"}) {
    EXPECT_THROW((void)bus_->subscribe(bad, [](const Message&) {}), std::invalid_argument) << bad;
  }
  EXPECT_THROW(bus_->publish(std::string(kSubjectBytesMax + 1, 'a'), ""), std::invalid_argument);
  EXPECT_THROW(bus_->publish("1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17", ""), std::invalid_argument);
}

}  // namespace mainstay::bus
