#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/failure.h"
#include "base/time.h"
#include "runtime/task.h"

namespace mainstay::sql {

/// One value in or out: null, integer (also time: microseconds UTC; also boolean: 0/1), double, text, bytes.
using Bytes = std::vector<std::byte>;
using Value = std::variant<std::monostate, std::int64_t, double, std::string, Bytes>;

/// Makes a parameter from what code has at hand: integers, enums (ids), Instant, text, optional of those.
template <class T>
[[nodiscard]] Value to_value(const T& item) {
  if constexpr (std::is_same_v<T, Value>) {
    return item;
  } else if constexpr (std::is_same_v<T, Instant>) {
    return to_micros(item);
  } else if constexpr (std::is_same_v<T, bool>) {
    return std::int64_t{item ? 1 : 0};
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<std::int64_t>(item);
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<std::int64_t>(item);
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<double>(item);
  } else if constexpr (std::is_convertible_v<T, std::string_view>) {
    return std::string{std::string_view{item}};
  } else if constexpr (std::is_same_v<T, Bytes>) {
    return item;
  } else {
    return item ? to_value(*item) : Value{};
  }
}

/// One row of an answer. A column of another type than asked for is a bug and throws std::logic_error.
class Row {
 public:
  explicit Row(std::vector<Value> values) : values_(std::move(values)) {}
  [[nodiscard]] std::size_t size() const { return values_.size(); }
  [[nodiscard]] bool is_null(std::size_t column) const;
  [[nodiscard]] std::int64_t integer(std::size_t column) const;
  [[nodiscard]] double real(std::size_t column) const;  ///< integers convert
  [[nodiscard]] const std::string& text(std::size_t column) const;
  [[nodiscard]] const Bytes& bytes(std::size_t column) const;
  [[nodiscard]] Instant instant(std::size_t column) const { return from_micros(integer(column)); }
  [[nodiscard]] bool boolean(std::size_t column) const { return integer(column) != 0; }
  template <class Enum>
  [[nodiscard]] Enum id(std::size_t column) const {
    return static_cast<Enum>(integer(column));
  }

 private:
  std::vector<Value> values_;
};

/// A rule of the tables said no (SQLSTATE class 23): foreign key, check, not null.
struct ConstraintViolation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A uniqueness rule said no (SQLSTATE 23505): catch it inside the body to turn it into a refusal; uncaught it fails
/// the transaction. To go on after a conflict, let the statement expect it: `on conflict … do nothing`.
struct UniqueViolation : ConstraintViolation {
  using ConstraintViolation::ConstraintViolation;
};

/// An answer of more rows than this is a bug of the statement: page it.
inline constexpr std::size_t kAnswerRowsMax = 1'000'000;
/// One statement may take this long (migrations excepted), then it ends with Unavailable.
inline constexpr std::chrono::seconds kStatementPatience{30};

/// A running transaction; lives only inside the body that received it, on a database thread.
///
/// SQL is portable text with `$1` parameters (architecture §3), one statement a call. On every adapter:
/// `like` minds the case; `order by name collate "C"` sorts by code point (without it the order of text is the
/// engine's); a conflict counts no row for `do nothing` and one for `do update`.
///
/// Each call throws UniqueViolation or ConstraintViolation when a rule of the tables is broken, Unavailable in an
/// outage, and std::logic_error for what is a bug: wrong SQL, another number of parameters, transaction control,
/// text that is not UTF-8 or holds a NUL, a NaN. After a throw the transaction can only end: a further statement
/// throws std::logic_error, and so does a body that then returns a value to commit.
class Tx {
 public:
  virtual ~Tx() = default;

  template <class... Parameters>
  std::vector<Row> query(std::string_view statement, const Parameters&... parameters) {
    const std::vector<Value> values{to_value(parameters)...};
    return run(statement, values).rows;
  }
  /// The first row, if there is one.
  template <class... Parameters>
  std::optional<Row> find(std::string_view statement, const Parameters&... parameters) {
    auto rows = query(statement, parameters...);
    if (rows.empty()) return std::nullopt;
    return std::move(rows.front());
  }
  /// How many rows it changed.
  template <class... Parameters>
  std::int64_t execute(std::string_view statement, const Parameters&... parameters) {
    const std::vector<Value> values{to_value(parameters)...};
    return run(statement, values).changed;
  }

  struct Outcome {
    std::vector<Row> rows;
    std::int64_t changed = 0;
  };
  /// What the calls above come to. `statement` is prepared once per connection and kept.
  virtual Outcome run(std::string_view statement, std::span<const Value> parameters) = 0;
};

/// One numbered, forward-only change of a module's tables. The text may use the macros {{blob}} (a type for bytes)
/// and {{autoid}} (a column's type: primary key numbered by the engine, an id is never given twice).
struct Migration {
  std::string_view module;  ///< "identity"
  int number;               ///< 1, 2, … per module
  std::string_view name;    ///< "owner"
  std::string_view text;    ///< statements separated by ";"
};

/// Port: serialisable transactions, durable once the task completes.
/// Adapters: sqlite/ (one writer with group commit, many readers), postgres/ (a pool); each passes contract.h.
/// Threads: call from any executor; bodies run on database threads.
/// Throws Unavailable when the database cannot be reached, the disk refuses, the queue is full or a retry limit passed.
class Database {
 public:
  virtual ~Database() = default;

  /// Runs `body(Tx&)` and commits if it returns a value: a Result that holds a Failure rolls back, as does a throw.
  /// The body may run again after a serialisation failure, so it must have no effect outside `tx`.
  template <class Body>
  Task<std::invoke_result_t<Body&, Tx&>> write(Body body) {
    using R = std::invoke_result_t<Body&, Tx&>;
    if constexpr (std::is_void_v<R>) {
      const std::function<bool(Tx&)> erased = [&body](Tx& tx) {
        body(tx);
        return true;
      };
      co_await write_erased(erased);
    } else {
      std::optional<R> result;
      const std::function<bool(Tx&)> erased = [&body, &result](Tx& tx) {
        result.emplace(body(tx));
        if constexpr (requires { result->error(); }) return result->has_value();
        return true;
      };
      co_await write_erased(erased);
      co_return std::move(*result);
    }
  }

  /// Runs `body(Tx&)` on a consistent snapshot; writing inside it throws std::logic_error. It may run again too.
  template <class Body>
  Task<std::invoke_result_t<Body&, Tx&>> read(Body body) {
    using R = std::invoke_result_t<Body&, Tx&>;
    if constexpr (std::is_void_v<R>) {
      const std::function<void(Tx&)> erased = [&body](Tx& tx) { body(tx); };
      co_await read_erased(erased);
    } else {
      std::optional<R> result;
      const std::function<void(Tx&)> erased = [&body, &result](Tx& tx) { result.emplace(body(tx)); };
      co_await read_erased(erased);
      co_return std::move(*result);
    }
  }

  /// Applies what has not been applied, each in a transaction, under a lock against other processes.
  /// Blocks; called at start only. Throws Unavailable; std::runtime_error when a migration that was applied differs
  /// from the one given, or one was applied that this program does not know (a newer program made this database).
  virtual void migrate(std::span<const Migration> migrations) = 0;

 protected:
  /// `body` returns whether to commit.
  virtual Task<> write_erased(const std::function<bool(Tx&)>& body) = 0;
  virtual Task<> read_erased(const std::function<void(Tx&)>& body) = 0;
};

}  // namespace mainstay::sql
