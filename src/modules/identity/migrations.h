#pragma once

#include <span>

#include "ports/sql/sql.h"

namespace mainstay::identity {

/// The tables of this module, for sql::Database::migrate.
[[nodiscard]] std::span<const sql::Migration> migrations();

}  // namespace mainstay::identity
