#include "ports/columns/duckdb/engine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "base/log.h"

namespace mainstay::columns::duckdb {
namespace {

constexpr std::uint64_t kMemoryMin = std::uint64_t{256} << 20;
constexpr std::uint64_t kMemoryMax = std::uint64_t{8} << 30;

/// Of the machine, or less where a container has less (cgroup v2).
std::uint64_t physical_memory() {
  struct ::sysinfo info{};
  std::uint64_t bytes = ::sysinfo(&info) == 0 ? std::uint64_t{info.totalram} * info.mem_unit : kMemoryMin;
  std::ifstream file("/sys/fs/cgroup/memory.max");
  if (std::uint64_t limit = 0; file >> limit) bytes = std::min(bytes, limit);
  return bytes;
}

std::uint64_t memory_limit(const Options& options) {
  if (options.memory_bytes > 0) return std::max(options.memory_bytes, kMemoryMin);
  return std::clamp(physical_memory() / 10 * 6, kMemoryMin, kMemoryMax);
}

/// Threads of one statement. While one thread waits for another's part, DuckDB spins: on few cores that costs more
/// than it gains, and queries already run side by side.
std::size_t thread_count(const Options& options) {
  if (options.threads > 0) return options.threads;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency() / 2, 1, 8);
}

std::string bytes_text(std::uint64_t bytes) { return fmt::format("{}B", bytes); }

Config make_config(const Options& options) {
  const std::initializer_list<std::pair<const char*, std::string>> settings{
      {"threads", fmt::format("{}", thread_count(options))},
      {"memory_limit", bytes_text(memory_limit(options))},
      {"temp_directory", (options.folder / "temporary").string()},
      {"max_temp_directory_size", bytes_text(options.temporary_bytes_max)},
      // Checkpoints are ours (`checkpoint_if_due`): one within a commit could fail a commit that is durable.
      {"checkpoint_threshold", bytes_text(std::uint64_t{1} << 40)},
      // Compresses texts much better than the oldest format, which is the default.
      {"storage_compatibility_version", "latest"},
      {"preserve_insertion_order", "false"},
      {"autoinstall_known_extensions", "false"},
      {"autoload_known_extensions", "false"},
      {"allow_community_extensions", "false"},
      {"allow_persistent_secrets", "false"},
      // Memory goes back to the system soon after a burst.
      {"allocator_flush_threshold", bytes_text(16 << 20)},
      {"allocator_bulk_deallocation_flush_threshold", bytes_text(32 << 20)},
  };
  Config config;
  if (duckdb_create_config(config.out()) != DuckDBSuccess) throw Unavailable("DuckDB cannot be configured");
  for (const auto& [name, value] : settings) {
    if (duckdb_set_config(config.get(), name, value.c_str()) != DuckDBSuccess) {
      throw Unavailable(fmt::format("DuckDB {} does not know the setting {}", duckdb_library_version(), name));
    }
  }
  return config;
}

void lock_down(duckdb_connection connection, std::initializer_list<std::filesystem::path> folders) {
  std::string allowed;
  for (const auto& folder : folders) {
    if (folder.empty()) continue;
    allowed += (allowed.empty() ? "" : ", ") + quote(absolute(folder).string() + "/");
  }
  run_or_raise(connection, fmt::format("SET allowed_directories = [{}]", allowed));
  run_or_raise(connection, "SET enable_external_access = false");
  run_or_raise(connection, "SET lock_configuration = true");
}

constexpr std::int64_t kShrinkBytesMin = 4 << 20;  ///< free space below this is not worth the work

bool is_half_empty(duckdb_connection connection) {
  auto result = run(connection, {.text = "SELECT free_blocks * block_size >= $1 AND free_blocks * 2 >= total_blocks "
                                         "FROM pragma_database_size() WHERE database_name = 'columns'",
                                 .parameters = {kShrinkBytesMin}});
  if (!result) raise(result.error());
  const auto chunk = fetch(*result);
  if (!chunk) raise(chunk.error());
  if (!*chunk || duckdb_data_chunk_get_size(chunk->get()) != 1) throw Unavailable("the column store has no size");
  return *static_cast<const bool*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk->get(), 0)));
}

/// Makes a rename durable; without it the old file may be back after a power cut, which holds the same rows.
void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

Engine::Engine(Options options) : options_(std::move(options)) { open(); }

void Engine::open() {
  std::error_code error;
  std::filesystem::create_directories(options_.folder, error);
  if (!error && !options_.export_folder.empty()) std::filesystem::create_directories(options_.export_folder, error);
  if (error) throw Unavailable("cannot create " + options_.folder.string() + ": " + error.message());
  std::filesystem::remove_all(compact_folder(), error);  // what a crash left of a `shrink`
  const Config config = make_config(options_);
  char* message = nullptr;
  Database database;
  if (duckdb_open_ext(file().c_str(), database.out(), config.get(), &message) != DuckDBSuccess) {
    const std::string text = message == nullptr ? "no message" : message;
    duckdb_free(message);
    throw Unavailable(fmt::format("cannot open {}: {}", file().string(), text));
  }
  Connection connection;
  if (duckdb_connect(database.get(), connection.out()) != DuckDBSuccess) throw Unavailable("DuckDB does not connect");
  lock_down(connection.get(), {options_.export_folder, compact_folder()});
  database_ = std::move(database);
  release(std::move(connection));
}

std::unique_ptr<Engine::Lease> Engine::lease() {
  if (broken_) heal();
  std::shared_lock life(life_);
  if (!database_) throw Unavailable("the column store is closed");
  Connection connection;
  {
    const std::scoped_lock lock(mutex_);
    if (!idle_.empty()) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!connection && duckdb_connect(database_.get(), connection.out()) != DuckDBSuccess) {
    throw Unavailable("DuckDB does not connect");
  }
  return std::make_unique<Lease>(*this, std::move(life), std::move(connection));
}

Engine::Lease::~Lease() {
  if (!engine_.broken_) {
    engine_.release(std::move(connection_));
  } else {
    connection_.reset();
  }
}

void Engine::release(Connection connection) {
  const std::scoped_lock lock(mutex_);
  idle_.push_back(std::move(connection));
}

void Engine::note(const Trouble& trouble) {
  if (trouble.kind != Trouble::Kind::kBroken || broken_.exchange(true)) return;
  log::error("the column store broke and is opened anew", {{"error", trouble.message}});
}

std::uint64_t Engine::log_bytes() const {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(file().string() + ".wal", error);
  return error ? 0 : bytes;
}

void Engine::checkpoint_if_due(duckdb_connection connection) {
  const std::uint64_t bytes = log_bytes();
  if (bytes < options_.checkpoint_bytes) {
    checkpoint_at_ = options_.checkpoint_bytes;
    return;
  }
  if (bytes < checkpoint_at_) return;
  const auto done = run(connection, {.text = "CHECKPOINT"});
  checkpoint_at_ = options_.checkpoint_bytes;
  if (done) return;
  // What was committed is safe in the log. Trying at every commit would open the file anew each time.
  checkpoint_at_ = bytes + options_.checkpoint_bytes;
  log::warning("a checkpoint of the column store failed; it is tried again later", {{"error", done.error().message}});
  note(done.error());
}

void Engine::close() {
  const std::scoped_lock lock(mutex_);
  idle_.clear();
  database_.reset();
}

void Engine::heal() {
  const std::unique_lock life(life_);  // waits until no statement runs: one file must never be open twice
  if (!broken_) return;
  close();
  open();
  broken_ = false;
  log::info("the column store is open again");
}

void Engine::shrink() {
  const auto made = absolute(compact_folder() / "columns.duckdb").string();
  {
    const auto writer = lease();
    if (!is_half_empty(writer->get())) return;
    std::error_code ignored;
    std::filesystem::remove_all(compact_folder(), ignored);
    std::filesystem::create_directories(compact_folder(), ignored);
    run_or_raise(writer->get(), fmt::format("ATTACH {} AS compact", quote(made)));
    try {
      run_or_raise(writer->get(), "COPY FROM DATABASE columns TO compact");
      run_or_raise(writer->get(), "CHECKPOINT compact");
      run_or_raise(writer->get(), "DETACH compact");
    } catch (...) {
      (void)run(writer->get(), {.text = "DETACH compact"});
      std::filesystem::remove_all(compact_folder(), ignored);
      throw;
    }
  }
  const std::unique_lock life(life_);
  broken_ = true;  // until it is open again, whatever is thrown
  close();
  auto error = std::make_error_code(std::errc::resource_unavailable_try_again);
  // A write-ahead log that is still there belongs to the old file.
  if (!std::filesystem::exists(file().string() + ".wal")) {
    std::filesystem::rename(made, file(), error);
    sync_folder(options_.folder);
  }
  open();
  broken_ = false;
  if (error) throw Unavailable("cannot exchange " + file().string() + ": " + error.message());
}

}  // namespace mainstay::columns::duckdb
