#include "modules/analytics/committer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <optional>

#include "modules/analytics/intake.h"
#include "modules/analytics/query/rollups.h"
#include "modules/analytics/tables.h"
#include "ports/columns/duckdb/duckdb_columns.h"
#include "testing/fixed_random.h"
#include "testing/forwarding_columns.h"
#include "testing/temporary_folder.h"

namespace mainstay::analytics {
namespace {

enum class Fault {
  kNone,
  kBefore,  ///< nothing is committed
  kAfter    ///< it is durable and reported as failed
};

/// A column store whose next commits fail as the test says.
class Faulty final : public testing::ForwardingColumns {
 public:
  using ForwardingColumns::ForwardingColumns;
  std::deque<Fault> faults;
  std::atomic<int> adds_to_fail = 0;
  std::size_t rows_at_once = 0;  ///< of the largest piece of an answer

  Result<columns::Answer> query_blocking(const columns::Statement& statement, Limits limits) override {
    auto answer = ForwardingColumns::query_blocking(statement, limits);
    if (answer) rows_at_once = std::max(rows_at_once, answer->rows.size());
    return answer;
  }
  Result<> stream_blocking(const columns::Statement& statement, std::chrono::milliseconds patience,
                           const Take& take) override {
    return ForwardingColumns::stream_blocking(statement, patience, [this, &take](const columns::Answer& chunk) {
      rows_at_once = std::max(rows_at_once, chunk.rows.size());
      return take(chunk);
    });
  }

 private:
  void before_add(std::size_t) override {
    if (adds_to_fail > 0 && adds_to_fail-- > 0) throw Unavailable("the disk failed");
  }
  void commit_transaction(columns::Transaction& inner) override {
    const auto fault = faults.empty() ? Fault::kNone : faults.front();
    if (!faults.empty()) faults.pop_front();
    if (fault != Fault::kBefore) inner.commit();
    if (fault != Fault::kNone) throw Unavailable("the disk failed");
  }
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
    auto steps = intake_.take_commit(now, kNewestRollup);
    const auto is_stored = [this, number = intake_.commit_number()] { return last_commit(store_).number >= number; };
    committer_.finish(std::move(steps), is_stored, [&done] { ++done; });
    EXPECT_EQ(committer_.wait_ready(), !committer_.lost());
    EXPECT_TRUE(store_.faults.empty() || GetParam().front() == Fault::kAfter);
    intake_.note_stored();
    return done;
  }
  void take_hit(std::uint64_t visitor = 1) { take_hit(intake_, visitor); }
  void take_hit(Intake& intake, std::uint64_t visitor) {
    Hit hit;
    hit.site = SiteId{7};
    hit.at = kNow;
    hit.name = "pageview";
    hit.path = "/";
    hit.visitor = visitor;
    hit.visitor_day = utc_day(kNow);
    intake.take({.offset = intake.position() + 1, .appended_at = kNow, .bytes = encode(std::vector{hit})}, sites_, kNow,
                [](auto&&...) {});
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
  Committer committer_{store_, metrics_, [] {}};
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

/// Batches in pieces.
class CommitterInPieces : public CommitterTest {
 protected:
  void add_piece() {
    committer_.add(intake_.take_piece(kNow));
    committer_.wait_ready();
  }
  /// Begins again as the processor does, with all hits there were; the numbers of commits go on.
  void read_again(std::uint64_t hits) {
    committer_.begin_anew();
    intake_again_.emplace(store_, random_);
    intake_again_->restore(kNow, [](auto&&...) {});
    EXPECT_EQ(intake_again_->position(), 0U) << "nothing of it was committed";
    for (std::uint64_t visitor = 1; visitor <= hits; ++visitor) take_hit(*intake_again_, visitor);
    bool is_done = false;
    committer_.finish(intake_again_->take_commit(kNow, kNewestRollup), [] { return false; }, [&] { is_done = true; });
    EXPECT_TRUE(committer_.wait_ready());
    EXPECT_TRUE(is_done);
  }
  std::optional<Intake> intake_again_;
};
INSTANTIATE_TEST_SUITE_P(Faults, CommitterInPieces,
                         ::testing::Values(std::deque{Fault::kNone}, std::deque{Fault::kBefore},
                                           std::deque{Fault::kAfter}));

TEST_P(CommitterInPieces, all_of_a_batch_is_written_once_or_nothing_and_the_batch_is_lost) {
  for (std::uint64_t visitor = 1; visitor <= 3; ++visitor) {
    take_hit(visitor);
    add_piece();
    EXPECT_FALSE(committer_.idle()) << "it is not ended";
    EXPECT_EQ(number("select count(*) from events"), 0);
  }
  take_hit(4);
  const bool is_lost = GetParam().front() == Fault::kBefore;
  EXPECT_EQ(write(kNow), is_lost ? 0 : 1);
  EXPECT_EQ(committer_.idle(), !is_lost);
  EXPECT_EQ(committer_.lost(), is_lost);
  EXPECT_EQ(number("select count(*) from events"), is_lost ? 0 : 4);
  EXPECT_EQ(number("select count(*) from open_visits"), is_lost ? 0 : 4);
  if (!is_lost) return;
  read_again(4);
  EXPECT_EQ(number("select count(*) from events"), 4);
}

TEST_P(CommitterInPieces, a_piece_that_is_refused_takes_the_batch_with_it) {
  take_hit(1);
  add_piece();
  store_.adds_to_fail = 1;
  take_hit(2);
  add_piece();
  EXPECT_TRUE(committer_.lost());
  EXPECT_FALSE(committer_.ready());
  EXPECT_FALSE(committer_.idle());
  EXPECT_THROW(committer_.add({}), std::logic_error) << "the rest of a batch is not a batch";
  EXPECT_EQ(number("select count(*) from events"), 0);
  read_again(2);
  EXPECT_EQ(number("select count(*) from events"), 2);
}

TEST_P(CommitterInPieces, a_batch_that_is_given_up_holds_up_no_other_writer) {
  take_hit(1);
  add_piece();
  committer_.begin_anew();
  EXPECT_TRUE(committer_.idle());
  columns_->commit(std::vector<columns::Step>{columns::Statement{"delete from events", {}}});
  read_again(1);
  EXPECT_EQ(number("select count(*) from events"), 1);
}

TEST_P(CommitterInPieces, visits_that_ended_are_written_with_the_pieces_and_leave_the_open_ones) {
  take_hit(1);
  write(kNow);
  if (committer_.lost()) GTEST_FAIL() << "a batch that came whole is tried again";
  take_hit(2);
  committer_.add(intake_.take_piece(kNow + hours{1}));
  committer_.wait_ready();
  intake_.note_stored();
  bool is_done = false;
  committer_.finish(intake_.take_commit(kNow + hours{1}, kNewestRollup), [] { return false; }, [&] { is_done = true; });
  EXPECT_TRUE(committer_.wait_ready());
  EXPECT_TRUE(is_done);
  EXPECT_EQ(number("select count(*) from visits"), 2);
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
  const auto steps = restarted.take_commit(kNow, kNewestRollup);
  EXPECT_EQ(restarted.commit_number(), before + 1);
  columns_->commit(steps);
  EXPECT_EQ(last_commit(store_).number, before + 1);
}

}  // namespace
}  // namespace mainstay::analytics
