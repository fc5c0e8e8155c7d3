#include "modules/analytics/intake.h"

#include <gtest/gtest.h>

#include "modules/analytics/erasure.h"
#include "modules/analytics/query/rollups.h"
#include "modules/analytics/tables.h"
#include "ports/columns/duckdb/duckdb_columns.h"
#include "testing/fixed_random.h"
#include "testing/temporary_folder.h"

namespace mainstay::analytics {
namespace {

constexpr Instant kNoon{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1} + hours{12}};

class IntakeTest : public ::testing::Test {
 protected:
  IntakeTest() {
    auto site = std::make_shared<Site>();
    site->id = SiteId{7};
    site->domain = "example.com";
    site->hosts = {"example.com"};
    site->retention_days = 400;
    sites_.by_key_text = {{"7", site}, {"example.com", site}};
    columns_ = columns::duckdb::open({.folder = folder_.path() / "columns", .export_folder = {}});
    columns_->create(tables());
    columns_->create(rollup_tables());
    begin();
  }
  /// As after a crash: what was not committed is gone.
  void begin() {
    intake_ = std::make_unique<Intake>(*columns_, random_);
    intake_->restore(now_, [this](SiteId, std::uint64_t, const Hit&) { ++recent_; });
  }
  static Hit hit(Instant at, std::string path = "/", std::uint64_t visitor = 1) {
    Hit made;
    made.site = SiteId{7};
    made.at = at;
    made.name = "pageview";
    made.path = std::move(path);
    made.visitor = visitor;
    made.visitor_day = utc_day(at);
    return made;
  }
  void take(const std::vector<Hit>& hits) { take_bytes(encode(hits)); }
  void take_bytes(std::string bytes) {
    intake_->take({.offset = intake_->position() + 1, .appended_at = now_, .bytes = std::move(bytes)}, sites_, now_,
                  [this](const Taken& taken) {
                    fates_.push_back(taken.fate);
                    why_ = taken.why;
                  });
  }
  void commit() {
    columns_->commit(intake_->take_commit(now_, kNewestRollup));
    intake_->note_stored();
  }
  std::int64_t number(const std::string& statement) {
    const auto answer = columns_->query_blocking({.text = statement, .parameters = {}}, {});
    if (!answer) throw std::runtime_error(answer.error().message);
    return std::get<std::int64_t>(answer->rows.at(0).at(0));
  }

  testing::TemporaryFolder folder_;
  testing::FixedRandom random_;
  std::unique_ptr<columns::Columns> columns_;
  SiteMap sites_;
  Instant now_ = kNoon;
  std::unique_ptr<Intake> intake_;
  std::vector<Taken::Fate> fates_;
  std::string_view why_;
  int recent_ = 0;
};

TEST_F(IntakeTest, rows_and_offset_are_one_commit) {
  take({hit(kNoon, "/a"), hit(kNoon, "/b")});
  commit();
  EXPECT_EQ(number("select count(*) from events"), 2);
  EXPECT_EQ(number("select count(*) from open_visits"), 1);
  EXPECT_EQ(number("select stream_offset from progress"), 1);
  EXPECT_EQ(last_commit(*columns_).offset, 1U);
}

TEST_F(IntakeTest, a_crash_before_the_commit_loses_and_doubles_nothing) {
  take({hit(kNoon, "/a")});
  commit();
  take({hit(kNoon + minutes{1}, "/b")});
  begin();
  EXPECT_EQ(intake_->position(), 1U);
  take({hit(kNoon + minutes{1}, "/b")});
  commit();
  EXPECT_EQ(number("select count(*) from events"), 2);
  EXPECT_EQ(number("select count(distinct visit_id) from events"), 1);
}

TEST_F(IntakeTest, a_restart_splits_no_visit_and_remembers_its_pages) {
  take({hit(kNoon, "/a"), hit(kNoon, "/b")});
  commit();
  now_ = kNoon + minutes{10};
  begin();
  EXPECT_EQ(recent_, 2);
  take({hit(now_, "/a"), hit(now_, "/c")});
  commit();
  EXPECT_EQ(number("select count(*) from open_visits"), 1);
  EXPECT_EQ(number("select pageviews from open_visits"), 4);
  EXPECT_EQ(number("select duration_ms from open_visits"), 600'000);
  EXPECT_EQ(number("select count(*) from events where first_on_page"), 3);
  EXPECT_EQ(number("select count(*) from events where entry_page = '/a'"), 4);
}

TEST_F(IntakeTest, an_ended_visit_moves_from_the_open_ones) {
  take({hit(kNoon)});
  commit();
  now_ = kNoon + minutes{31};
  take({hit(now_, "/", 2)});
  commit();
  EXPECT_EQ(number("select count(*) from visits"), 1);
  EXPECT_EQ(number("select visitor_id from open_visits"), 2);
}

TEST_F(IntakeTest, an_event_sent_again_is_a_duplicate_also_after_a_restart) {
  auto first = hit(kNoon);
  first.event_id = kStableId | 5;
  take({first, first});
  EXPECT_EQ(fates_, (std::vector{Taken::Fate::kAccepted, Taken::Fate::kRefused}));
  commit();
  begin();
  take({first});
  EXPECT_EQ(fates_.back(), Taken::Fate::kRefused);
  EXPECT_EQ(why_, "duplicate");
  commit();
  EXPECT_EQ(number("select count(*) from events"), 1);
  EXPECT_EQ(number("select cast(sum(count) as bigint) from refusals where reason = 'duplicate'"), 2);
}

TEST_F(IntakeTest, an_event_sent_again_is_a_duplicate_whatever_day_it_is_of) {
  const auto sent = [&](Instant arrived, Instant at) {
    now_ = arrived;
    auto event = hit(at);
    event.origin = Origin::kServer;
    event.event_id = kStableId | 5;
    take({event});
    return fates_.back() == Taken::Fate::kRefused ? why_ : "taken";
  };
  const Instant midnight = std::chrono::ceil<days>(kNoon);
  EXPECT_EQ(sent(midnight - minutes{4}, midnight + seconds{5}), "taken");
  EXPECT_EQ(sent(midnight - minutes{3}, midnight - minutes{3}), "duplicate") << "the first one's clock was ahead";
  commit();
  begin();
  EXPECT_EQ(sent(midnight + hours{20}, midnight + hours{20} - kLateMax), "duplicate") << "now with a time, long before";
  EXPECT_EQ(sent(midnight + hours{30}, midnight + hours{30}), "duplicate") << "on the next day";
  begin();
  EXPECT_EQ(sent(midnight + kLateMax, midnight + kLateMax), "duplicate") << "when it might come late";
  EXPECT_EQ(sent(midnight + kLateMax + days{1}, midnight + kLateMax + days{1}), "taken") << "when it is forgotten";
}

TEST_F(IntakeTest, a_line_of_a_log_sent_again_is_a_duplicate_however_old_it_is) {
  auto line = hit(kNoon - days{200});
  line.origin = Origin::kLog;
  line.event_id = kStableId | 5;
  take({line, line});
  EXPECT_EQ(fates_, (std::vector{Taken::Fate::kAccepted, Taken::Fate::kRefused}));
  commit();
  begin();
  take({line});
  EXPECT_EQ(why_, "duplicate");
}

TEST_F(IntakeTest, what_cannot_be_true_is_refused_by_its_reason) {
  const auto refused = [&](const Hit& given) {
    take({given});
    return fates_.back() == Taken::Fate::kRefused ? std::string{why_} : "taken";
  };
  auto foreign = hit(kNoon);
  foreign.site = SiteId{8};
  EXPECT_EQ(refused(foreign), "unknown_site");
  EXPECT_EQ(refused(hit(kNoon + kFutureMax + seconds{1})), "future");
  EXPECT_EQ(refused(hit(kNoon - kLateMax - seconds{1})), "late");
  auto old = hit(kNoon - days{401});
  old.origin = Origin::kLog;
  EXPECT_EQ(refused(old), "past_retention");
  auto garbled = hit(kNoon);
  garbled.path = "/\xff";
  EXPECT_EQ(refused(garbled), "malformed");
  auto engagement = hit(kNoon, "/", 77);
  engagement.name = "engagement";
  EXPECT_EQ(refused(engagement), "no_visit");
  EXPECT_EQ(refused(hit(kNoon)), "taken");
}

TEST_F(IntakeTest, an_acknowledged_hit_is_taken_however_the_clock_was_set_and_however_long_the_outage_was) {
  const auto taken = [&](Instant now, std::string path) {
    now_ = now;
    intake_->take(
        {.offset = intake_->position() + 1, .appended_at = kNoon, .bytes = encode(std::vector{hit(kNoon, path)})},
        sites_, now_, [this](const Taken& each) { fates_.push_back(each.fate); });
    return fates_.back() == Taken::Fate::kAccepted;
  };
  EXPECT_TRUE(taken(kNoon - hours{1}, "/the clock was set back"));
  EXPECT_TRUE(taken(kNoon + days{5}, "/the column store was away"));
  EXPECT_TRUE(taken(kNoon - days{365}, "/far back"));
  EXPECT_FALSE(taken(kNoon + days{401}, "/past its retention"));
}

TEST_F(IntakeTest, a_visit_goes_on_when_the_clock_is_set_back_a_little_and_ends_when_far) {
  take({hit(kNoon)});
  now_ = kNoon - minutes{20};
  take({hit(now_, "/b")});
  commit();
  EXPECT_EQ(number("select count(*) from open_visits"), 1);
  EXPECT_EQ(number("select duration_ms from open_visits"), 20 * 60'000);
  now_ = kNoon - days{2};
  take({hit(now_, "/c")});
  commit();
  EXPECT_EQ(number(fmt::format("select count(*) from {}", kAllVisits)), 2);
  now_ = kNoon + hours{1};
  take({hit(now_, "/d", 2)});
  commit();
  EXPECT_EQ(number("select count(*) from visits"), 2) << "none stays open";
}

TEST_F(IntakeTest, a_poison_record_is_set_aside_and_blocks_nothing) {
  take_bytes("no record of ours");
  take({hit(kNoon)});
  commit();
  EXPECT_EQ(number("select count(*) from set_aside"), 1);
  EXPECT_EQ(number("select count(*) from events"), 1);
  EXPECT_EQ(last_commit(*columns_).offset, 2U);
}

TEST_F(IntakeTest, bots_are_recorded_apart) {
  auto bot = hit(kNoon);
  bot.kind = Hit::Kind::kBot;
  bot.bot_name = "GPTBot";
  take({bot});
  commit();
  EXPECT_EQ(number("select count(*) from bots where name = 'GPTBot'"), 1);
  EXPECT_EQ(number("select count(*) from events"), 0);
}

TEST_F(IntakeTest, retention_removes_what_is_older_and_nothing_else) {
  auto old = hit(kNoon - days{399});
  old.origin = Origin::kLog;
  take({old, hit(kNoon, "/", 2)});
  commit();
  now_ = kNoon + days{2};
  remove_expired(*columns_, sites_, now_, [](SiteId, std::int64_t) {});
  EXPECT_EQ(number("select count(*) from events"), 1);
  EXPECT_EQ(number("select count(*) from open_visits"), 1);
}

TEST_F(IntakeTest, refusals_of_a_site_that_is_gone_are_counted_without_a_site) {
  Ledger ledger;
  ledger.add(SiteId{7}, "collector", "foreign_origin", 3);
  sites_.by_key_text.clear();
  take({hit(kNoon)});
  intake_->add_refusals(ledger, sites_);
  commit();
  EXPECT_EQ(number("select count(*) from refusals where site_id <> 0"), 0);
  EXPECT_EQ(number("select cast(sum(count) as bigint) from refusals where reason = 'foreign_origin'"), 3);
  EXPECT_EQ(number("select cast(sum(count) as bigint) from refusals where reason = 'unknown_site'"), 1);
}

TEST_F(IntakeTest, a_deleted_site_leaves_no_rows) {
  take({hit(kNoon)});
  commit();
  intake_->erase(SiteId{7});
  columns_->commit(erase_steps(SiteId{7}, now_));
  for (const auto& table : tables()) {
    if (table.name == "progress" || table.name == "set_aside" || table.name == "deletions") continue;
    EXPECT_EQ(number(fmt::format("select count(*) from {}", table.name)), 0) << table.name;
  }
}

}  // namespace
}  // namespace mainstay::analytics
