#include "ports/columns/duckdb/engine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <limits>

#include "base/log.h"
#include "runtime/scheduling.h"

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
  return std::clamp<std::size_t>(processors() / 2, 1, 8);
}

constexpr std::string_view kTemporary = "temporary";

std::string bytes_text(std::uint64_t bytes) { return fmt::format("{}B", bytes); }

Config make_config(const Options& options) {
  const std::initializer_list<std::pair<const char*, std::string>> settings{
      {"threads", fmt::format("{}", thread_count(options))},
      {"memory_limit", bytes_text(memory_limit(options))},
      {"temp_directory", (options.folder / kTemporary).string()},
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

/// The start of the file that says which of its blocks are in use.
constexpr std::uint64_t kHeadBytes = 3 << 12;

/// Writes the first `bytes_max` of a file over themselves and syncs it. After a sync that failed the kernel may show
/// bytes that never reached the disk and call them clean: what is read back must not be believed before this. Throws
/// Unavailable when it cannot be done; a file that is not there is in order.
void write_again(const std::filesystem::path& path, std::uint64_t bytes_max) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0 && errno == ENOENT) return;
  bool done = descriptor >= 0;
  std::vector<char> buffer(1 << 20);
  for (std::uint64_t at = 0; done && at < bytes_max;) {
    const auto wanted = std::min<std::uint64_t>(buffer.size(), bytes_max - at);
    const auto got = ::pread(descriptor, buffer.data(), wanted, static_cast<::off_t>(at));
    if (got == 0) break;
    done =
        got > 0 && ::pwrite(descriptor, buffer.data(), static_cast<std::size_t>(got), static_cast<::off_t>(at)) == got;
    at += static_cast<std::uint64_t>(got);
  }
  done = done && ::fdatasync(descriptor) == 0;
  const auto error = std::error_code(errno, std::generic_category());
  if (descriptor >= 0) ::close(descriptor);
  if (!done) throw Unavailable(fmt::format("cannot make {} durable: {}", path.string(), error.message()));
}

/// Makes durable which file has the name; without it the file of before an exchange may be back after a power cut,
/// which lacks what is committed later. Throws Unavailable.
void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool done = descriptor >= 0 && ::fsync(descriptor) == 0;
  const auto error = std::error_code(errno, std::generic_category());
  if (descriptor >= 0) ::close(descriptor);
  if (!done) throw Unavailable(fmt::format("cannot make {} durable: {}", folder.string(), error.message()));
}

}  // namespace

OpenFile open_file(const Options& options, const std::filesystem::path& file,
                   std::initializer_list<std::filesystem::path> folders) {
  const Config config = make_config(options);
  char* message = nullptr;
  OpenFile opened;
  if (duckdb_open_ext(file.c_str(), opened.database.out(), config.get(), &message) != DuckDBSuccess) {
    const std::string text = message == nullptr ? "no message" : message;
    duckdb_free(message);
    throw Unavailable(fmt::format("cannot open {}: {}", file.string(), text));
  }
  if (duckdb_connect(opened.database.get(), opened.connection.out()) != DuckDBSuccess) {
    throw Unavailable("DuckDB does not connect");
  }
  lock_down(opened.connection.get(), folders);
  return opened;
}

Engine::Engine(Options options) : options_(std::move(options)) {
  std::error_code error;
  std::filesystem::create_directories(options_.folder, error);
  if (!error && !options_.export_folder.empty()) std::filesystem::create_directories(options_.export_folder, error);
  if (error) throw Unavailable("cannot create " + options_.folder.string() + ": " + error.message());
  open();
  remove_leftovers();
}

void Engine::open() {
  const auto opening = std::make_shared<std::packaged_task<OpenFile()>>(
      [this] { return open_file(options_, file(), {options_.export_folder, new_folder()}); });
  opener_.post([opening] { (*opening)(); });
  auto opened = opening->get_future().get();
  sync_folder(options_.folder);
  database_ = std::move(opened.database);
  release(std::move(opened.connection));
}

/// What a crash left of a rewrite, of large sorts and of exports: copies of rows that may have been deleted since.
/// The file is open, so no other process is at work here.
void Engine::remove_leftovers() {
  std::error_code error;
  std::filesystem::remove_all(new_folder(), error);
  std::filesystem::remove_all(options_.folder / kTemporary, error);
  if (options_.export_folder.empty()) return;
  for (const auto& entry : std::filesystem::directory_iterator(options_.export_folder, error)) {
    std::filesystem::remove_all(entry.path(), error);
  }
}

std::unique_ptr<Engine::Lease> Engine::lease() {
  if (broken_) heal();
  {
    const std::scoped_lock passing(door_);
  }
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

void Engine::park(std::unique_ptr<Lease> lease) {
  const std::scoped_lock lock(mutex_);
  parked_ = std::move(lease->connection_);
}

std::unique_ptr<Engine::Lease> Engine::unpark() {
  std::shared_lock life(life_);
  const std::scoped_lock lock(mutex_);
  if (!parked_) return nullptr;
  return std::make_unique<Lease>(*this, std::move(life), std::exchange(parked_, {}));
}

Engine::Lease::~Lease() {
  if (!connection_) return;
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
  parked_ = {};
  database_.reset();
}

void Engine::heal() {
  const std::scoped_lock keeping_out(door_);
  const std::unique_lock life(life_);  // waits until no statement runs: one file must never be open twice
  if (!broken_) return;
  close();
  write_again(file().string() + ".wal", std::numeric_limits<std::uint64_t>::max());
  write_again(file(), kHeadBytes);
  open();
  broken_ = false;
  log::info("the column store is open again");
}

bool Engine::replace_by(OpenFile& made, const std::filesystem::path& made_file, std::chrono::milliseconds patience) {
  const std::scoped_lock keeping_out(door_);
  const std::unique_lock life(life_, patience);
  if (!life) return false;
  made = {};
  broken_ = true;  // until it is open again, whatever is thrown
  close();
  auto error = std::make_error_code(std::errc::resource_unavailable_try_again);
  // A write-ahead log that is still there belongs to the file of its name. One that cannot be looked for may be there.
  const auto may_have_log = [](const std::filesystem::path& path) {
    std::error_code unknown;
    return std::filesystem::exists(path.string() + ".wal", unknown) || unknown;
  };
  if (!may_have_log(file()) && !may_have_log(made_file)) {
    std::filesystem::rename(made_file, file(), error);
  }
  open();
  broken_ = false;
  if (error) throw Unavailable("cannot exchange " + file().string() + ": " + error.message());
  return true;
}

}  // namespace mainstay::columns::duckdb
