#include "ports/sql/postgres/connection.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <array>
#include <stdexcept>

#include "base/text.h"
#include "ports/sql/postgres/wire.h"
#include "ports/sql/statement_text.h"

namespace mainstay::sql::postgres {
namespace {

std::string first_line(const char* message) {
  std::string text = message == nullptr ? "" : message;
  return std::string{trim(text.substr(0, text.find('\n')))};
}

/// A connection that loses these would answer differently from what the port promises. A server that was told not to
/// wait for its disk at commit is told otherwise; statements end after kStatementPatience.
std::string settings() {
  const auto patience = std::chrono::milliseconds{kStatementPatience}.count();
  return fmt::format(
      "set statement_timeout = {0}; set idle_in_transaction_session_timeout = {1}; set bytea_output = 'hex'; "
      "set client_min_messages = 'warning'; "
      "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'",
      patience, 2 * patience);
}

}  // namespace

void Connection::Close::operator()(pg_conn* connection) const { PQfinish(connection); }
void Connection::Clear::operator()(pg_result* result) const { PQclear(result); }

Connection::Connection(const std::string& url) {
  // A later word overrides an earlier one: first what the URL may change, last what it may not.
  const auto patience = std::to_string(kConnectPatience.count());
  constexpr std::size_t kWords = 9;
  const std::array<const char*, kWords + 1> words = {
      "connect_timeout",  "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
      "application_name", "dbname",          "client_encoding",     "options",          nullptr};
  const std::array<const char*, kWords + 1> values = {patience.c_str(), "30",        "10",   "3",     "60000",
                                                      "mainstay",       url.c_str(), "UTF8", nullptr, nullptr};
  connection_.reset(PQconnectdbParams(words.data(), values.data(), 1));
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    throw Unavailable("database: " + first_line(PQerrorMessage(connection_.get())));
  }
  PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);
  const char* const encoding = PQparameterStatus(connection_.get(), "server_encoding");
  if (encoding == nullptr || std::string_view{encoding} != "UTF8") {
    throw std::runtime_error("the PostgreSQL database must be in UTF8 (create it with encoding 'UTF8')");
  }
  command(settings());
}

Connection::~Connection() = default;

Tx::Outcome Connection::run(std::string_view statement, std::span<const Value> parameters) {
  const auto& name = prepare(statement, parameters);
  const WireParameters wire(parameters);
  const Answer answer(
      PQexecPrepared(connection_.get(), name.c_str(), wire.count(), wire.values(), wire.lengths(), wire.formats(), 0));
  require_success(answer.get(), statement);
  return read_answer(answer.get());
}

const std::string& Connection::prepare(std::string_view statement, std::span<const Value> parameters) {
  const auto types = types_of(parameters);
  std::string key{statement};
  for (const auto type : types) key += fmt::format("\n{}", type);
  if (const auto* known = statements_.find(key)) return *known;
  require_plain_statement(statement);
  if (const auto named = parameters_of(statement); named != parameters.size()) {
    throw std::logic_error(fmt::format("a statement with {} parameters was given {}", named, parameters.size()));
  }
  if (const auto oldest = statements_.make_room()) command("deallocate " + *oldest);
  auto name = fmt::format("s{}", ++prepared_);
  const Answer answer(PQprepare(connection_.get(), name.c_str(), std::string{statement}.c_str(),
                                static_cast<int>(types.size()), types.data()));
  require_success(answer.get(), statement);
  return statements_.insert(std::move(key), std::move(name));
}

void Connection::command(const std::string& text) {
  const Answer answer(PQexec(connection_.get(), text.c_str()));
  require_success(answer.get(), text);
}

void Connection::commit() {
  const Answer answer(PQexec(connection_.get(), "commit"));
  require_success(answer.get(), "commit");
  // A failed transaction "commits" successfully, and says ROLLBACK.
  if (std::string_view{PQcmdStatus(answer.get())} != "COMMIT") throw Unavailable("database: the commit was refused");
}

void Connection::rollback() noexcept {
  if (PQtransactionStatus(connection_.get()) == PQTRANS_IDLE) return;
  const Answer answer(PQexec(connection_.get(), "rollback"));
}

bool Connection::usable() const {
  return !lost_ && PQstatus(connection_.get()) == CONNECTION_OK &&
         PQtransactionStatus(connection_.get()) == PQTRANS_IDLE;
}

void Connection::require_success(const pg_result* result, std::string_view doing) {
  const auto status = PQresultStatus(result);
  if (status == PGRES_EMPTY_QUERY) throw std::logic_error("an empty statement");
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail(result, doing);
}

void Connection::fail(const pg_result* result, std::string_view doing) {
  const char* const found = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string_view state = found == nullptr ? "" : found;
  const char* const primary = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const auto message = first_line(primary != nullptr ? primary : PQerrorMessage(connection_.get()));
  const auto kind = classify(state);
  if (PQstatus(connection_.get()) != CONNECTION_OK || kind == Kind::kConnectionLost) {
    lost_ = true;
    throw ConnectionLost("database: " + message);
  }
  switch (kind) {
    case Kind::kSerialisation: throw SerialisationFailure(message);
    case Kind::kUnique: throw UniqueViolation(message);
    case Kind::kConstraint: throw ConstraintViolation(message);
    case Kind::kBug: throw std::logic_error(fmt::format("{} [{}]: {}", message, state, doing));
    case Kind::kConnectionLost:
    case Kind::kOutage: break;
  }
  throw Unavailable(fmt::format("database: {} [{}]", message, state));
}

}  // namespace mainstay::sql::postgres
