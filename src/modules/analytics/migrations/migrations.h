#pragma once

#include <span>

#include "ports/sql/sql.h"

namespace mainstay::analytics {

/// The SQL tables of this module (sites and what belongs to them), for sql::Database::migrate.
[[nodiscard]] std::span<const sql::Migration> migrations();

}  // namespace mainstay::analytics
