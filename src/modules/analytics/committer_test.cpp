#include "modules/analytics/committer.h"

#include <gtest/gtest.h>

#include <deque>

#include "modules/analytics/intake.h"
#include "modules/analytics/query/rollups.h"
#include "modules/analytics/tables.h"
#include "ports/columns/duckdb/duckdb_columns.h"
#include "testing/fixed_random.h"
#include "testing/temporary_folder.h"

namespace mainstay::analytics {
namespace {

enum class Fault {
  kNone,
  kBefore,  ///< nothing is committed
  kAfter    ///< it is durable and reported as failed
};

/// A column store whose next commits fail as the test says.
class Faulty final : public columns::Columns {
 public:
  explicit Faulty(columns::Columns& inner) : inner_(inner) {}
  std::deque<Fault> faults;
  int commits = 0;
  std::size_t rows_at_once = 0;  ///< of the largest piece of an answer

  void create(std::span<const columns::Table> tables) override { inner_.create(tables); }
  void commit(std::span<const columns::Step> steps) override {
    ++commits;
    const auto fault = faults.empty() ? Fault::kNone : faults.front();
    if (!faults.empty()) faults.pop_front();
    if (fault != Fault::kBefore) inner_.commit(steps);
    if (fault != Fault::kNone) throw Unavailable("the disk failed");
  }
  Task<Result<columns::Answer>> query(columns::Statement statement, Limits limits) override {
    return inner_.query(std::move(statement), limits);
  }
  Result<columns::Answer> query_blocking(const columns::Statement& statement, Limits limits) override {
    auto answer = inner_.query_blocking(statement, limits);
    if (answer) rows_at_once = std::max(rows_at_once, answer->rows.size());
    return answer;
  }
  Task<Result<>> stream(columns::Statement statement, std::chrono::milliseconds patience, Take take) override {
    return inner_.stream(std::move(statement), patience, std::move(take));
  }
  Result<> stream_blocking(const columns::Statement& statement, std::chrono::milliseconds patience,
                           const Take& take) override {
    return inner_.stream_blocking(statement, patience, [this, &take](const columns::Answer& chunk) {
      rows_at_once = std::max(rows_at_once, chunk.rows.size());
      return take(chunk);
    });
  }
  Task<Result<>> write_parquet(columns::Statement statement, std::string path) override {
    return inner_.write_parquet(std::move(statement), std::move(path));
  }
  void compact(std::stop_token stop) override { inner_.compact(std::move(stop)); }
  [[nodiscard]] std::uint64_t bytes_on_disk() const override { return inner_.bytes_on_disk(); }

 private:
  columns::Columns& inner_;
};

/// How the tries of one commit end, before one succeeds.
class CommitterTest : public ::testing::TestWithParam<std::deque<Fault>> {
 protected:
  CommitterTest() {
    store_.create(tables());
    store_.create(rollup_tables());
    auto site = std::make_shared<Site>();
    site->id = SiteId{7};
    sites_.by_key_text["7"] = site;
    intake_.restore(kNow, [](auto&&...) {});
  }
  /// Writes what the intake has, with the faults of the parameter; says how often `done` was called.
  int write(Instant now) {
    store_.faults = GetParam();
    int done = 0;
    auto steps = intake_.take_commit(now);
    const auto is_stored = [this, number = intake_.commit_number()] { return last_commit(store_).number >= number; };
    committer_.start(std::move(steps), is_stored, [&done] { ++done; });
    EXPECT_TRUE(committer_.wait_idle());
    EXPECT_TRUE(store_.faults.empty() || GetParam().front() == Fault::kAfter);
    intake_.note_stored();
    return done;
  }
  void take_hit(std::uint64_t visitor = 1) {
    Hit hit;
    hit.site = SiteId{7};
    hit.at = kNow;
    hit.name = "pageview";
    hit.path = "/";
    hit.visitor = visitor;
    hit.visitor_day = utc_day(kNow);
    intake_.take({.offset = intake_.position() + 1, .appended_at = kNow, .bytes = encode(std::vector{hit})}, sites_,
                 kNow, [](auto&&...) {});
  }
  void refuse() {
    Ledger ledger;
    ledger.add(SiteId{7}, "collector", "foreign_origin", 3);
    intake_.add_refusals(ledger, sites_);
  }
  std::int64_t number(const std::string& statement) {
    return std::get<std::int64_t>(
        store_.query_blocking({.text = statement, .parameters = {}}, {}).value().rows.at(0).at(0));
  }

  static constexpr Instant kNow{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1} + hours{12}};
  testing::TemporaryFolder folder_;
  testing::FixedRandom random_;
  metrics::Registry metrics_;
  SiteMap sites_;
  std::unique_ptr<columns::Columns> columns_ = columns::duckdb::open({.folder = folder_.path(), .export_folder = {}});
  Faulty store_{*columns_};
  Intake intake_{store_, random_};
  Committer committer_{store_, metrics_};
};
INSTANTIATE_TEST_SUITE_P(Faults, CommitterTest,
                         ::testing::Values(std::deque{Fault::kNone}, std::deque{Fault::kBefore},
                                           std::deque{Fault::kAfter}, std::deque{Fault::kBefore, Fault::kAfter},
                                           std::deque{Fault::kBefore, Fault::kBefore}));

TEST_P(CommitterTest, hits_are_written_once) {
  take_hit();
  EXPECT_EQ(write(kNow), 1);
  EXPECT_EQ(number("select count(*) from events"), 1);
  EXPECT_EQ(last_commit(store_).offset, 1U);
}

TEST_P(CommitterTest, refusals_alone_are_written_once) {
  take_hit();
  write(kNow);
  refuse();
  EXPECT_EQ(write(kNow), 1);
  refuse();
  EXPECT_EQ(write(kNow), 1);
  EXPECT_EQ(number("select cast(sum(count) as bigint) from refusals"), 6);
  EXPECT_EQ(last_commit(store_).offset, 1U);
}

TEST_P(CommitterTest, a_visit_that_ends_by_itself_is_moved_once) {
  take_hit();
  write(kNow);
  refuse();
  EXPECT_EQ(write(kNow + hours{1}), 1);
  EXPECT_EQ(number("select count(*) from visits"), 1);
  EXPECT_EQ(number("select count(*) from open_visits"), 0);
}

TEST_P(CommitterTest, a_restart_reads_back_in_pieces_however_much_there_is) {
  constexpr std::uint64_t kHits = 30'000;
  for (std::uint64_t visitor = 1; visitor <= kHits; ++visitor) take_hit(visitor);
  write(kNow);
  store_.rows_at_once = 0;
  Intake restarted(store_, random_);
  std::uint64_t recent = 0;
  restarted.restore(kNow, [&recent](SiteId, std::uint64_t, const Hit&) { ++recent; });
  EXPECT_EQ(recent, kHits);
  EXPECT_GT(store_.rows_at_once, 0U);
  EXPECT_LE(store_.rows_at_once, 10'000U);
}

TEST_P(CommitterTest, after_a_restart_the_numbers_go_on) {
  take_hit();
  write(kNow);
  const auto before = last_commit(store_).number;
  Intake restarted(store_, random_);
  restarted.restore(kNow, [](auto&&...) {});
  EXPECT_EQ(restarted.commit_number(), before);
  Ledger ledger;
  ledger.add(SiteId{7}, "collector", "foreign_origin", 1);
  restarted.add_refusals(ledger, sites_);
  const auto steps = restarted.take_commit(kNow);
  EXPECT_EQ(restarted.commit_number(), before + 1);
  columns_->commit(steps);
  EXPECT_EQ(last_commit(store_).number, before + 1);
}

}  // namespace
}  // namespace mainstay::analytics
