#include "ports/bus/local/local_bus.h"

#include "ports/bus/contract.h"

namespace mainstay::bus::local {
namespace {

INSTANTIATE_TEST_SUITE_P(Local, BusContract, ::testing::Values([] { return std::make_unique<LocalBus>(); }));

TEST(LocalBus, a_callback_that_calls_the_bus_is_a_bug) {
  EXPECT_DEATH(
      {
        LocalBus bus;
        const auto subscription = bus.subscribe("a.b", [&](const Message&) { bus.publish("a.c", ""); });
        bus.publish("a.b", "");
      },
      "a bus callback called the bus");
}

TEST(Matches, follows_the_wildcards) {
  struct Case {
    std::string_view pattern, subject;
    bool expected;
  };
  for (const auto& c : std::initializer_list<Case>{{"a", "a", true},
                                                   {"a", "b", false},
                                                   {"a.b", "a", false},
                                                   {"a", "a.b", false},
                                                   {"*", "a", true},
                                                   {"*", "a.b", false},
                                                   {"*.b", "a.b", true},
                                                   {"a.*.c", "a.b.c", true},
                                                   {">", "a", true},
                                                   {">", "a.b.c", true},
                                                   {"a.>", "a", false},
                                                   {"a.>", "a.b", true},
                                                   {"a.*.>", "a.b", false},
                                                   {"a.*.>", "a.b.c.d", true},
                                                   {"ab", "a", false}}) {
    EXPECT_EQ(matches(c.pattern, c.subject), c.expected) << c.pattern << " " << c.subject;
  }
}

}  // namespace
}  // namespace mainstay::bus::local
