#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ports/sql/sql.h"

/// Bookkeeping of migrations, shared by the adapters. It is kept in the table
/// schema_migrations(module, number, name, checksum, applied_at).
namespace mainstay::sql {

/// What the macros of a migration become on one engine.
struct Dialect {
  std::string_view blob;
  std::string_view autoid;
};

/// Throws std::logic_error unless each module's migrations are numbered 1, 2, … in the order given.
void require_in_order(std::span<const Migration> migrations);

/// Creates the table of the bookkeeping where it is missing. Throws std::runtime_error when it names a migration
/// beyond the last of `migrations` of its module: a newer program made this database.
void prepare_bookkeeping(Tx& tx, std::span<const Migration> migrations);

/// Applies `migration` and notes it down; nothing when it is noted already. Throws std::runtime_error when the one
/// noted differs. The caller holds a lock against other processes; everything happens in `tx`.
void apply(Tx& tx, const Migration& migration, const Dialect& dialect);

/// The statements of a migration's text with the macros written out. A `;` inside quotes or comments does not
/// separate. Throws std::logic_error for an unknown macro or an open quote.
[[nodiscard]] std::vector<std::string> statements_of(std::string_view text, const Dialect& dialect);

}  // namespace mainstay::sql
