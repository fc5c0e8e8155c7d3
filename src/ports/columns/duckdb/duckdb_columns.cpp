#include "ports/columns/duckdb/duckdb_columns.h"

#include <fmt/format.h>

#include <set>
#include <stdexcept>

#include "ports/columns/duckdb/answer.h"
#include "ports/columns/duckdb/engine.h"
#include "ports/columns/duckdb/rewrite.h"
#include "ports/columns/duckdb/transaction.h"
#include "runtime/blocking_pool.h"

namespace mainstay::columns::duckdb {
namespace {

using Deadline = Deadlines::Clock::time_point;

Deadline deadline_after(std::chrono::milliseconds patience) {
  return Deadlines::Clock::now() + std::min<std::chrono::milliseconds>(patience, std::chrono::hours{24 * 365});
}

/// A writer that is never idle adds as much as is repeated meanwhile: after so many rounds it has to wait.
constexpr int kRepeatRounds = 3;
/// A new file waits so long for the queries that run, and keeps new ones waiting; then it lets them pass, and tries
/// again later. After a while (`exports_spared`) it ends the exports and waits longer.
constexpr std::chrono::milliseconds kExchangePatience{100};
constexpr std::chrono::seconds kExchangeRetry{3};
constexpr std::chrono::seconds kInsistentPatience{2};
/// Of a query that asked too much: long enough that nobody asks it again by itself at once.
constexpr std::chrono::seconds kRetryAfter{10};

std::unexpected<Failure> too_large(std::size_t rows_max) {
  return refuse(Refusal::kInvalid, "columns.answer_too_large",
                fmt::format("The answer has more than {} rows.", rows_max));
}

Unavailable yielded() { return Unavailable("the column store is being compacted; export again in a minute"); }

/// The columns that a table has in the file, in its order.
std::vector<std::string> columns_of(duckdb_connection connection, std::string_view table) {
  std::vector<std::string> names;
  for (auto& row : rows_of(connection, {.text = "SELECT column_name FROM duckdb_columns() "
                                                "WHERE table_name = $1 AND schema_name = 'main' ORDER BY column_index",
                                        .parameters = {std::string(table)}})) {
    names.push_back(std::move(std::get<std::string>(row.front())));
  }
  return names;
}

void wait(const std::stop_token& stop, std::chrono::milliseconds time) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any().wait_for(lock, stop, time, [] { return false; });
}

class DuckDbColumns final : public Columns {
 public:
  explicit DuckDbColumns(const Options& options)
      : engine_(options),
        pool_({.name = "columns",
               .threads = std::max<std::size_t>(options.queries, 1),
               .queue_max = options.waiting_queries_max}),
        exports_({.name = "columns-export",
                  .threads = std::max<std::size_t>(options.exports, 1),
                  .queue_max = options.waiting_exports_max}) {}
  ~DuckDbColumns() override { deadlines_.end_all(); }
  DuckDbColumns(const DuckDbColumns&) = delete;
  DuckDbColumns& operator=(const DuckDbColumns&) = delete;

  void create(std::span<const Table> tables) override;
  std::unique_ptr<Transaction> begin() override { return std::make_unique<DuckDbTransaction>(engine_, writing_); }
  void compact(std::stop_token stop) override;

  Task<Result<Answer>> query(Statement statement, Limits limits) override {
    const Deadline deadline = deadline_after(limits.patience);
    co_return co_await pool_.run([&] { return query_until(statement, limits.rows_max, deadline); });
  }
  Result<Answer> query_blocking(const Statement& statement, Limits limits) override {
    return query_until(statement, limits.rows_max, deadline_after(limits.patience));
  }
  Task<Result<>> stream(Statement statement, std::chrono::milliseconds patience, Take take) override {
    const Deadline deadline = deadline_after(patience);
    co_return co_await exports_.run([&] { return stream_until(statement, deadline, take, Deadlines::Kind::kYields); });
  }
  Result<> stream_blocking(const Statement& statement, std::chrono::milliseconds patience, const Take& take) override {
    return stream_until(statement, deadline_after(patience), take);
  }
  Task<Result<>> write_parquet(Statement statement, std::chrono::milliseconds patience, std::string path) override {
    const Deadline deadline = deadline_after(patience);
    co_return co_await exports_.run([&] { return write_parquet_until(statement, deadline, path); });
  }
  [[nodiscard]] std::uint64_t bytes_on_disk() const override;

 private:
  [[nodiscard]] Result<Answer> query_until(const Statement& statement, std::size_t rows_max, Deadline deadline);
  [[nodiscard]] Result<> stream_until(const Statement& statement, Deadline deadline, const Take& take,
                                      Deadlines::Kind kind = Deadlines::Kind::kStays);
  [[nodiscard]] Result<> write_parquet_until(const Statement& statement, Deadline deadline, const std::string& path);
  /// The refusal for what a query met; throws Unavailable for outages.
  [[nodiscard]] std::unexpected<Failure> refusal(const Trouble& trouble, const Deadlines::Guard& guard);
  void create_table(duckdb_connection connection, const Table& table);

  void rewrite(const std::stop_token& stop);
  enum class Others { kMayWrite, kMustWait };
  void repeat_since(duckdb_connection copy, std::unique_lock<std::mutex>& writing, Others others,
                    const std::stop_token& stop);

  Engine engine_;
  Deadlines deadlines_;
  std::mutex compacting_;
  Writing writing_;
  BlockingPool pool_;  ///< ends before the rest, like the next one: its jobs use it
  BlockingPool exports_;
};

std::unexpected<Failure> DuckDbColumns::refusal(const Trouble& trouble, const Deadlines::Guard& guard) {
  engine_.note(trouble);
  switch (trouble.kind) {
    case Trouble::Kind::kStatement: return refuse(Refusal::kInvalid, "columns.bad_statement", trouble.message);
    case Trouble::Kind::kMemory:
      return refuse_for_now("columns.too_much_memory", "The query needs more memory than it may have.", kRetryAfter);
    case Trouble::Kind::kInterrupted:
      if (guard.is_too_slow()) {
        return refuse_for_now("columns.too_slow", "The query took longer than it may.", kRetryAfter);
      }
      if (guard.has_yielded()) throw yielded();
      throw Unavailable("the column store is closing");
    case Trouble::Kind::kOutage:
    case Trouble::Kind::kBroken: break;
  }
  throw Unavailable("the column store: " + trouble.message);
}

Result<Answer> DuckDbColumns::query_until(const Statement& statement, std::size_t rows_max, Deadline deadline) {
  Answer answer;
  bool overflow = false;
  const auto take = [&](const Answer& chunk) {
    if (answer.rows.size() + chunk.rows.size() > rows_max) overflow = true;
    if (overflow) return false;
    answer.names = chunk.names;
    answer.rows.insert(answer.rows.end(), chunk.rows.begin(), chunk.rows.end());
    return true;
  };
  if (const auto done = stream_until(statement, deadline, take); !done) return refuse(done);
  if (overflow) return too_large(rows_max);
  return answer;
}

Result<> DuckDbColumns::stream_until(const Statement& statement, Deadline deadline, const Take& take,
                                     Deadlines::Kind kind) {
  const auto lease = engine_.lease();
  const auto guard = deadlines_.guard(lease->get(), deadline, kind);
  if (guard->has_yielded()) throw yielded();
  if (Deadlines::Clock::now() >= deadline) {
    return refuse_for_now("columns.too_slow", "The query waited longer than it may take.", kRetryAfter);
  }
  const auto prepared = prepare(lease->get(), statement, Only::kSelect);
  if (!prepared) return refusal(prepared.error(), *guard);
  auto result = execute(*prepared, Rows::kStreamed);
  if (!result) return refusal(result.error(), *guard);
  const auto reader = AnswerReader::of(*result);
  if (!reader) return refusal(reader.error(), *guard);
  Answer answer{.names = reader->names()};
  for (bool first = true;; first = false) {
    const auto chunk = fetch(*result);
    if (!chunk) return refusal(chunk.error(), *guard);
    answer.rows.clear();
    if (*chunk) reader->append_rows(chunk->get(), answer.rows);
    // An answer without rows still has names to hand over.
    if (*chunk || first) {
      if (!take(answer)) return {};
    }
    if (!*chunk) return {};
  }
}

Result<> DuckDbColumns::write_parquet_until(const Statement& statement, Deadline deadline, const std::string& path) {
  std::error_code unknown;
  const bool there = std::filesystem::exists(path, unknown);
  if (unknown) throw Unavailable("cannot look for " + path + ": " + unknown.message());
  if (there) {
    return refuse(Refusal::kConflict, "columns.file_exists", "The file to be written exists already.");
  }
  const auto lease = engine_.lease();
  const auto guard = deadlines_.guard(lease->get(), deadline, Deadlines::Kind::kYields);
  if (guard->has_yielded()) throw yielded();
  // Alone first: what is a whole select cannot end the parenthesis below.
  const auto alone = prepare(lease->get(), statement, Only::kSelect);
  if (!alone) return refusal(alone.error(), *guard);
  const Statement copy{.text = fmt::format("COPY (\n{}\n) TO {} (FORMAT parquet, COMPRESSION zstd)", statement.text,
                                           quote(std::filesystem::absolute(path).string())),
                       .parameters = statement.parameters};
  const auto done = run(lease->get(), copy);
  if (done) return {};
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  return refusal(done.error(), *guard);
}

void DuckDbColumns::create_table(duckdb_connection connection, const Table& table) {
  std::string columns;
  for (const auto& column : table.columns) {
    columns += fmt::format("{}{} {}", columns.empty() ? "" : ", ", quote_name(column.name), sql_name(column.type));
  }
  run_or_raise(connection, fmt::format("CREATE TABLE IF NOT EXISTS {} ({})", quote_name(table.name), columns));
  std::vector<std::string> present = columns_of(connection, table.name);
  StoredTable stored;
  for (const auto& column : table.columns) {
    stored.columns.push_back({.name = std::string(column.name), .type = column.type});
    if (std::find(present.begin(), present.end(), column.name) != present.end()) continue;
    run_or_raise(connection, fmt::format("ALTER TABLE {} ADD COLUMN {} {}", quote_name(table.name),
                                         quote_name(column.name), sql_name(column.type)));
    present.emplace_back(column.name);
  }
  stored.in_file_order = std::equal(present.begin(), present.end(), stored.columns.begin(), stored.columns.end(),
                                    [](const auto& name, const auto& column) { return name == column.name; });
  writing_.tables.insert_or_assign(std::string(table.name), std::move(stored));
}

void DuckDbColumns::create(std::span<const Table> tables) {
  const std::scoped_lock lock(writing_.mutex);
  const auto lease = engine_.lease();
  for (const auto& table : tables) create_table(lease->get(), table);
}

void DuckDbColumns::compact(std::stop_token stop) {
  const std::scoped_lock alone(compacting_);
  try {
    rewrite(stop);
  } catch (...) {
    const std::scoped_lock lock(writing_.mutex);
    writing_.since.reset();
    writing_.since_changed.notify_all();
    throw;
  }
}

void DuckDbColumns::rewrite(const std::stop_token& stop) {
  // Before its lease: who holds the mutex may have to wait for all leases, to open the engine anew.
  std::unique_lock writing(writing_.mutex);
  Rewrite made(engine_, deadlines_);
  made.begin();
  writing_.since.emplace();
  writing.unlock();
  made.copy(stop);
  for (int round = 0; round < kRepeatRounds; ++round) {
    writing.lock();
    repeat_since(made.connection(), writing, Others::kMayWrite, stop);
    writing.unlock();
  }
  struct Way {
    Deadlines& deadlines;
    ~Way() { deadlines.want_way(false); }
  } const way{deadlines_};
  for (const auto insist_at = deadline_after(engine_.options().exports_spared);;) {
    const bool insists = Deadlines::Clock::now() >= insist_at;
    if (insists) deadlines_.want_way(true);
    writing.lock();
    repeat_since(made.connection(), writing, Others::kMustWait, stop);
    if (made.exchange(insists ? kInsistentPatience : kExchangePatience)) {
      writing_.since.reset();
      return;
    }
    writing.unlock();
    wait(stop, kExchangeRetry);
  }
}

/// The commits that there are, the oldest first. Each counts as waiting until it is repeated: so much is in memory.
void DuckDbColumns::repeat_since(duckdb_connection copy, std::unique_lock<std::mutex>& writing, Others others,
                                 const std::stop_token& stop) {
  auto& since = *writing_.since;
  for (auto left = since.commits.size();; --left) {
    if (stop.stop_requested()) throw Unavailable("compacting the column store was stopped");
    if (!since.whole) throw Unavailable("a commit failed while the column store was compacted");
    if (left == 0) return;
    const auto steps = std::move(since.commits.front());
    since.commits.pop_front();
    if (others == Others::kMayWrite) writing.unlock();
    const auto done = perform_all(copy, writing_.tables, steps);
    if (others == Others::kMayWrite) writing.lock();
    if (!done) raise(done.error());
    since.rows -= rows_in(steps);
    writing_.since_changed.notify_all();
  }
}

std::uint64_t DuckDbColumns::bytes_on_disk() const {
  std::uint64_t sum = 0;
  std::error_code error;
  for (const auto* const suffix : {"", ".wal"}) {
    const auto bytes = std::filesystem::file_size(engine_.file().string() + suffix, error);
    if (!error) sum += bytes;
  }
  return sum;
}

}  // namespace

std::unique_ptr<Columns> open(Options options) { return std::make_unique<DuckDbColumns>(options); }

}  // namespace mainstay::columns::duckdb
