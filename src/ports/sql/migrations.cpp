#include "ports/sql/migrations.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <stdexcept>

#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "ports/sql/statement_text.h"

namespace mainstay::sql {
namespace {

std::string expand(std::string_view text, const Dialect& dialect) {
  std::string out;
  for (;;) {
    const auto open = text.find("{{");
    out += text.substr(0, open);
    if (open == std::string_view::npos) return out;
    const auto close = text.find("}}", open);
    if (close == std::string_view::npos) throw std::logic_error("a migration has an open {{");
    const auto name = text.substr(open + 2, close - open - 2);
    if (name == "blob") {
      out += dialect.blob;
    } else if (name == "autoid") {
      out += dialect.autoid;
    } else {
      throw std::logic_error(fmt::format("a migration uses the unknown macro {{{{{}}}}}", name));
    }
    text.remove_prefix(close + 2);
  }
}

std::string title(const Migration& migration) {
  return fmt::format("{} {} ({})", migration.module, migration.number, migration.name);
}

}  // namespace

std::vector<std::string> statements_of(std::string_view text, const Dialect& dialect) {
  const auto expanded = expand(text, dialect);
  const std::string_view all = expanded;
  std::vector<std::string> statements;
  std::size_t begin = 0;
  bool says_something = false;  // more than space and comments
  const auto finish = [&](std::size_t end) {
    if (says_something) statements.emplace_back(trim(all.substr(begin, end - begin)));
    begin = end + 1;
    says_something = false;
  };
  for (std::size_t at = 0; at < all.size();) {
    const auto next = skip_quoted(all, at);
    if (next != at) {
      says_something = says_something || all[at] == '\'' || all[at] == '"';
      at = next;
      continue;
    }
    if (all[at] == ';') {
      finish(at);
    } else if (!trim(all.substr(at, 1)).empty()) {
      says_something = true;
    }
    ++at;
  }
  finish(all.size());
  return statements;
}

void require_in_order(std::span<const Migration> migrations) {
  std::map<std::string_view, int> last;
  for (const auto& migration : migrations) {
    if (migration.number != ++last[migration.module]) {
      throw std::logic_error("migration " + title(migration) + " is out of order");
    }
  }
}

void prepare_bookkeeping(Tx& tx, std::span<const Migration> migrations) {
  tx.execute(
      "create table if not exists schema_migrations (module text not null, number bigint not null, name text not null, "
      "checksum text not null, applied_at bigint not null, primary key (module, number))");
  std::map<std::string_view, std::int64_t> last;
  for (const auto& migration : migrations) last[migration.module] = migration.number;
  for (const auto& [module, number] : last) {
    const auto newest =
        tx.find("select number, name from schema_migrations where module = $1 order by number desc limit 1", module);
    if (newest && newest->integer(0) > number) {
      throw std::runtime_error(fmt::format("a newer program made this database: it has migration {} {} ({})", module,
                                           newest->integer(0), newest->text(1)));
    }
  }
}

void apply(Tx& tx, const Migration& migration, const Dialect& dialect) {
  const auto checksum = sha256_hex(migration.text);
  const auto noted = tx.find("select checksum from schema_migrations where module = $1 and number = $2",
                             migration.module, migration.number);
  if (noted) {
    if (noted->text(0) == checksum) return;
    throw std::runtime_error("migration " + title(migration) + " was applied with another text");
  }
  for (const auto& statement : statements_of(migration.text, dialect)) tx.execute(statement);
  const auto now = std::chrono::floor<microseconds>(std::chrono::system_clock::now());
  tx.execute("insert into schema_migrations (module, number, name, checksum, applied_at) values ($1, $2, $3, $4, $5)",
             migration.module, migration.number, migration.name, checksum, now);
  log::info("migration applied", {{"migration", title(migration)}});
}

}  // namespace mainstay::sql
