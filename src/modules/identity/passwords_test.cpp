#include "modules/identity/passwords.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "modules/identity/common_passwords.h"
#include "modules/identity/fields.h"
#include "testing/run_task.h"

namespace mainstay::identity {
namespace {

using testing::run;

constexpr Passwords::Cost kCheap{.passes = 1, .memory_bytes = 8192, .threads = 2};

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST(Passwords, the_default_cost_is_the_documented_one_and_its_memory_goes_back) {
  Passwords passwords;
  const auto warm_up = run(passwords.hash("correct horse battery"));
  ASSERT_TRUE(warm_up);
  EXPECT_TRUE(warm_up->starts_with("$argon2id$v=19$m=65536,t=3,p=1$")) << *warm_up;
  const auto before = resident_bytes();
  EXPECT_EQ(run(passwords.verify(*warm_up, "correct horse battery")), Passwords::Verdict::kRight);
  EXPECT_EQ(run(passwords.verify("", "correct horse battery")), Passwords::Verdict::kWrong);
  EXPECT_LT(resident_bytes(), before + (8U << 20));
}

TEST(Passwords, every_byte_counts) {
  Passwords passwords(kCheap);
  const std::string with_nul{"correct\0horse", 13};
  const std::string cases[] = {
      " leading",           "trailing ",           with_nul, "caf\xc3\xa9 caf\xc3\xa9", std::string(64, 'x'),
      std::string(65, 'x'), std::string(1024, 'x')};
  for (const auto& password : cases) {
    const auto hash = run(passwords.hash(password)).value();
    EXPECT_EQ(run(passwords.verify(hash, password)), Passwords::Verdict::kRight);
    EXPECT_EQ(run(passwords.verify(hash, password + "x")), Passwords::Verdict::kWrong);
    EXPECT_EQ(run(passwords.verify(hash, password.substr(0, 7))), Passwords::Verdict::kWrong);
  }
  const auto decomposed = run(passwords.hash("cafe\xcc\x81 cafe")).value();
  EXPECT_EQ(run(passwords.verify(decomposed, "caf\xc3\xa9 cafe")), Passwords::Verdict::kWrong) << "taken as received";
}

TEST(Passwords, the_same_password_never_hashes_to_the_same_text) {
  Passwords passwords(kCheap);
  EXPECT_NE(run(passwords.hash("correct horse")).value(), run(passwords.hash("correct horse")).value());
}

TEST(Passwords, a_stored_text_that_is_no_hash_matches_nothing) {
  Passwords passwords(kCheap);
  for (const auto* stored : {"x", "$argon2id$", "correct horse", "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA"}) {
    EXPECT_EQ(run(passwords.verify(stored, "correct horse")), Passwords::Verdict::kWrong) << stored;
  }
}

TEST(Passwords, more_hashes_at_a_time_than_allowed_are_refused_not_queued) {
  Passwords passwords({.passes = 1, .memory_bytes = 32 << 20, .threads = 1});
  std::vector<Task<Result<Passwords::Verdict>>> tasks;
  for (int i = 0; i < 40; ++i) tasks.push_back(passwords.verify("", "correct horse"));
  int refused = 0;
  int judged = 0;
  for (const auto& result : testing::run_all(std::move(tasks))) {
    if (result) {
      ++judged;
    } else {
      ++refused;
      EXPECT_EQ(result.error().kind, Refusal::kUnavailable);
      EXPECT_EQ(result.error().code, "identity.busy");
      EXPECT_GT(result.error().retry_after.count(), 0);
    }
  }
  EXPECT_GE(judged, Passwords::kInFlightMax);
  EXPECT_GT(refused, 0);
  EXPECT_TRUE(run(passwords.verify("", "correct horse"))) << "the limit is on hashes in flight";
}

TEST(Passwords, its_rules_are_length_and_a_list) {
  const struct {
    std::string password;
    bool accepted;
  } cases[] = {{"", false},
               {"1234567", false},
               {"xkqzwvyp", true},
               {std::string(1024, 'x'), true},
               {std::string(1025, 'x'), false},
               {"password", false},
               {"PassWord1", false},
               {"qwertyuiop", false},
               {"no composition rules here", true},
               {std::string{"nul\0inside", 10}, true}};
  for (const auto& [password, accepted] : cases) {
    EXPECT_EQ(Passwords::check_rules(password, "/password").has_value(), accepted) << password.substr(0, 40);
  }
  EXPECT_TRUE(is_common_password("12345678"));
  EXPECT_FALSE(is_common_password("correct horse battery"));
}

TEST(Fields, an_address_is_checked_and_put_in_lower_case) {
  const struct {
    std::string_view given;
    std::string_view normal;  // "" refused
  } cases[] = {{"ana@example.org", "ana@example.org"},
               {" Ana.Maria+stats@Example.ORG ", "ana.maria+stats@example.org"},
               {"owner@localhost", "owner@localhost"},
               {"o'neil@example.org", "o'neil@example.org"},
               {"", ""},
               {"ana", ""},
               {"@example.org", ""},
               {"ana@", ""},
               {"ana@@example.org", ""},
               {"ana@example..org", ""},
               {".ana@example.org", ""},
               {"a..b@example.org", ""},
               {"ana@-example.org", ""},
               {"ana@exa mple.org", ""},
               {"\"ana\"@example.org", ""},
               {"ana@example.org\r\nBcc: eve@example.org", ""},
               {"\xd0\xb0na@example.org", ""},  // Cyrillic a
               {"ana@example.org,eve@example.org", ""}};
  for (const auto& [given, normal] : cases) EXPECT_EQ(normal_email(given).value_or(""), normal) << given;
  EXPECT_FALSE(normal_email(std::string(65, 'a') + "@example.org"));
  EXPECT_FALSE(normal_email("a@" + std::string(300, 'b')));
}

}  // namespace
}  // namespace mainstay::identity
