#include "modules/analytics/processor.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/json.h"
#include "modules/analytics/intake.h"
#include "modules/analytics/query/rollups.h"
#include "modules/analytics/tables.h"
#include "ports/bus/local/local_bus.h"
#include "ports/clock/system/system_clock.h"
#include "ports/columns/duckdb/duckdb_columns.h"
#include "ports/stream/embedded/embedded.h"
#include "testing/fixed_random.h"
#include "testing/forwarding_columns.h"
#include "testing/one_site.h"
#include "testing/run_task.h"
#include "testing/temporary_folder.h"

namespace mainstay::analytics {
namespace {

constexpr std::chrono::milliseconds kPatience{60'000};

/// A column store that refuses while told to, and whose next reads fail when told so.
class Refusing final : public testing::ForwardingColumns {
 public:
  using ForwardingColumns::ForwardingColumns;
  std::atomic<bool> refusing{false};
  std::atomic<int> refused{0};
  std::atomic<int> added{0};
  std::atomic<int> commits{0};
  std::atomic<bool> commits_wait{false};
  std::atomic<std::size_t> rows_max{1'000'000};  ///< of one transaction
  std::atomic<int> reads_to_fail{0};

  Result<> stream_blocking(const columns::Statement& statement, std::chrono::milliseconds patience,
                           const Take& take) override {
    if (reads_to_fail > 0) {
      --reads_to_fail;
      throw Unavailable("the disk cannot be read");
    }
    return ForwardingColumns::stream_blocking(statement, patience, take);
  }

 private:
  void before_add(std::size_t rows) override {
    ++added;
    if (rows > rows_max) refuse_for("there is no room for so many rows");
  }
  void commit_transaction(columns::Transaction& inner) override {
    ++commits;
    while (commits_wait) std::this_thread::yield();
    if (refusing) refuse_for("the disk is full");
    inner.commit();
  }
  void refuse_for(const std::string& reason) {
    ++refused;
    throw Unavailable(reason);
  }
};

class ProcessorTest : public ::testing::Test {
 protected:
  ProcessorTest() {
    store_.create(tables());
    store_.create(rollup_tables());
    start();
  }
  void start(Processor::Options options = {}) {
    options.flush_every = std::chrono::hours{1};
    options.fresh_patience = fresh_patience_;
    processor_ =
        std::make_unique<Processor>(Processor::Ports{.stream = *stream_,
                                                     .columns = store_,
                                                     .bus = bus_,
                                                     .clock = clock_,
                                                     .random = random_,
                                                     .metrics = metrics_,
                                                     .sites = sites_,
                                                     .on_first_hit = [this](SiteId, Instant) { ++first_hits_; }},
                                    options);
    processor_->start();
  }
  [[nodiscard]] Hit pageview(std::string path, std::uint64_t visitor = 1) {
    Hit hit;
    hit.site = SiteId{7};
    hit.at = clock_.now();
    hit.name = "pageview";
    hit.path = std::move(path);
    hit.visitor = visitor;
    hit.visitor_day = utc_day(hit.at);
    return hit;
  }
  void append(std::string path, std::uint64_t visitor = 1, std::uint64_t batch = 0, std::uint64_t event_id = 0) {
    auto hit = pageview(std::move(path), visitor);
    hit.event_id = event_id;
    const auto appended = mainstay::testing::run(stream_->append(encode(std::vector{hit}, batch)));
    ASSERT_TRUE(appended.has_value());
  }
  /// Hits of different visitors and of import 42, of which some are on their way to the store and none is committed.
  void begin_in_pieces(std::uint64_t hits) {
    processor_->stop();
    start({.piece_rows = 4, .flush_rows = 1'000});
    for (std::uint64_t visitor = 1; visitor <= hits; ++visitor) append("/", visitor, 42);
    wait_until([this] { return store_.added >= 1; });
  }
  bool drain(std::chrono::milliseconds patience) { return testing::run(processor_->reach(stream_->last(), patience)); }
  void restart_and_drain() {
    processor_->stop();
    processor_.reset();
    store_.refusing = false;
    store_.reads_to_fail = 0;
    start();
    EXPECT_TRUE(drain(std::chrono::seconds{30}));
  }
  std::int64_t rows(const std::string& table) {
    const auto answer = store_.query_blocking({.text = "select count(*) from " + table, .parameters = {}}, {});
    return std::get<std::int64_t>(answer.value().rows[0][0]);
  }

  std::int64_t counted_foreign() {
    const auto answer = store_.query_blocking(
        {.text = "select cast(sum(count) as bigint) from refusals where reason = 'foreign_origin'", .parameters = {}},
        {});
    return std::get<std::int64_t>(answer.value().rows.at(0).at(0));
  }
  template <class Condition>
  static void wait_until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!condition() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_TRUE(condition());
  }

  testing::TemporaryFolder folder_;
  testing::FixedRandom random_;
  clock::system::SystemClock clock_;
  metrics::Registry metrics_;
  bus::local::LocalBus bus_;
  testing::OneSite sites_;
  std::unique_ptr<columns::Columns> columns_ =
      columns::duckdb::open({.folder = folder_.path() / "columns", .export_folder = {}});
  Refusing store_{*columns_};
  std::unique_ptr<stream::Stream> stream_ =
      stream::embedded::open({.folder = folder_.path() / "queue", .clock = &clock_});
  std::chrono::milliseconds fresh_patience_ = kPatience;
  std::atomic<int> first_hits_ = 0;
  std::unique_ptr<Processor> processor_;
};

TEST_F(ProcessorTest, what_was_acknowledged_is_in_the_tables_before_a_report_reads) {
  for (int i = 0; i < 20; ++i) {
    append("/a");
    EXPECT_EQ(mainstay::testing::run(processor_->make_current()), std::chrono::milliseconds{0});
    ASSERT_EQ(rows("events"), i + 1);
  }
  EXPECT_EQ(first_hits_, 1);
}

TEST_F(ProcessorTest, a_full_batch_is_written_though_nobody_asks_and_ends_between_two_records) {
  processor_->stop();
  const std::vector<Hit> hits(3, pageview("/"));
  // Five records in one go, of which two make a full batch.
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(mainstay::testing::run(stream_->append(encode(hits))).has_value());
  start({.flush_rows = 6});
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (rows("events") < 12 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(rows("events") % 3, 0);
  EXPECT_GE(rows("events"), 12);
  EXPECT_EQ(mainstay::testing::run(processor_->make_current()), std::chrono::milliseconds{0});
  EXPECT_EQ(rows("events"), 15);
  EXPECT_EQ(rows("visits") + rows("open_visits"), 1);
}

TEST_F(ProcessorTest, a_hit_is_pushed_to_watchers_with_its_page) {
  std::mutex mutex;
  std::condition_variable came;
  std::string payload;
  const auto subscription = bus_.subscribe("events.analytics.live.7", [&](const bus::Message& message) {
    const std::scoped_lock lock(mutex);
    payload = *message.payload;
    came.notify_all();
  });
  append("/now");
  std::unique_lock lock(mutex);
  ASSERT_TRUE(came.wait_for(lock, std::chrono::seconds{20}, [&] { return payload.find("/now") != std::string::npos; }));
  EXPECT_EQ(json::parse(payload)->at("current_visitors").to_number<int>(), 1);
}

TEST_F(ProcessorTest, a_store_that_refuses_loses_and_doubles_nothing) {
  processor_->stop();
  fresh_patience_ = std::chrono::milliseconds{500};
  start();
  append("/a");
  EXPECT_TRUE(drain(kPatience));
  store_.refusing = true;
  const auto asked_at = clock_.now();
  append("/b");
  const auto behind = mainstay::testing::run(processor_->make_current());  // gives up waiting
  EXPECT_GT(behind, std::chrono::milliseconds{0});
  EXPECT_GE(clock_.now() - asked_at, behind - std::chrono::milliseconds{1}) << "no more than since the hit";
  wait_until([this] { return store_.refused > 0; });
  append("/c");
  EXPECT_EQ(rows("events"), 1);
  store_.refusing = false;
  EXPECT_TRUE(drain(std::chrono::seconds{30}));
  EXPECT_EQ(rows("events"), 3);
  EXPECT_EQ(rows("open_visits"), 1);
}

TEST_F(ProcessorTest, a_large_batch_is_on_its_way_in_pieces_before_it_is_committed) {
  begin_in_pieces(12);
  EXPECT_EQ(rows("events"), 0);
  wait_until([this] { return processor_->current_visitors(SiteId{7}) == 12; });
  EXPECT_TRUE(drain(std::chrono::seconds{30}));
  EXPECT_EQ(rows("events"), 12);
  EXPECT_EQ(rows("open_visits"), 12);
}

TEST_F(ProcessorTest, a_batch_in_pieces_that_the_store_refuses_is_read_again_and_counted_once) {
  begin_in_pieces(10);
  processor_->count_refusal(SiteId{7}, "collector", "foreign_origin", 3);
  store_.refusing = true;
  wait_until([this] { return !drain(std::chrono::milliseconds{10}) && store_.refused >= 3; });
  EXPECT_EQ(rows("events"), 0);
  store_.refusing = false;
  EXPECT_TRUE(drain(std::chrono::seconds{30}));
  EXPECT_EQ(rows("events"), 10);
  EXPECT_EQ(processor_->take_fates(42).accepted, 10U);
  EXPECT_EQ(counted_foreign(), 3);
  append("/last", 1, 42);
  EXPECT_TRUE(drain(std::chrono::seconds{30}));
  const auto live = json::parse(processor_->live_model(SiteId{7}));
  EXPECT_EQ(live->at("ledger").at("accepted").to_number<int>(), 11) << "taken several times, counted once";
  EXPECT_EQ(live->at("current_visitors").to_number<int>(), 10);
}

TEST_F(ProcessorTest, a_batch_in_pieces_that_is_lost_while_somebody_waits_for_it_is_not_taken_for_written) {
  begin_in_pieces(10);
  processor_->count_refusal(SiteId{7}, "collector", "foreign_origin", 3);
  store_.refusing = true;
  store_.commits_wait = true;
  wait_until([this] { return !drain(std::chrono::milliseconds{10}) && store_.commits >= 1; });
  EXPECT_FALSE(drain(std::chrono::milliseconds{250})) << "asks while the commit is under way";
  store_.commits_wait = false;
  wait_until([this] { return !drain(std::chrono::milliseconds{10}) && store_.refused >= 2; });
  store_.refusing = false;
  EXPECT_TRUE(drain(std::chrono::seconds{30}));
  EXPECT_EQ(rows("events"), 10);
  EXPECT_EQ(processor_->take_fates(42).accepted, 10U);
  EXPECT_EQ(counted_foreign(), 3);
  EXPECT_EQ(json::parse(processor_->live_model(SiteId{7}))->at("ledger").at("accepted").to_number<int>(), 10);
}

TEST_F(ProcessorTest, a_store_without_room_for_a_large_batch_gets_smaller_ones) {
  processor_->stop();
  store_.rows_max = 12;
  start({.piece_rows = 4, .flush_rows = 1'000, .held_rows_max = 8});
  for (int i = 0; i < 60; ++i) append("/" + std::to_string(i), 1, 42);
  EXPECT_TRUE(drain(std::chrono::seconds{60}));
  EXPECT_GT(store_.refused, 0);
  EXPECT_LE(store_.refused, 2) << "after a loss they are not tried in pieces at once";
  EXPECT_EQ(rows("events"), 60);
  EXPECT_EQ(rows("open_visits"), 1);
  EXPECT_EQ(processor_->take_fates(42).accepted, 60U);
}

TEST_F(ProcessorTest, a_store_that_cannot_be_read_in_the_middle_of_a_batch_in_pieces_costs_nothing) {
  begin_in_pieces(10);
  store_.reads_to_fail = 1;
  append("/last", 1, 42, kStableId | 5);  // whose like are looked for in the store
  EXPECT_TRUE(drain(std::chrono::seconds{30}));
  EXPECT_EQ(store_.reads_to_fail, 0);
  EXPECT_EQ(rows("events"), 11);
  EXPECT_EQ(rows("open_visits"), 10);
  EXPECT_EQ(processor_->take_fates(42).accepted, 11U);
}

TEST_F(ProcessorTest, a_log_of_many_days_is_committed_before_it_holds_too_many_ids) {
  processor_->stop();
  start({.held_ids_max = 32});
  for (int day = 100; day > 0; --day) {
    auto hit = pageview("/");
    hit.origin = Origin::kLog;
    hit.at -= days{day};
    hit.visitor_day = utc_day(hit.at);
    hit.event_id = kStableId | static_cast<std::uint64_t>(day);
    ASSERT_TRUE(mainstay::testing::run(stream_->append(encode(std::vector{hit}))).has_value());
  }
  wait_until([this] { return rows("events") >= 64; });
  EXPECT_TRUE(drain(std::chrono::seconds{30}));
  EXPECT_EQ(rows("events"), 100);
  EXPECT_GE(store_.commits, 3);
}

TEST_F(ProcessorTest, stopping_ends_though_the_store_refuses_and_no_more_is_taken) {
  processor_->stop();
  store_.refusing = true;
  start({.piece_rows = 4, .flush_rows = 4, .held_rows_max = 8});
  for (int i = 0; i < 20; ++i) append("/" + std::to_string(i));
  wait_until([this] { return store_.refused >= 1; });
  processor_->stop();
  EXPECT_EQ(rows("events"), 0);
  restart_and_drain();
  EXPECT_EQ(rows("events"), 20);
}

TEST_F(ProcessorTest, stopping_in_the_middle_of_a_batch_in_pieces_writes_the_rest) {
  begin_in_pieces(10);
  processor_->stop();
  EXPECT_GE(rows("events"), 4);
  restart_and_drain();
  EXPECT_EQ(rows("events"), 10);
}

TEST_F(ProcessorTest, a_site_is_erased_in_the_middle_of_a_batch_in_pieces) {
  begin_in_pieces(10);
  sites_.hide();  // before its data go: what is still in the stream is of nobody
  mainstay::testing::run(processor_->erase(SiteId{7}));
  EXPECT_TRUE(drain(std::chrono::seconds{30}));
  EXPECT_EQ(rows("events"), 0);
  EXPECT_EQ(rows("open_visits"), 0);
}

TEST_F(ProcessorTest, stopping_while_the_store_refuses_leaves_the_hits_to_the_next_start) {
  append("/a");
  store_.refusing = true;
  processor_->stop();
  EXPECT_EQ(rows("events"), 0);
  restart_and_drain();
  EXPECT_EQ(rows("events"), 1);
}

TEST_F(ProcessorTest, stopping_while_the_store_cannot_be_read_loses_nothing_of_a_record_that_was_taken_in_part) {
  append("/a");
  EXPECT_TRUE(drain(std::chrono::seconds{30}));
  constexpr int kAlways = 1'000'000;
  store_.reads_to_fail = kAlways;
  std::vector<Hit> hits(2, pageview("/"));
  hits[1].event_id = kStableId | 5;  // whose like are looked for in the store
  ASSERT_TRUE(mainstay::testing::run(stream_->append(encode(hits))).has_value());
  while (store_.reads_to_fail > kAlways - 2) std::this_thread::yield();  // of the record, and of what is stored
  restart_and_drain();
  EXPECT_EQ(rows("events"), 3);
}

TEST_F(ProcessorTest, a_restart_knows_who_is_here) {
  append("/a", 1);
  append("/b", 2);
  EXPECT_TRUE(drain(std::chrono::seconds{30}));
  processor_.reset();
  start();
  EXPECT_EQ(processor_->current_visitors(SiteId{7}), 2U);
}

TEST_F(ProcessorTest, an_import_is_told_what_became_of_its_hits) {
  append("/a", 1, 42);
  append("/b", 1, 42);
  append("/c", 1, 0);
  EXPECT_TRUE(drain(std::chrono::seconds{30}));
  EXPECT_EQ(processor_->take_fates(42).accepted, 2U);
  EXPECT_EQ(processor_->take_fates(43).accepted, 0U);
}

TEST_F(ProcessorTest, an_import_is_told_once_of_hits_that_were_read_again) {
  append("/a", 1, 42);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (processor_->current_visitors(SiteId{7}) == 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  store_.reads_to_fail = 1;
  append("/b", 1, 42, kStableId | 5);  // whose like are looked for in the store
  EXPECT_TRUE(drain(std::chrono::seconds{30}));
  EXPECT_EQ(store_.reads_to_fail, 0);
  EXPECT_EQ(rows("events"), 2);
  EXPECT_EQ(processor_->take_fates(42).accepted, 2U);
}

TEST_F(ProcessorTest, an_erased_site_leaves_nothing) {
  append("/a");
  EXPECT_TRUE(drain(std::chrono::seconds{30}));
  mainstay::testing::run(processor_->erase(SiteId{7}));
  EXPECT_EQ(rows("events"), 0);
  EXPECT_EQ(rows("open_visits"), 0);
  EXPECT_EQ(processor_->current_visitors(SiteId{7}), 0U);
}

TEST_F(ProcessorTest, refusals_of_others_reach_the_ledger) {
  processor_->count_refusal(SiteId{7}, "collector", "foreign_origin", 3);
  append("/a");
  EXPECT_TRUE(drain(std::chrono::seconds{30}));
  EXPECT_EQ(counted_foreign(), 3);
}

}  // namespace
}  // namespace mainstay::analytics
