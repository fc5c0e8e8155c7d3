#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/failure.h"
#include "base/time.h"
#include "runtime/task.h"

namespace mainstay::columns {

enum class Type {
  kInteger,  ///< 64 bit
  kSmall,    ///< 32 bit
  kReal,
  kTime,  ///< microseconds UTC
  kText,
  kBoolean,
  kTextMap,  ///< text → text
};

struct Column {
  std::string_view name;
  Type type;
};

struct Table {
  std::string_view name;
  std::vector<Column> columns;
  std::string_view time_column;  ///< rows arrive roughly in its order; retention goes by it
};

/// Texts of one column, one after the other in one piece of memory: a batch has millions of mostly short ones.
class Texts {
 public:
  Texts() = default;
  Texts(std::initializer_list<std::string_view> texts) {
    for (const auto text : texts) push_back(text);
  }
  explicit Texts(std::span<const std::string> texts) {
    for (const auto& text : texts) push_back(text);
  }
  void push_back(std::string_view text) {
    bytes_ += text;
    ends_.push_back(bytes_.size());
  }
  /// Makes room for as much as `other` holds.
  void reserve_like(const Texts& other) {
    bytes_.reserve(other.bytes_.size());
    ends_.reserve(other.ends_.size());
  }
  [[nodiscard]] std::size_t size() const { return ends_.size(); }
  [[nodiscard]] bool empty() const { return ends_.empty(); }
  [[nodiscard]] std::string_view operator[](std::size_t index) const {
    const auto from = index == 0 ? 0 : ends_[index - 1];
    return std::string_view{bytes_}.substr(from, ends_[index] - from);
  }

 private:
  std::string bytes_;
  std::vector<std::size_t> ends_;
};

/// One column's worth of cells in a batch, filled row by row. Integers of all widths, times and booleans go to
/// `numbers`. `nulls` is empty when no cell is null, otherwise as long as the column.
struct Cells {
  std::vector<std::int64_t> numbers;
  std::vector<double> reals;
  Texts texts;
  std::vector<std::vector<std::pair<std::string, std::string>>> maps;  ///< of a key that comes twice the first counts
  std::vector<std::uint8_t> nulls;
};

/// Rows to append to a table, column by column in the table's order.
struct Batch {
  std::string_view table;
  std::size_t rows = 0;
  std::vector<Cells> columns;
};

using TextMap = std::vector<std::pair<std::string, std::string>>;
using IntegerList = std::vector<std::int64_t>;
using TextList = std::vector<std::string>;
/// A cell of an answer, or a parameter ($1…) of a statement. Lists are parameters only. In an answer a text map is
/// the text of a JSON object, a date the Instant of its midnight, a decimal a double.
using Value = std::variant<std::monostate, std::int64_t, double, bool, Instant, std::string, IntegerList, TextList>;

struct Statement {
  std::string text;
  std::vector<Value> parameters;
};

/// One step of a commit: a statement (delete, update, insert from select) or an append.
using Step = std::variant<Statement, Batch>;

struct Answer {
  std::vector<std::string> names;
  std::vector<std::vector<Value>> rows;
};

/// A commit made step by step, so that rows are on their way while more of them gather. Of one thread. Until it ends,
/// other writers wait, and nobody else. It ends by `commit`, by the first call that throws, or when it goes: then
/// nothing of it is left.
class Transaction {
 public:
  virtual ~Transaction() = default;
  /// Carries a step out. Throws as Columns::commit.
  virtual void add(const Step& step) = 0;
  /// Durable when it returns. Throws as Columns::commit.
  virtual void commit() = 0;
};

/// Port: a column store. Adapter: duckdb/; passes contract.h. A clustered adapter takes the same calls.
/// Statements are the subset of SQL that the adapters share; parameters are `$1`, `$2`, ….
/// Throws Unavailable when the engine cannot be reached, the disk refuses, or a deadline passed.
class Columns {
 public:
  virtual ~Columns() = default;

  /// Creates the tables that are missing and adds the columns that are missing. Blocks; at start only.
  virtual void create(std::span<const Table> tables) = 0;

  /// All steps in one transaction, durable when it returns. Blocks the calling thread; one at a time, others wait.
  /// Statements must be repeatable: what they do is decided by the rows and their parameters alone (no random(), no
  /// now()). A wrong statement or a batch that does not fit is a bug: std::logic_error. After Unavailable nothing was
  /// committed, but for one case: the engine or its host died between committing and answering. A writer that must not
  /// repeat itself stores its offset with the rows and reads it again before it goes on.
  void commit(std::span<const Step> steps) {
    const auto transaction = begin();
    for (const auto& step : steps) transaction->add(step);
    transaction->commit();
  }

  /// The same in pieces. Blocks while others write. The transaction must go before the store does.
  [[nodiscard]] virtual std::unique_ptr<Transaction> begin() = 0;

  /// Runs one select on a snapshot. At most `rows_max` rows, else Refusal kInvalid `columns.answer_too_large`;
  /// stops with kUnavailable `columns.too_slow` after `patience`, or `columns.too_much_memory` when it needs more than
  /// one may have. kInvalid `columns.bad_statement` for wrong SQL.
  struct Limits {
    std::size_t rows_max = 100'000;
    std::chrono::milliseconds patience{30'000};
  };
  virtual Task<Result<Answer>> query(Statement statement, Limits limits) = 0;

  /// As `query`, on this thread; for start-up and the writer.
  virtual Result<Answer> query_blocking(const Statement& statement, Limits limits) = 0;

  /// Streams an answer in chunks of at most a few thousand rows; `take` runs on a thread of the store and
  /// returns false to stop. For exports: memory does not grow with the answer.
  /// Few run side by side, apart from queries; Unavailable when too many wait, and when a compaction would otherwise
  /// wait for long. `take` must not block for ever: while it does, the store neither ends nor gets compacted.
  using Take = std::function<bool(const Answer& chunk)>;
  virtual Task<Result<>> stream(Statement statement, std::chrono::milliseconds patience, Take take) = 0;

  /// As `stream`, on this thread; for start-up and the writer.
  virtual Result<> stream_blocking(const Statement& statement, std::chrono::milliseconds patience,
                                   const Take& take) = 0;

  /// As `stream`: writes the answer as a Parquet file at `path`; kConflict `columns.file_exists` when there is one.
  virtual Task<Result<>> write_parquet(Statement statement, std::chrono::milliseconds patience, std::string path) = 0;

  /// Makes the files anew from what is live: when it returns, no file of the store holds anything of rows that were
  /// deleted before the call. Blocks; may take minutes. Queries and commits go on meanwhile; only an import is held
  /// up, and exports that last for long are ended. Needs free space for a second set of files. Any thread, one at a
  /// time. Unavailable when there is no space, the disk refuses, or `stop` was requested; then
  /// everything is as before, and it can be called again.
  virtual void compact(std::stop_token stop) = 0;

  /// Bytes on disk. Any thread.
  [[nodiscard]] virtual std::uint64_t bytes_on_disk() const = 0;
};

}  // namespace mainstay::columns
