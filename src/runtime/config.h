#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/failure.h"

/// What the operator may choose. One table (config_table.cpp) names every key with its type, default and help;
/// the parser, `mainstay config check|show|reference` and docs/reference/configuration.md all read it.
namespace mainstay::config {

/// The effective configuration: a plain value, read once at start. A member `tls.key` is the key `tls.key` of
/// `mainstay.toml` and the variable `MAINSTAY_TLS_KEY`. The initial values below are the defaults.
struct Settings {
  std::string data = "mainstay-data";     ///< folder of everything that lasts
  std::string listen = "127.0.0.1:8080";  ///< "host:port"; IPv6 in brackets; port 0 takes any free one
  std::string public_url;  ///< "https://stats.example.com" as visitors reach it; "" = take the Host header
  std::vector<std::string> trusted_proxies{"127.0.0.0/8", "::1/128"};  ///< CIDR; whose X-Forwarded-For is believed
  std::size_t io_threads = 0;                                          ///< 0 = one per core
  std::chrono::milliseconds drain_ms{10'000};  ///< how long requests in flight may take at the end

  struct Tls {
    std::string certificate;  ///< PEM chain; "" = plain HTTP
    std::string key;          ///< PEM; read again on SIGHUP
  } tls{};

  struct Log {
    std::string level = "info";  ///< debug, info, warning, error
  } log{};

  struct Limits {
    std::size_t connections_max = 20'000;
    std::size_t header_bytes_max = 16 << 10;
    std::size_t target_bytes_max = 8 << 10;
    std::size_t body_memory_bytes = 128 << 20;
    std::chrono::milliseconds header_patience_ms{10'000};
    std::chrono::milliseconds body_patience_ms{30'000};
    std::chrono::milliseconds idle_patience_ms{75'000};
    std::chrono::milliseconds write_patience_ms{30'000};
    std::chrono::milliseconds handler_patience_ms{60'000};
    std::size_t requests_per_second = 2'000;  ///< per client address
    std::size_t requests_burst = 10'000;
  } limits{};

  struct Sql {
    std::string url;              ///< "" = SQLite in `data`; "postgres://user:password@host/database". Secret
    std::size_t connections = 8;  ///< of the PostgreSQL pool, or reading threads of SQLite
  } sql{};

  struct Columns {
    std::uint64_t memory_bytes = 1ULL << 30;  ///< what DuckDB may use for one moment's queries together
    std::size_t threads = 0;                  ///< that one report may use; 0 = half of the cores
  } columns{};

  struct Stream {
    std::uint64_t bytes_max = 4ULL << 30;  ///< unprocessed hits on disk; beyond, hits are answered 503
  } stream{};

  struct Analytics {
    std::string geo_database;                   ///< .mmdb with regions and cities; "" = the built-in countries
    std::chrono::milliseconds flush_ms{2'000};  ///< how long processed hits may wait before they are written as rows
  } analytics{};

  std::string file;  ///< the configuration file that was read, "" when there was none; not a key
};

/// Where values come from; a later kind wins over an earlier: defaults, file, environment, flags.
struct Sources {
  std::string path;             ///< of --config; "" looks for mainstay.toml in `directory`, then in the data folder
  std::string directory = ".";  ///< the working directory
  std::vector<std::pair<std::string, std::string>> environment;  ///< MAINSTAY_* variables; MAINSTAY_CONFIG is as `path`
  std::vector<std::pair<std::string, std::string>> flags;        ///< key ("tls.key") and value, from the command line
};

/// The MAINSTAY_* variables of this process.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> environment_of_process();

/// Puts the sources together. A list is separated by commas in variables and flags; sizes take KiB, MiB, GiB and
/// durations ms, s, min, h, as text. Refuses, naming every fault at its place ("mainstay.toml:3"):
/// kNotFound `config.no_file`, kInvalid `config.malformed` (not TOML), `config.unknown_key` (with the nearest known
/// key), `config.bad_value` (wrong type, outside its range, or at odds with another).
[[nodiscard]] Result<Settings> load(const Sources& sources);

/// Looks at the files that settings name, for what is about to read them: the other commands need none of them.
/// Refuses kNotFound `config.no_file`, naming each key whose file cannot be read.
[[nodiscard]] Result<> check_files(const Settings& settings);

/// The effective configuration as TOML, with secrets masked: `mainstay config show`.
[[nodiscard]] std::string show(const Settings& settings);

/// docs/reference/configuration.md: every key with its type, default and meaning.
[[nodiscard]] std::string reference_markdown();

/// "host:port" in its parts; brackets of an IPv6 host are taken off. Refuses kInvalid `config.bad_value`.
struct Address {
  std::string host;
  std::uint16_t port = 0;
};
[[nodiscard]] Result<Address> parse_address(std::string_view text);

}  // namespace mainstay::config
