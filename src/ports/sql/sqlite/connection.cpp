#include "ports/sql/sqlite/connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/log.h"
#include "base/text.h"
#include "ports/sql/statement_text.h"

namespace mainstay::sql::sqlite {
namespace {

constexpr int kSafeVersion = 3'051'003;
constexpr int kStepsBetweenDeadlineChecks = 100'000;

/// The WAL is folded into the database file after 1000 pages, and cut back to 64 MB when it was longer. What is deleted
/// is overwritten with zeros: destroyed secrets leave the file.
constexpr const char* kSettings =
    "pragma synchronous = full;"
    "pragma foreign_keys = on;"
    "pragma secure_delete = on;"
    "pragma trusted_schema = off;"
    "pragma temp_store = memory;"
    "pragma cache_size = -4096;"
    "pragma wal_autocheckpoint = 1000;"
    "pragma journal_size_limit = 67108864;"
    "pragma case_sensitive_like = on;";

/// Secrets live in the database: nobody but its owner may read it. Creates the file only when nobody has it
/// open (SQLite's locks would be lost by closing a file that is open elsewhere in this process).
void create_private(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) ::close(file);
}

/// PostgreSQL's collation of that name: by code point.
int compare_code_points(void*, int left_size, const void* left, int right_size, const void* right) {
  const int order = std::memcmp(left, right, static_cast<std::size_t>(std::min(left_size, right_size)));
  return order != 0 ? order : left_size - right_size;
}

Value read_cell(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER: return std::int64_t{sqlite3_column_int64(statement, column)};
    case SQLITE_FLOAT: return sqlite3_column_double(statement, column);
    case SQLITE_TEXT: {
      const auto* text = static_cast<const char*>(static_cast<const void*>(sqlite3_column_text(statement, column)));
      return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
    }
    case SQLITE_BLOB: {
      const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement, column));
      return Bytes(bytes, bytes + sqlite3_column_bytes(statement, column));
    }
    default: return std::monostate{};
  }
}

int bind_value(sqlite3_stmt* statement, int place, const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return sqlite3_bind_int64(statement, place, *number);
  if (const auto* real = std::get_if<double>(&value)) return sqlite3_bind_double(statement, place, *real);
  if (const auto* text = std::get_if<std::string>(&value)) {
    return sqlite3_bind_text64(statement, place, text->data(), text->size(), nullptr, SQLITE_UTF8);
  }
  if (const auto* bytes = std::get_if<Bytes>(&value)) {
    if (bytes->empty()) return sqlite3_bind_zeroblob(statement, place, 0);
    return sqlite3_bind_blob64(statement, place, bytes->data(), bytes->size(), nullptr);
  }
  return sqlite3_bind_null(statement, place);
}

/// Leaves a statement ready for its next use, whatever happened.
class ResetAtEnd {
 public:
  explicit ResetAtEnd(sqlite3_stmt* statement) : statement_(statement) {}
  ~ResetAtEnd() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  ResetAtEnd(const ResetAtEnd&) = delete;
  ResetAtEnd& operator=(const ResetAtEnd&) = delete;

 private:
  sqlite3_stmt* statement_;
};

}  // namespace

void require_safe_version(int number) {
  if (number >= kSafeVersion) return;
  throw std::runtime_error(fmt::format("SQLite {}.{}.{} can corrupt a database (WAL reset); 3.51.3 or later is needed",
                                       number / 1'000'000, number / 1000 % 1000, number % 1000));
}

void Connection::CloseDatabase::operator()(sqlite3* database) const { sqlite3_close_v2(database); }
void Connection::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Connection::Connection(const std::filesystem::path& path, Access access) : access_(access) {
  if (access == Access::kWrite) create_private(path);
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, nullptr);
  database_.reset(opened);
  if (code != SQLITE_OK) {
    throw Unavailable(fmt::format("cannot open the database {}: {}", path.string(), sqlite3_errstr(code)));
  }
  sqlite3_busy_timeout(opened, static_cast<int>(kBusyPatience.count()));
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_create_collation_v2(opened, "C", SQLITE_UTF8, nullptr, compare_code_points, nullptr);
  apply_settings();
  deadline_ = std::chrono::steady_clock::time_point::max();
  sqlite3_progress_handler(opened, kStepsBetweenDeadlineChecks, on_progress, this);
}

Connection::~Connection() = default;

void Connection::apply_settings() {
  // Two processes that open a new database at once collide here, and SQLite's busy time-out does not cover it.
  constexpr std::chrono::milliseconds kPause{10};
  int code = SQLITE_BUSY;
  for (auto waited = kPause; code == SQLITE_BUSY && waited < kBusyPatience; waited += kPause) {
    code = sqlite3_exec(database_.get(), "pragma journal_mode = wal", nullptr, nullptr, nullptr) & 0xff;
    if (code == SQLITE_BUSY) std::this_thread::sleep_for(kPause);
  }
  if (code != SQLITE_OK) fail("pragma journal_mode = wal");
  const auto mode = compile("pragma journal_mode", 0);
  if (sqlite3_step(mode.get()) != SQLITE_ROW || read_cell(mode.get(), 0) != Value{std::string{"wal"}}) {
    throw Unavailable("the database cannot be put into WAL mode: its file system lacks what that needs");
  }
  command(kSettings);
  if (access_ == Access::kRead) command("pragma query_only = on");
}

Tx::Outcome Connection::run(std::string_view statement, std::span<const Value> parameters) {
  auto& prepared = prepare(statement);
  if (parameters.size() != prepared.parameters) {
    throw std::logic_error(
        fmt::format("a statement with {} parameters was given {}", prepared.parameters, parameters.size()));
  }
  auto* const handle = prepared.handle.get();
  const ResetAtEnd reset(handle);
  bind(prepared, parameters);
  deadline_ = std::chrono::steady_clock::now() + patience_;
  const auto changed_before = sqlite3_total_changes64(database_.get());
  Tx::Outcome outcome;
  int code = SQLITE_OK;
  while ((code = sqlite3_step(handle)) == SQLITE_ROW) {
    if (outcome.rows.size() == kAnswerRowsMax) throw std::logic_error("an answer has too many rows: page it");
    std::vector<Value> cells(static_cast<std::size_t>(sqlite3_column_count(handle)));
    for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = read_cell(handle, static_cast<int>(i));
    outcome.rows.emplace_back(std::move(cells));
  }
  deadline_ = std::chrono::steady_clock::time_point::max();
  if (code != SQLITE_DONE) fail(statement);
  if (sqlite3_total_changes64(database_.get()) != changed_before) {
    outcome.changed = sqlite3_changes64(database_.get());
  }
  return outcome;
}

Connection::Prepared& Connection::prepare(std::string_view statement) {
  if (auto* known = statements_.find(statement)) return *known;
  require_plain_statement(statement);
  Prepared prepared{.handle = compile(statement, SQLITE_PREPARE_PERSISTENT)};
  auto* const handle = prepared.handle.get();
  if (access_ == Access::kRead && sqlite3_stmt_readonly(handle) == 0) {
    throw std::logic_error(fmt::format("a read may not write: {}", statement));
  }
  for (int place = 1; place <= sqlite3_bind_parameter_count(handle); ++place) {
    const char* const name = sqlite3_bind_parameter_name(handle, place);
    const auto number =
        name != nullptr && *name == '$' ? parse_number<std::size_t>(std::string_view{name}.substr(1)) : std::nullopt;
    if (!number || *number == 0) throw std::logic_error(fmt::format("parameters are $1, $2, …: {}", statement));
    prepared.places.push_back(*number - 1);
    prepared.parameters = std::max(prepared.parameters, *number);
  }
  const auto oldest = statements_.make_room();  // finalised at the end of the scope
  return statements_.insert(std::string{statement}, std::move(prepared));
}

Connection::StatementHandle Connection::compile(std::string_view statement, unsigned flags) {
  sqlite3_stmt* made = nullptr;
  const char* rest = nullptr;
  const int code =
      sqlite3_prepare_v3(database_.get(), statement.data(), static_cast<int>(statement.size()), flags, &made, &rest);
  StatementHandle handle(made);
  if (code != SQLITE_OK) fail(statement);
  const auto used = static_cast<std::size_t>(rest - statement.data());
  if (made == nullptr || !trim(statement.substr(used)).empty()) {
    throw std::logic_error(fmt::format("not exactly one statement: {}", statement));
  }
  return handle;
}

void Connection::bind(const Prepared& prepared, std::span<const Value> parameters) {
  for (std::size_t i = 0; i < prepared.places.size(); ++i) {
    const auto& value = parameters[prepared.places[i]];
    if (bind_value(prepared.handle.get(), static_cast<int>(i) + 1, value) != SQLITE_OK) fail("bind a parameter");
  }
}

void Connection::begin() { command(access_ == Access::kWrite ? "begin immediate" : "begin"); }
void Connection::commit() {
  command("commit");
  logged_failure_ = 0;
}
bool Connection::empty_log() noexcept {
  // Readers must not hold up writers: better try again.
  sqlite3_busy_timeout(database_.get(), 0);
  const int code = sqlite3_wal_checkpoint_v2(database_.get(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  sqlite3_busy_timeout(database_.get(), static_cast<int>(kBusyPatience.count()));
  return code == SQLITE_OK;
}

void Connection::set_savepoint() { command("savepoint body"); }
void Connection::release_savepoint() { command("release body"); }
void Connection::rollback_to_savepoint() { command("rollback to body"); }
bool Connection::in_transaction() const { return sqlite3_get_autocommit(database_.get()) == 0; }

void Connection::rollback() noexcept {
  if (in_transaction()) sqlite3_exec(database_.get(), "rollback", nullptr, nullptr, nullptr);
}

void Connection::command(const char* text) {
  if (sqlite3_exec(database_.get(), text, nullptr, nullptr, nullptr) != SQLITE_OK) fail(text);
}

void Connection::fail(std::string_view doing) {
  deadline_ = std::chrono::steady_clock::time_point::max();
  const int code = sqlite3_extended_errcode(database_.get());
  const std::string message = sqlite3_errmsg(database_.get());
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: throw UniqueViolation(message);
    default: break;
  }
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT: throw ConstraintViolation(message);
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG:
    case SQLITE_AUTH: throw std::logic_error(fmt::format("{}: {}", message, doing));
    default: break;
  }
  if (code != logged_failure_) log::error("database failure", {{"code", std::to_string(code)}, {"message", message}});
  logged_failure_ = code;
  const char* file = sqlite3_db_filename(database_.get(), "main");
  throw Unavailable(fmt::format("database {}: {}", file == nullptr ? "" : file, message));
}

int Connection::on_progress(void* self) {
  return std::chrono::steady_clock::now() > static_cast<Connection*>(self)->deadline_ ? 1 : 0;
}

}  // namespace mainstay::sql::sqlite
