#include "ports/columns/duckdb/transaction.h"

#include <fmt/format.h>

#include <stdexcept>

namespace mainstay::columns::duckdb {
namespace {

Outcome<> done(const Outcome<QueryResult>& result) {
  if (!result) return std::unexpected(result.error());
  return {};
}

Outcome<> begin(duckdb_connection connection) { return done(run(connection, {.text = "BEGIN"})); }

Outcome<> commit(duckdb_connection connection) { return done(run(connection, {.text = "COMMIT"})); }

/// Does nothing after a commit that failed, which has rolled back already.
void roll_back(duckdb_connection connection) { (void)run(connection, {.text = "ROLLBACK"}); }

Outcome<> perform(duckdb_connection connection, const StoredTables& tables, const Step& step) {
  if (const auto* const statement = std::get_if<Statement>(&step)) return done(run(connection, *statement));
  const auto& batch = std::get<Batch>(step);
  const auto table = tables.find(batch.table);
  if (table == tables.end()) throw std::logic_error(fmt::format("there is no table {}", batch.table));
  return append(connection, table->second, batch);
}

}  // namespace

std::size_t rows_in(std::span<const Step> steps) {
  std::size_t rows = 0;
  for (const auto& step : steps) {
    if (const auto* const batch = std::get_if<Batch>(&step)) rows += batch->rows;
  }
  return rows;
}

Outcome<> perform_all(duckdb_connection connection, const StoredTables& tables, std::span<const Step> steps) {
  auto outcome = begin(connection);
  try {
    for (const auto& step : steps) {
      if (outcome) outcome = perform(connection, tables, step);
    }
  } catch (...) {
    roll_back(connection);
    throw;
  }
  if (outcome) outcome = commit(connection);
  if (!outcome) roll_back(connection);
  return outcome;
}

DuckDbTransaction::DuckDbTransaction(Engine& engine, Writing& writing)
    : engine_(engine), writing_(writing), lock_(writing.mutex) {
  writing_.since_changed.wait(lock_, [this] { return !writing_.since || writing_.since->rows < Since::kRowsMax; });
  auto lease = engine_.lease();
  if (const auto begun = begin(lease->get()); !begun) fail(std::move(lease), begun.error());
  engine_.park(std::move(lease));
}

DuckDbTransaction::~DuckDbTransaction() {
  if (!lock_) return;
  if (const auto lease = engine_.unpark()) roll_back(lease->get());
}

std::unique_ptr<Engine::Lease> DuckDbTransaction::unpark() {
  if (!lock_) throw std::logic_error("the transaction has ended");
  auto lease = engine_.unpark();
  if (!lease) {
    lock_.unlock();
    throw Unavailable("the column store was opened anew in the middle of a transaction");
  }
  return lease;
}

/// Nobody may be kept waiting, not even by this thread itself, when the engine has to be opened anew.
void DuckDbTransaction::fail(std::unique_ptr<Engine::Lease> lease, const Trouble& trouble) {
  roll_back(lease->get());
  engine_.note(trouble);
  lease.reset();
  lock_.unlock();
  raise(trouble);
}

void DuckDbTransaction::add(const Step& step) {
  auto lease = unpark();
  try {
    if (const auto added = perform(lease->get(), writing_.tables, step); !added) fail(std::move(lease), added.error());
  } catch (...) {
    if (lock_) {
      roll_back(lease->get());
      lease.reset();
      lock_.unlock();
    }
    throw;
  }
  engine_.park(std::move(lease));
  if (!writing_.since) return;
  kept_.push_back(step);
  auto* const batch = std::get_if<Batch>(&kept_.back());
  if (batch != nullptr) batch->table = writing_.tables.find(batch->table)->first;  // the caller's name may go
}

void DuckDbTransaction::commit() {
  auto lease = unpark();
  if (const auto committed = duckdb::commit(lease->get()); !committed) {
    if (writing_.since) writing_.since->whole = false;
    fail(std::move(lease), committed.error());
  }
  keep_for_rewrite();
  engine_.checkpoint_if_due(lease->get());
  lease.reset();
  lock_.unlock();
}

void DuckDbTransaction::keep_for_rewrite() {
  if (!writing_.since) return;
  writing_.since->rows += rows_in(kept_);
  writing_.since->commits.push_back(std::move(kept_));
}

}  // namespace mainstay::columns::duckdb
