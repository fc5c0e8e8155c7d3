#include "modules/analytics/sites/salts.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "modules/analytics/migrations/migrations.h"
#include "testing/engines.h"
#include "testing/fixed_random.h"
#include "testing/manual_clock.h"
#include "testing/run_task.h"

namespace mainstay::analytics {
namespace {

using testing::Engine;
using testing::run;

class SaltsTest : public ::testing::TestWithParam<Engine> {
 protected:
  [[nodiscard]] std::int32_t today() { return utc_day(clock.now()); }
  HashKey salt_of(std::int32_t day) { return run(salts.for_day(day))->today; }

  testing::TestDatabase place{GetParam()};
  std::unique_ptr<sql::Database> database = place.open(migrations());
  testing::ManualClock clock;
  testing::FixedRandom random;
  Salts salts{*database, clock, random};
};
INSTANTIATE_TEST_SUITE_P(Engines, SaltsTest, ::testing::Values(Engine::kSqlite, Engine::kPostgres),
                         ::testing::PrintToStringParamName());

TEST_P(SaltsTest, a_day_has_one_salt_also_after_a_restart) {
  const auto first = salt_of(today());
  EXPECT_NE(first, HashKey{});
  EXPECT_EQ(salt_of(today()), first);
  testing::FixedRandom other_random(99);
  Salts restarted(*database, clock, other_random);
  EXPECT_EQ(run(restarted.for_day(today()))->today, first);
}

TEST_P(SaltsTest, parallel_first_askers_of_a_day_agree) {
  testing::FixedRandom other_random(99);
  Salts other(*database, clock, other_random);
  std::vector<Task<std::shared_ptr<const DaySalts>>> tasks;
  for (int i = 0; i < 6; ++i) tasks.push_back((i % 2 == 0 ? salts : other).for_day(today()));
  const auto answers = testing::run_all(std::move(tasks));
  for (const auto& answer : answers) EXPECT_EQ(answer->today, answers.front()->today);
}

TEST_P(SaltsTest, the_next_day_has_another_salt_and_carries_the_former_one) {
  const auto day = today();
  const auto first = salt_of(day);
  EXPECT_FALSE(run(salts.for_day(day))->before) << "nothing was seen the day before";
  clock.advance(days{1});
  const auto next = run(salts.for_day(day + 1));
  EXPECT_NE(next->today, first);
  EXPECT_EQ(next->before, first);
}

TEST_P(SaltsTest, cached_answers_without_a_database_once_the_day_was_asked_for) {
  EXPECT_EQ(salts.cached(today()), nullptr);
  const auto loaded = run(salts.for_day(today()));
  EXPECT_EQ(salts.cached(today()), loaded);
  EXPECT_EQ(salts.cached(today() + 1), nullptr);
}

TEST_P(SaltsTest, a_salt_is_destroyed_48_hours_after_it_was_made) {
  const auto day = today();
  const auto first = salt_of(day);
  clock.advance(days{1});
  EXPECT_TRUE(run(salts.for_day(day + 1))->before);
  clock.advance(Salts::kSaltAge - days{1} - microseconds{1});
  run(salts.prune(clock.now()));
  EXPECT_NE(salts.cached(day), nullptr);
  EXPECT_TRUE(salts.cached(day + 1)->before);
  clock.advance(microseconds{1});
  run(salts.prune(clock.now()));
  EXPECT_EQ(salts.cached(day), nullptr);
  ASSERT_NE(salts.cached(day + 1), nullptr);
  EXPECT_FALSE(salts.cached(day + 1)->before) << "not even to carry a visit";
  const auto rows = run(database->read(
      [&](sql::Tx& tx) { return tx.query("select 1 from analytics_salts where day = $1", day).size(); }));
  EXPECT_EQ(rows, 0U);
  EXPECT_NE(salt_of(day), first) << "an import of that day starts anew";
}

TEST_P(SaltsTest, a_process_that_prunes_late_still_never_reads_an_old_salt) {
  const auto day = today();
  const auto first = salt_of(day);
  clock.advance(Salts::kSaltAge);
  Salts restarted(*database, clock, random);
  const auto next = run(restarted.for_day(day + 1));
  EXPECT_FALSE(next->before);
  EXPECT_NE(run(restarted.for_day(day))->today, first);
}

TEST_P(SaltsTest, an_imported_day_has_a_salt_of_its_own_for_48_hours_from_then) {
  const auto past = today() - 400;
  const auto imported = salt_of(past);
  clock.advance(Salts::kSaltAge - microseconds{1});
  run(salts.prune(clock.now()));
  EXPECT_EQ(salt_of(past), imported);
  clock.advance(microseconds{1});
  run(salts.prune(clock.now()));
  EXPECT_NE(salt_of(past), imported);
}

TEST_P(SaltsTest, a_day_imported_after_its_next_day_is_carried_over_too) {
  const auto past = today() - 400;
  const auto next = salt_of(past + 1);
  const auto imported = salt_of(past);
  EXPECT_EQ(salts.cached(past + 1)->today, next);
  EXPECT_EQ(salts.cached(past + 1)->before, imported);
}

TEST_P(SaltsTest, a_clock_set_far_back_keeps_no_salt_for_ever) {
  const auto day = today();
  const auto first = salt_of(day);
  clock.set(clock.now() - days{365});
  run(salts.prune(clock.now()));
  EXPECT_EQ(salts.cached(day), nullptr);
  EXPECT_NE(salt_of(day), first);
}

TEST_P(SaltsTest, a_held_salt_stays_valid_while_it_is_pruned) {
  const auto held = run(salts.for_day(today()));
  const auto copy = held->today;
  clock.advance(Salts::kSaltAge);
  run(salts.prune(clock.now()));
  EXPECT_EQ(held->today, copy);
}

std::string file_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(SaltsOnDisk, the_bytes_of_a_destroyed_salt_leave_the_database_file) {
  testing::TestDatabase place(Engine::kSqlite);
  auto database = place.open(migrations());
  testing::ManualClock clock;
  testing::FixedRandom random;
  Salts salts(*database, clock, random);
  std::vector<std::string> destroyed;
  for (int day = 0; day < 300; ++day) {  // more than a page, so that pages split and are freed
    const auto loaded = run(salts.for_day(day));
    std::string bytes(loaded->today.size(), '\0');
    std::ranges::transform(loaded->today, bytes.begin(), [](std::byte byte) { return static_cast<char>(byte); });
    destroyed.push_back(bytes);
  }
  database.reset();  // folds the write-ahead log into the file
  const auto holds = [&](const std::string& bytes) { return file_text(place.file()).find(bytes) != std::string::npos; };
  EXPECT_TRUE(holds(destroyed[0]) && holds(destroyed[150]) && holds(destroyed[299]))
      << "the test looks at the right file";
  clock.advance(Salts::kSaltAge);
  database = place.open();
  Salts later(*database, clock, random);
  run(later.prune(clock.now()));
  database.reset();
  for (const auto& bytes : destroyed) EXPECT_FALSE(holds(bytes));
  EXPECT_FALSE(std::filesystem::exists(place.file().string() + "-wal"));
}

}  // namespace
}  // namespace mainstay::analytics
