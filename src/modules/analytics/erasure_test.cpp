#include "modules/analytics/erasure.h"

#include <gtest/gtest.h>

#include "modules/analytics/intake.h"
#include "modules/analytics/query/rollups.h"
#include "modules/analytics/tables.h"
#include "ports/columns/duckdb/duckdb_columns.h"
#include "testing/fixed_random.h"
#include "testing/folder_search.h"
#include "testing/manual_clock.h"
#include "testing/temporary_folder.h"

namespace mainstay::analytics {
namespace {

constexpr std::string_view kNeedle = "/a-page-that-somebody-wants-to-be-forgotten";

class ErasureTest : public ::testing::Test {
 protected:
  ErasureTest() {
    for (const auto& [id, domain, retention] : {std::tuple{7, "example.com", std::optional<std::int32_t>{30}},
                                                std::tuple{8, "kept.example", std::optional<std::int32_t>{}}}) {
      auto site = std::make_shared<Site>();
      site->id = SiteId{id};
      site->domain = domain;
      site->retention_days = retention;
      sites_.by_key_text[std::to_string(id)] = site;
      sites_.by_key_text[domain] = site;
    }
    open();
  }
  void open() {
    compactor_.reset();
    columns_.reset();
    columns_ = columns::duckdb::open({.folder = folder_.path(), .export_folder = {}});
    columns_->create(tables());
    columns_->create(rollup_tables());
    compactor_ = std::make_unique<Compactor>(*columns_, clock_, metrics_);
  }
  /// Stores a page view of now.
  void store(std::int64_t site, std::string path) {
    Intake intake(*columns_, random_);
    intake.restore(clock_.now(), [](auto&&...) {});
    Hit hit;
    hit.site = SiteId{site};
    hit.at = clock_.now();
    hit.name = "pageview";
    hit.path = std::move(path);
    hit.visitor = 1;
    hit.visitor_day = utc_day(hit.at);
    intake.take({.offset = intake.position() + 1, .appended_at = hit.at, .bytes = encode(std::vector{hit})}, sites_,
                clock_.now(), [](auto&&...) {});
    columns_->commit(intake.take_commit(clock_.now(), kNewestRollup));
  }
  std::int64_t number(const std::string& statement) {
    return std::get<std::int64_t>(
        columns_->query_blocking({.text = statement, .parameters = {}}, {}).value().rows.at(0).at(0));
  }
  bool on_disk() const { return testing::folder_holds(folder_.path(), kNeedle); }
  bool compact() { return compactor_->compact_if_due({}); }

  testing::TemporaryFolder folder_;
  testing::ManualClock clock_;
  testing::FixedRandom random_;
  metrics::Registry metrics_;
  SiteMap sites_;
  std::unique_ptr<columns::Columns> columns_;
  std::unique_ptr<Compactor> compactor_;
};

TEST_F(ErasureTest, a_deleted_site_leaves_the_disk_at_once_and_others_stay) {
  store(7, std::string(kNeedle));
  store(8, "/kept");
  EXPECT_FALSE(compact()) << "nothing was deleted";
  columns_->commit(erase_steps(SiteId{7}, clock_.now()));
  EXPECT_TRUE(on_disk());
  EXPECT_TRUE(compact());
  EXPECT_FALSE(on_disk());
  EXPECT_EQ(number("select count(*) from events"), 1);
  EXPECT_EQ(last_commit(*columns_).offset, 2U);
  EXPECT_FALSE(compact()) << "it is done";
}

TEST_F(ErasureTest, rows_past_their_retention_leave_the_disk_within_the_stated_time) {
  store(7, std::string(kNeedle));
  store(8, std::string("/kept"));
  clock_.advance(days{30});
  std::map<SiteId, std::int64_t> removed;
  const auto note = [&removed](SiteId site, std::int64_t hits) { removed[site] += hits; };
  remove_expired(*columns_, sites_, clock_.now(), note);
  EXPECT_TRUE(removed.empty());
  EXPECT_EQ(number("select count(*) from events"), 2) << "not a moment early";
  clock_.advance(microseconds{1});
  remove_expired(*columns_, sites_, clock_.now(), note);
  EXPECT_EQ(removed, (std::map<SiteId, std::int64_t>{{SiteId{7}, 1}}));
  EXPECT_EQ(number("select count(*) from events"), 1);
  EXPECT_EQ(number("select count(*) from open_visits"), 1);
  EXPECT_FALSE(compact()) << "not for every row";
  clock_.advance(Compactor::kSmallKept);
  EXPECT_TRUE(compact());
  EXPECT_FALSE(on_disk());
}

TEST_F(ErasureTest, what_was_deleted_before_a_restart_is_remembered) {
  store(7, std::string(kNeedle));
  columns_->commit(erase_steps(SiteId{7}, clock_.now()));
  open();
  EXPECT_TRUE(compact());
  EXPECT_FALSE(on_disk());
}

TEST_F(ErasureTest, a_clock_that_was_set_back_does_not_put_it_off) {
  store(7, std::string(kNeedle));
  clock_.advance(days{31});
  remove_expired(*columns_, sites_, clock_.now(), [](SiteId, std::int64_t) {});
  clock_.set(clock_.now() - days{365});
  EXPECT_TRUE(compact());
  EXPECT_FALSE(on_disk());
}

TEST_F(ErasureTest, a_compaction_that_is_stopped_is_due_again) {
  store(7, std::string(kNeedle));
  columns_->commit(erase_steps(SiteId{7}, clock_.now()));
  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_THROW(compactor_->compact_if_due(stopped.get_token()), Unavailable);
  EXPECT_TRUE(compact());
  EXPECT_FALSE(on_disk());
}

TEST_F(ErasureTest, what_waits_grows_older_while_nobody_looks) {
  const std::string gauge = "\nmainstay_analytics_deleted_waiting_seconds ";
  store(7, std::string(kNeedle));
  columns_->commit(erase_steps(SiteId{7}, clock_.now()));
  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_THROW(compactor_->compact_if_due(stopped.get_token()), Unavailable);
  EXPECT_NE(metrics_.render().find(gauge + "0\n"), std::string::npos);
  clock_.advance(hours{2});
  EXPECT_NE(metrics_.render().find(gauge + "7200\n"), std::string::npos) << metrics_.render();
  EXPECT_TRUE(compact());
  EXPECT_NE(metrics_.render().find(gauge + "0\n"), std::string::npos);
}

TEST_F(ErasureTest, poison_records_are_kept_for_a_week) {
  Intake intake(*columns_, random_);
  intake.restore(clock_.now(), [](auto&&...) {});
  intake.take({.offset = 1, .appended_at = clock_.now(), .bytes = "no record of ours"}, sites_, clock_.now(),
              [](auto&&...) {});
  columns_->commit(intake.take_commit(clock_.now(), kNewestRollup));
  clock_.advance(kSetAsideKept);
  remove_expired(*columns_, sites_, clock_.now(), [](SiteId, std::int64_t) {});
  EXPECT_EQ(number("select count(*) from set_aside"), 1);
  clock_.advance(microseconds{1});
  remove_expired(*columns_, sites_, clock_.now(), [](SiteId, std::int64_t) {});
  EXPECT_EQ(number("select count(*) from set_aside"), 0);
}

TEST_F(ErasureTest, what_strangers_named_is_kept_for_ninety_days_and_the_other_refusals_as_the_site_says) {
  const std::vector<columns::Step> rows{columns::Statement{
      .text =
          "insert into refusals (site_id, \"at\", source, reason, count, asked_site, asked_host) values "
          "(0, $1, 'collector', 'malformed', 1, '', ''), (0, $1, 'collector', 'unknown_site', 1, 'x', 'a.example'), "
          "(7, $1, 'collector', 'foreign_origin', 1, '', 'a.example'), (7, $1, 'collector', 'gpc', 1, '', '')",
      .parameters = {clock_.now()}}};
  columns_->commit(rows);
  clock_.advance(kNamedRefusalsKept);
  remove_expired(*columns_, {}, clock_.now(), [](SiteId, std::int64_t) {});
  EXPECT_EQ(number("select count(*) from refusals"), 4);
  clock_.advance(microseconds{1});
  remove_expired(*columns_, {}, clock_.now(), [](SiteId, std::int64_t) {});
  EXPECT_EQ(number("select count(*) from refusals"), 1);
  EXPECT_EQ(number("select count(*) from refusals where reason = 'gpc'"), 1);
}

TEST_F(ErasureTest, its_thread_takes_what_is_noted_when_it_is_woken) {
  store(7, std::string(kNeedle));
  compactor_->start();
  columns_->commit(erase_steps(SiteId{7}, clock_.now()));
  compactor_->wake();
  while (number("select count(*) from deletions") > 0) std::this_thread::yield();
  compactor_->stop();
  EXPECT_FALSE(on_disk());
}

}  // namespace
}  // namespace mainstay::analytics
