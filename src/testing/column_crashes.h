#pragma once

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include "ports/columns/duckdb/duckdb_columns.h"
#include "testing/temporary_folder.h"

/// What tests of crashes of the column store share: a table of batches beside the number of the last one, and faults of
/// the disk.
namespace mainstay::columns::duckdb {

using mainstay::testing::TemporaryFolder;

/// Whether syncs of write-ahead logs fail, and how many succeeded; whether those of folders and of database files fail.
/// All fsyncs come by here.
extern std::atomic<bool> file_syncs_fail;
extern std::atomic<bool> folder_syncs_fail;
extern std::atomic<bool> log_syncs_fail;
extern std::atomic<int> log_syncs;

inline const Table kNumbers{.name = "numbers",
                            .columns = {{"batch", Type::kInteger}, {"text", Type::kText}, {"extra", Type::kTextMap}},
                            .time_column = "batch"};
inline const Table kOffsets{
    .name = "offsets", .columns = {{"consumer", Type::kText}, {"reached", Type::kInteger}}, .time_column = "reached"};

inline std::unique_ptr<Columns> open_in(const TemporaryFolder& folder) {
  // A small threshold, so that crashes also hit checkpoints.
  auto store = duckdb::open({.folder = folder.path(), .checkpoint_bytes = 1 << 20});
  store->create(std::span(&kNumbers, 1));
  store->create(std::span(&kOffsets, 1));
  return store;
}

inline std::int64_t number(Columns& store, std::string text) {
  const auto answer = store.query_blocking({std::move(text), {}}, {}).value();
  const auto* const value = std::get_if<std::int64_t>(&answer.rows.at(0).at(0));
  return value == nullptr ? 0 : *value;
}

inline std::string noise(std::uint64_t seed, std::size_t bytes) {
  std::mt19937_64 random(seed);
  std::string text;
  while (text.size() < bytes) text += static_cast<char>('a' + random() % 26);
  return text;
}

/// As many rows as the number of the batch modulo 500, and the offset, in one commit.
inline void commit_batch(Columns& store, std::int64_t batch, std::size_t text_bytes) {
  const auto rows = static_cast<std::size_t>(batch % 500);
  Batch added{.table = "numbers", .rows = rows, .columns = std::vector<Cells>(3)};
  added.columns[0].numbers.assign(rows, batch);
  for (std::size_t row = 0; row < rows; ++row) {  // no two alike, so that compression does not make them vanish
    added.columns[1].texts.push_back(fmt::format("{}-{}-", batch, row) +
                                     noise(static_cast<std::uint64_t>(batch) * 500 + row, text_bytes));
  }
  added.columns[2].maps.assign(rows, {{"batch", std::to_string(batch)}});
  Batch offset{.table = "offsets", .rows = 1, .columns = std::vector<Cells>(2)};
  offset.columns[0].texts = {"test"};
  offset.columns[1].numbers = {batch};
  const std::vector<Step> steps{Statement{"DELETE FROM offsets WHERE consumer = $1", {"test"}}, std::move(added),
                                std::move(offset)};
  store.commit(steps);
}

/// Whether the rows are just those of the batches 1 to `reached`.
inline void expect_whole(Columns& store, std::int64_t reached) {
  EXPECT_EQ(
      number(store,
             "SELECT count(*) FROM (SELECT batch, count(*) n FROM numbers GROUP BY batch) WHERE n <> batch % 500"),
      0);
  EXPECT_EQ(number(store, "SELECT coalesce(max(batch), 0) FROM numbers"),
            reached % 500 == 0 ? number(store, "SELECT max(batch) FROM numbers") : reached);
  std::int64_t expected = 0;
  for (std::int64_t batch = 1; batch <= reached; ++batch) expected += batch % 500;
  EXPECT_EQ(number(store, "SELECT count(*) FROM numbers"), expected);
}

/// Runs `body` in a child of its own; its answer is the exit status.
inline int in_child(const std::function<int()>& body) {
  const ::pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1'000 + status;
}

}  // namespace mainstay::columns::duckdb
