#include "ports/columns/duckdb/rewrite.h"

#include <fmt/format.h>

#include "ports/columns/duckdb/answer.h"

namespace mainstay::columns::duckdb {
namespace {

/// Space that is left to the rest of the program while a second file stands beside the first.
constexpr std::uint64_t kSpaceKept = std::uint64_t{128} << 20;

/// The tables of the old file.
std::vector<std::string> tables_of(duckdb_connection connection) {
  std::vector<std::string> names;
  for (auto& row :
       rows_of(connection, {.text = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'columns'"})) {
    names.push_back(quote_name(std::get<std::string>(row.at(0))));
  }
  return names;
}

std::int64_t number_of(duckdb_connection connection, const std::string& text) {
  return std::get<std::int64_t>(rows_of(connection, {.text = text}).at(0).at(0));
}

}  // namespace

Rewrite::Rewrite(Engine& engine, Deadlines& deadlines)
    : engine_(engine),
      deadlines_(deadlines),
      file_(std::filesystem::absolute(engine.new_folder() / "columns.duckdb")),
      lease_(engine.lease()) {
  require_space();
  std::error_code error;
  std::filesystem::remove_all(engine.new_folder(), error);
  std::filesystem::create_directories(engine.new_folder(), error);
  if (error) throw Unavailable("cannot create " + engine.new_folder().string() + ": " + error.message());
  run_or_raise(lease_->get(), fmt::format("ATTACH {} AS compact", quote(file_.string())));
}

Rewrite::~Rewrite() {
  if (lease_) {
    (void)run(lease_->get(), {.text = "ROLLBACK", .parameters = {}});
    (void)run(lease_->get(), {.text = "DETACH compact", .parameters = {}});
  }
  copy_ = {};
  std::error_code ignored;
  std::filesystem::remove_all(engine_.new_folder(), ignored);
}

void Rewrite::require_space() {
  const auto used = static_cast<std::uint64_t>(
      number_of(lease_->get(),
                "SELECT CAST(used_blocks * block_size AS BIGINT) FROM pragma_database_size() "
                "WHERE database_name = 'columns'"));
  const std::uint64_t wanted = used + used / 4 + kSpaceKept;
  std::error_code error;
  const auto space = std::filesystem::space(engine_.options().folder, error);
  if (error || space.available >= wanted) return;
  throw Unavailable(fmt::format("making the column store anew needs {} MiB of free space in {}; there are {} MiB",
                                wanted >> 20, engine_.options().folder.string(), space.available >> 20));
}

void Rewrite::begin() {
  run_or_raise(lease_->get(), "BEGIN");
  // A transaction has its snapshot of a database from its first look at it.
  for (const auto& table : tables_of(lease_->get())) {
    (void)rows_of(lease_->get(), {.text = fmt::format("SELECT count(*) FROM columns.main.{}", table)});
  }
}

void Rewrite::copy(const std::stop_token& stop) {
  {
    const auto guard = deadlines_.guard(lease_->get(), Deadlines::Clock::time_point::max());
    const std::stop_callback ending(stop, [&guard] { guard->end_now(); });
    for (const auto& table : tables_of(lease_->get())) {
      run_or_raise(lease_->get(), fmt::format("CREATE TABLE compact.main.{0} AS FROM columns.main.{0}", table));
    }
    run_or_raise(lease_->get(), "COMMIT");
    run_or_raise(lease_->get(), "CHECKPOINT compact");
  }
  run_or_raise(lease_->get(), "DETACH compact");
  lease_.reset();
  // Its own engine, with little memory: repeated statements name tables without their database.
  Options options = engine_.options();
  options.folder = engine_.new_folder();
  options.memory_bytes = Options::kMemoryLeast;
  copy_ = open_file(options, file_, {});
}

bool Rewrite::exchange(std::chrono::milliseconds patience) {
  {
    const auto old = engine_.lease();
    require_same_rows(old->get());
    run_or_raise(old->get(), "CHECKPOINT");
  }
  run_or_raise(copy_.connection.get(), "CHECKPOINT");
  return engine_.replace_by(copy_, file_, patience);
}

/// Costs next to nothing, and a copy that is not whole must never be taken.
void Rewrite::require_same_rows(duckdb_connection old) {
  for (const auto& table : tables_of(old)) {
    const auto text = fmt::format("SELECT count(*) FROM {}", table);
    const auto here = number_of(old, text);
    const auto there = number_of(copy_.connection.get(), text);
    if (here != there) {
      throw Unavailable(
          fmt::format("the new file has {} rows of {}, the old one {}; it is thrown away", there, table, here));
    }
  }
}

}  // namespace mainstay::columns::duckdb
