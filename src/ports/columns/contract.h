#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "ports/columns/columns.h"
#include "testing/run_task.h"

/// What every column store promises. An adapter's test instantiates `ColumnsContract` with a factory, in one
/// source file.
namespace mainstay::columns {

/// Where a store keeps its tables; opening again finds them again. One store is open at a time.
class Home {
 public:
  virtual ~Home() = default;
  [[nodiscard]] virtual std::unique_ptr<Columns> open() = 0;
  /// A path that `write_parquet` may write to.
  [[nodiscard]] virtual std::string export_path(std::string_view name) = 0;
  /// Whether a file of the store holds these bytes.
  [[nodiscard]] virtual bool holds(std::string_view bytes) const = 0;
};

class ColumnsContract : public ::testing::TestWithParam<std::function<std::unique_ptr<Home>()>> {
 protected:
  static inline const Table kThings{.name = "things",
                                    .columns = {{"id", Type::kInteger},
                                                {"small", Type::kSmall},
                                                {"ratio", Type::kReal},
                                                {"seen_at", Type::kTime},
                                                {"label", Type::kText},
                                                {"good", Type::kBoolean},
                                                {"extra", Type::kTextMap}},
                                    .time_column = "seen_at"};
  static constexpr Instant kStart = std::chrono::sys_days{std::chrono::year{2026} / 11 / 21};

  ColumnsContract() { store_->create(std::span(&kThings, 1)); }

  /// Things with the ids from `first` on; every third label is null.
  static Batch things(std::int64_t first, std::size_t count) {
    Batch batch{.table = "things", .rows = count, .columns = std::vector<Cells>(kThings.columns.size())};
    auto& columns = batch.columns;
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t id = first + static_cast<std::int64_t>(i);
      columns[0].numbers.push_back(id);
      columns[1].numbers.push_back(-id % 1'000);
      columns[2].reals.push_back(static_cast<double>(id) / 4);
      columns[3].numbers.push_back(to_micros(kStart) + id);
      columns[4].texts.push_back(label(id));
      columns[4].nulls.push_back(id % 3 == 0 ? 1 : 0);
      columns[5].numbers.push_back(id % 2);
      columns[6].maps.push_back({{"id", std::to_string(id)}, {"long key of more than twelve bytes", label(id)}});
    }
    return batch;
  }
  static std::string label(std::int64_t id) {
    return (id % 2 == 0 ? "l" : "a longer label, Ünïcode ") + std::to_string(id);
  }

  void commit(std::vector<Step> steps) { store_->commit(steps); }
  Result<Answer> ask(std::string text, std::vector<Value> parameters = {}, Columns::Limits limits = {}) {
    return mainstay::testing::run(store_->query({std::move(text), std::move(parameters)}, limits));
  }
  std::int64_t number(std::string text, std::vector<Value> parameters = {}) {
    return std::get<std::int64_t>(ask(std::move(text), std::move(parameters)).value().rows.at(0).at(0));
  }
  std::int64_t count() { return number("SELECT count(*) FROM things"); }
  void reopen() {
    store_.reset();
    store_ = home_->open();
    store_->create(std::span(&kThings, 1));
  }

  std::unique_ptr<Home> home_ = GetParam()();
  std::unique_ptr<Columns> store_ = home_->open();
};

TEST_P(ColumnsContract, cells_of_every_type_come_back_as_they_were) {
  commit({things(1, 5'000)});
  const auto answer =
      ask("SELECT id, small, ratio, seen_at, label, good, extra['id'], extra['none'] FROM things ORDER BY id").value();
  EXPECT_EQ(answer.names.at(3), "seen_at");
  ASSERT_EQ(answer.rows.size(), 5'000u);
  for (std::int64_t id = 1; id <= 5'000; ++id) {
    const auto& row = answer.rows[static_cast<std::size_t>(id - 1)];
    const std::vector<Value> expected{id,
                                      -id % 1'000,
                                      static_cast<double>(id) / 4,
                                      kStart + microseconds{id},
                                      id % 3 == 0 ? Value{} : Value{label(id)},
                                      id % 2 == 1,
                                      std::to_string(id),
                                      Value{}};
    ASSERT_EQ(row, expected) << id;
  }
}

TEST_P(ColumnsContract, edge_values_come_back_as_they_were) {
  Batch batch = things(1, 4);
  batch.columns[0].numbers = {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), 0, 1};
  batch.columns[1].numbers = {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max(), 0, 1};
  batch.columns[2].reals = {-0.5, 1e300, 0, 1};
  const std::string long_text(100'000, 'x');
  batch.columns[4] = {.texts = {"", "123456789012", "1234567890123", long_text}};
  batch.columns[6].maps = {{}, {{"", ""}}, {{"a", "1"}, {"a", "2"}}, {{"k", std::string(5'000, 'v')}}};
  batch.columns[6].nulls = {0, 0, 0, 1};
  commit({batch});
  const auto answer =
      ask("SELECT id, small, ratio, label, extra[''], extra['a'], extra IS NULL FROM things ORDER BY seen_at").value();
  EXPECT_EQ(answer.rows.at(0), (std::vector<Value>{std::numeric_limits<std::int64_t>::min(),
                                                   std::int64_t{std::numeric_limits<std::int32_t>::min()}, -0.5, "",
                                                   Value{}, Value{}, false}));
  EXPECT_EQ(answer.rows.at(1), (std::vector<Value>{std::numeric_limits<std::int64_t>::max(),
                                                   std::int64_t{std::numeric_limits<std::int32_t>::max()}, 1e300,
                                                   "123456789012", "", Value{}, false}));
  EXPECT_EQ(answer.rows.at(2).at(3), Value{"1234567890123"});
  EXPECT_EQ(answer.rows.at(2).at(5), Value{"1"}) << "of a key that comes twice the first counts";
  EXPECT_EQ(answer.rows.at(3).at(3), Value{std::string(100'000, 'x')});
  EXPECT_EQ(answer.rows.at(3).at(6), Value{true});
}

TEST_P(ColumnsContract, parameters_of_every_type_are_bound) {
  commit({things(1, 100)});
  EXPECT_EQ(number("SELECT count(*) FROM things WHERE id <= $1", {std::int64_t{10}}), 10);
  EXPECT_EQ(number("SELECT count(*) FROM things WHERE ratio < $1", {2.5}), 9);
  EXPECT_EQ(number("SELECT count(*) FROM things WHERE good = $1", {true}), 50);
  EXPECT_EQ(number("SELECT count(*) FROM things WHERE seen_at >= $1", {kStart + microseconds{91}}), 10);
  EXPECT_EQ(number("SELECT count(*) FROM things WHERE label = $1", {"l2"}), 1);
  EXPECT_EQ(number("SELECT count(*) FROM things WHERE label IS NOT DISTINCT FROM $1", {Value{}}), 33);
  EXPECT_EQ(number("SELECT count(*) FROM things WHERE id IN (SELECT unnest($1))", {IntegerList{3, 4, 5, 999}}), 3);
  EXPECT_EQ(number("SELECT count(*) FROM things WHERE label IN (SELECT unnest($1))", {TextList{"l2", "l4", "no"}}), 2);
  EXPECT_EQ(number("SELECT count(*) FROM things WHERE id IN (SELECT unnest($1))", {IntegerList{}}), 0);
  EXPECT_EQ(number("SELECT count(*) FROM things WHERE id = $2 OR id = $1", {std::int64_t{1}, std::int64_t{2}}), 2);
}

TEST_P(ColumnsContract, a_parameter_is_never_read_as_a_statement) {
  commit({things(1, 3)});
  EXPECT_EQ(number("SELECT count(*) FROM things WHERE label = $1", {"' OR 1=1; DROP TABLE things; --"}), 0);
  EXPECT_EQ(count(), 3);
}

TEST_P(ColumnsContract, the_steps_of_a_commit_happen_together_and_in_order) {
  commit({things(1, 10)});
  commit({Statement{"DELETE FROM things WHERE id <= $1", {std::int64_t{5}}}, things(100, 5),
          Statement{"UPDATE things SET small = 7 WHERE id >= $1", {std::int64_t{100}}}});
  EXPECT_EQ(count(), 10);
  EXPECT_EQ(number("SELECT count(*) FROM things WHERE small = 7"), 5);
}

TEST_P(ColumnsContract, a_commit_that_fails_leaves_nothing_behind) {
  commit({things(1, 10)});
  EXPECT_THROW(commit({things(100, 3'000), Statement{"DELETE FROM nowhere", {}}}), std::logic_error);
  Batch narrow = things(200, 5);
  narrow.columns.pop_back();
  EXPECT_THROW(commit({Statement{"DELETE FROM things", {}}, narrow}), std::logic_error);
  Batch unknown = things(200, 5);
  unknown.table = "nowhere";
  EXPECT_THROW(commit({things(100, 5), unknown}), std::logic_error);
  EXPECT_EQ(count(), 10);
  commit({things(100, 5)});
  EXPECT_EQ(count(), 15);
}

TEST_P(ColumnsContract, a_batch_that_does_not_fit_its_table_is_a_bug) {
  const auto misfits = [this](const std::function<void(Batch&)>& change) {
    Batch batch = things(1, 5);
    change(batch);
    EXPECT_THROW(commit({batch}), std::logic_error);
  };
  misfits([](Batch& batch) { batch.columns[0].numbers.pop_back(); });
  misfits([](Batch& batch) { batch.columns[4].nulls.pop_back(); });
  misfits([](Batch& batch) { batch.columns[1].numbers[2] = std::int64_t{1} << 40; });
  misfits([](Batch& batch) { batch.columns[4].texts = {"1", "\xFF\xFE", "3", "4", "5"}; });
  misfits([](Batch& batch) { batch.columns[4].texts = {"1", "a longer text with \xC3\x28 in it", "3", "4", "5"}; });
  misfits([](Batch& batch) { batch.columns[6].maps[0][0].first = "\xC0"; });
  EXPECT_EQ(count(), 0);
}

TEST_P(ColumnsContract, what_was_committed_survives_reopening) {
  for (int round = 0; round < 3; ++round) {
    commit({things(round * 1'000, 1'000)});
    reopen();
  }
  EXPECT_EQ(count(), 3'000);
  EXPECT_EQ(number("SELECT count(DISTINCT id) FROM things"), 3'000);
}

TEST_P(ColumnsContract, create_adds_what_is_missing_and_keeps_the_rest) {
  commit({things(1, 10)});
  const Table wider{.name = "things",
                    .columns = {{"note", Type::kText},
                                {"id", Type::kInteger},
                                {"small", Type::kSmall},
                                {"ratio", Type::kReal},
                                {"seen_at", Type::kTime},
                                {"label", Type::kText},
                                {"good", Type::kBoolean},
                                {"extra", Type::kTextMap}},
                    .time_column = "seen_at"};
  store_->create(std::span(&wider, 1));
  Batch batch = things(100, 10);
  batch.columns.insert(batch.columns.begin(), Cells{.texts = Texts(std::vector<std::string>(10, "noted"))});
  commit({batch});
  EXPECT_EQ(count(), 20);
  EXPECT_EQ(number("SELECT count(*) FROM things WHERE note = 'noted' AND id >= 100"), 10);
  EXPECT_EQ(number("SELECT count(*) FROM things WHERE note IS NULL AND id < 100"), 10);
  // A table that has more than the program knows, as after a step back to an older version.
  store_->create(std::span(&kThings, 1));
  commit({things(200, 10)});
  EXPECT_EQ(number("SELECT count(*) FROM things WHERE note IS NULL AND id >= 200"), 10);
}

TEST_P(ColumnsContract, wrong_statements_are_refused_with_a_reason) {
  for (const auto* text :
       {"SELEC 1", "SELECT nothing FROM things", "SELECT * FROM nowhere", "SELECT 1; SELECT 2", "", "SELECT $1",
        "SELECT 'x'::INTEGER", "DELETE FROM things", "DROP TABLE things", "SELECT [1]"}) {
    const auto refused = ask(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().kind, Refusal::kInvalid) << text;
    EXPECT_EQ(refused.error().code, "columns.bad_statement") << text;
    EXPECT_FALSE(refused.error().message.empty()) << text;
  }
  EXPECT_EQ(ask("SELECT 1", {std::int64_t{1}}).error().code, "columns.bad_statement");
  EXPECT_EQ(ask("SELECT count(*) FROM things WHERE label = $1", {"\xFF"}).error().code, "columns.bad_statement");
  EXPECT_EQ(count(), 0);
}

TEST_P(ColumnsContract, an_answer_beyond_its_limit_is_refused) {
  commit({things(1, 5'000)});
  EXPECT_EQ(ask("SELECT id FROM things", {}, {.rows_max = 5'000}).value().rows.size(), 5'000u);
  const auto refused = ask("SELECT id FROM things", {}, {.rows_max = 4'999});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "columns.answer_too_large");
}

TEST_P(ColumnsContract, a_statement_beyond_its_patience_is_stopped_and_the_next_one_runs) {
  commit({things(1, 5'000)});
  const auto refused = ask("SELECT count(*) FROM things a, things b, things c WHERE a.id + b.id + c.id = 7", {},
                           {.patience = std::chrono::milliseconds{50}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Refusal::kUnavailable);
  EXPECT_EQ(refused.error().code, "columns.too_slow");
  EXPECT_GT(refused.error().retry_after.count(), 0);
  EXPECT_EQ(count(), 5'000);
}

TEST_P(ColumnsContract, an_answer_without_rows_has_names) {
  const auto answer = ask("SELECT id, label FROM things").value();
  EXPECT_EQ(answer.names, (std::vector<std::string>{"id", "label"}));
  EXPECT_TRUE(answer.rows.empty());
}

TEST_P(ColumnsContract, sums_and_averages_are_plain_numbers) {
  commit({things(1, 4)});
  const auto answer =
      ask("SELECT sum(id), avg(id), sum(ratio), min(seen_at), 1.25, count(*) FILTER (WHERE id > 9) FROM things")
          .value();
  EXPECT_EQ(answer.rows.at(0),
            (std::vector<Value>{std::int64_t{10}, 2.5, 2.5, kStart + microseconds{1}, 1.25, std::int64_t{0}}));
}

TEST_P(ColumnsContract, a_stream_gives_every_row_in_small_chunks_and_stops_when_told) {
  commit({things(0, 50'000)});
  std::int64_t sum = 0;
  std::size_t rows = 0;
  std::size_t largest = 0;
  const auto all = [&](const Answer& chunk) {
    for (const auto& row : chunk.rows) sum += std::get<std::int64_t>(row.at(0));
    rows += chunk.rows.size();
    largest = std::max(largest, chunk.rows.size());
    return true;
  };
  ASSERT_TRUE(mainstay::testing::run(store_->stream({"SELECT id FROM things", {}}, std::chrono::minutes{1}, all)));
  EXPECT_EQ(rows, 50'000u);
  EXPECT_EQ(sum, std::int64_t{50'000} * 49'999 / 2);
  EXPECT_LE(largest, 10'000u);
  int calls = 0;
  const auto once = [&](const Answer&) { return ++calls < 1; };
  ASSERT_TRUE(mainstay::testing::run(store_->stream({"SELECT id FROM things", {}}, std::chrono::minutes{1}, once)));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(count(), 50'000);
}

TEST_P(ColumnsContract, a_blocking_stream_gives_the_same_on_the_callers_thread) {
  commit({things(0, 20'000)});
  std::size_t rows = 0;
  const auto take = [&, home = std::this_thread::get_id()](const Answer& chunk) {
    EXPECT_EQ(std::this_thread::get_id(), home);
    EXPECT_LE(chunk.rows.size(), 10'000u);
    rows += chunk.rows.size();
    return true;
  };
  ASSERT_TRUE(store_->stream_blocking({"SELECT id FROM things", {}}, std::chrono::minutes{1}, take));
  EXPECT_EQ(rows, 20'000u);
  EXPECT_EQ(store_->stream_blocking({"SELEC", {}}, std::chrono::minutes{1}, take).error().code,
            "columns.bad_statement");
}

TEST_P(ColumnsContract, queries_see_whole_commits_while_a_writer_works) {
  constexpr int kCommits = 40;
  std::thread writer([this] {
    for (int i = 0; i < kCommits; ++i) commit({things(i * 100, 50), things(i * 100 + 50, 50)});
  });
  std::int64_t seen = 0;
  while (seen < kCommits * 100) {
    const auto now = count();
    EXPECT_EQ(now % 100, 0);
    EXPECT_GE(now, seen);
    seen = now;
  }
  writer.join();
}

TEST_P(ColumnsContract, a_blocking_query_answers_like_any_other) {
  commit({things(1, 10)});
  EXPECT_EQ(store_->query_blocking({"SELECT count(*) FROM things", {}}, {}).value().rows.at(0).at(0),
            Value{std::int64_t{10}});
  EXPECT_EQ(store_->query_blocking({"SELEC", {}}, {}).error().code, "columns.bad_statement");
}

TEST_P(ColumnsContract, parquet_beyond_its_patience_is_stopped_and_leaves_no_file) {
  const auto path = home_->export_path("endless.parquet");
  const Statement endless{"SELECT count(*) FROM range(1000000000000)", {}};
  EXPECT_FALSE(mainstay::testing::run(store_->write_parquet(endless, std::chrono::milliseconds{50}, path)));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_P(ColumnsContract, parquet_holds_the_answer_and_never_replaces_a_file) {
  commit({things(1, 1'000)});
  const auto path = home_->export_path("things.parquet");
  const Statement statement{"SELECT id, label, extra FROM things WHERE id > $1 -- not all", {std::int64_t{500}}};
  ASSERT_TRUE(mainstay::testing::run(store_->write_parquet(statement, std::chrono::minutes{10}, path)));
  EXPECT_EQ(number("SELECT count(*) FROM read_parquet('" + path + "') WHERE id > 500"), 500);
  const auto again = mainstay::testing::run(store_->write_parquet(statement, std::chrono::minutes{10}, path));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, Refusal::kConflict);
  const auto wrong = mainstay::testing::run(store_->write_parquet({"SELECT 1) TO '/tmp/x' (FORMAT csv) --", {}},
                                                                  std::chrono::minutes{10}, home_->export_path("x")));
  EXPECT_EQ(wrong.error().code, "columns.bad_statement");
}

}  // namespace mainstay::columns
