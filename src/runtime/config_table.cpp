#include "runtime/config_table.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace mainstay::config {
namespace {

bool is_address(std::string_view text) { return parse_address(text).has_value(); }

bool is_network(std::string_view text) {
  const auto slash = text.find('/');
  const std::string host{text.substr(0, slash)};
  std::array<unsigned char, 16> bytes{};
  const bool v4 = inet_pton(AF_INET, host.c_str(), bytes.data()) == 1;
  if (!v4 && inet_pton(AF_INET6, host.c_str(), bytes.data()) != 1) return false;
  if (slash == std::string_view::npos) return true;
  const auto bits = parse_number<unsigned>(text.substr(slash + 1));
  return bits && *bits <= (v4 ? 32U : 128U);
}

bool is_public_url(std::string_view text) {
  if (text.empty()) return true;
  const bool web = text.starts_with("http://") || text.starts_with("https://");
  return web && text.size() > text.find("//") + 2 && !text.ends_with('/') &&
         text.find_first_of("?# ") == std::string_view::npos;
}

bool is_sql_url(std::string_view text) {
  return text.empty() || text.starts_with("postgres://") || text.starts_with("postgresql://");
}

/// "…//user:password@host" with the password hidden.
std::string mask_password(std::string_view url) {
  const auto start = url.find("//");
  const auto at = url.rfind('@');
  if (start == std::string_view::npos || at == std::string_view::npos) return std::string{url};
  const auto colon = url.find(':', start);
  if (colon == std::string_view::npos || colon > at) return std::string{url};
  return fmt::format("{}:****{}", url.substr(0, colon), url.substr(at));
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

struct Suffix {
  std::string_view text;
  std::size_t factor;
};
constexpr Suffix kByteSuffixes[] = {{"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}, {"TiB", 1ULL << 40}};
constexpr Suffix kTimeSuffixes[] = {{"ms", 1}, {"min", 60'000}, {"s", 1'000}, {"h", 3'600'000}};

/// A whole number, with one of the suffixes or none.
std::optional<std::size_t> scaled(std::string_view text, std::span<const Suffix> suffixes) {
  std::size_t factor = 1;
  for (const auto& suffix : suffixes) {
    if (!text.ends_with(suffix.text)) continue;
    factor = suffix.factor;
    text = trim(text.substr(0, text.size() - suffix.text.size()));
    break;
  }
  const auto number = parse_number<std::size_t>(text);
  if (!number || *number > std::numeric_limits<std::size_t>::max() / factor) return std::nullopt;
  return *number * factor;
}

std::string range_text(const Row& row) {
  if (row.most == std::numeric_limits<std::size_t>::max()) return fmt::format("at least {}", row.least);
  return fmt::format("from {} to {}", row.least, row.most);
}

std::string read_text(const Row& row, std::string_view text) {
  if (!row.choices.empty() && std::find(row.choices.begin(), row.choices.end(), text) == row.choices.end()) {
    return fmt::format("one of {}", fmt::join(row.choices, ", "));
  }
  if (row.accepts != nullptr && !row.accepts(text)) return std::string{row.expects};
  return "";
}

constexpr std::string_view kLevels[] = {"debug", "info", "warning", "error"};

constexpr Row kTable[] = {
    {.key = "data",
     .slot = [](Settings& s) -> Slot { return &s.data; },
     .help =
         "Folder of everything that lasts: databases, the queue of hits, keys, the local socket. Made when missing.",
     .accepts = [](std::string_view text) { return !text.empty(); },
     .expects = "the path of a folder"},
    {.key = "listen",
     .slot = [](Settings& s) -> Slot { return &s.listen; },
     .help = "Address and port to serve on. `0.0.0.0:8080` or `[::]:8080` serves other machines too.",
     .accepts = is_address,
     .expects = "host:port, such as 127.0.0.1:8080 or [::1]:8080"},
    {.key = "public_url",
     .slot = [](Settings& s) -> Slot { return &s.public_url; },
     .help = "How visitors reach this server, without a slash at the end. Used in snippets and links; when empty, "
             "the request's Host header is.",
     .accepts = is_public_url,
     .expects = "a URL such as https://stats.example.com"},
    {.key = "trusted_proxies",
     .slot = [](Settings& s) -> Slot { return &s.trusted_proxies; },
     .help =
         "Networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. From anyone else they are ignored.",
     .accepts = is_network,
     .expects = "networks such as 10.0.0.0/8 or ::1/128"},
    {.key = "io_threads",
     .slot = [](Settings& s) -> Slot { return &s.io_threads; },
     .help = "Threads that serve connections; 0 is one for each processor that the program may use. As many as "
             "processors keep to one each; with any other number the system chooses.",
     .most = 256},
    {.key = "drain_ms",
     .slot = [](Settings& s) -> Slot { return &s.drain_ms; },
     .help = "How long requests in flight may take after SIGTERM before the program ends without them.",
     .most = 600'000},
    {.key = "tls.certificate",
     .slot = [](Settings& s) -> Slot { return &s.tls.certificate; },
     .help = "PEM file of the certificate chain. With `tls.key` the server speaks HTTPS. Both files are read again "
             "on SIGHUP.",
     .names = Names::kFile},
    {.key = "tls.key",
     .slot = [](Settings& s) -> Slot { return &s.tls.key; },
     .help = "PEM file of the certificate's key.",
     .names = Names::kFile},
    {.key = "log.level",
     .slot = [](Settings& s) -> Slot { return &s.log.level; },
     .help = "The least important lines that are written to standard error.",
     .choices = kLevels},
    {.key = "limits.connections_max",
     .slot = [](Settings& s) -> Slot { return &s.limits.connections_max; },
     .help = "Open connections; one more is answered 503 and closed.",
     .least = 16},
    {.key = "limits.header_bytes_max",
     .slot = [](Settings& s) -> Slot { return &s.limits.header_bytes_max; },
     .help = "Size of a request's header; beyond it the answer is 431.",
     .least = 1024,
     .most = 1 << 20,
     .unit = Unit::kBytes},
    {.key = "limits.target_bytes_max",
     .slot = [](Settings& s) -> Slot { return &s.limits.target_bytes_max; },
     .help = "Length of a request's path and query; beyond it the answer is 414.",
     .least = 256,
     .most = 1 << 20,
     .unit = Unit::kBytes},
    {.key = "limits.body_memory_bytes",
     .slot = [](Settings& s) -> Slot { return &s.limits.body_memory_bytes; },
     .help =
         "Memory that the bodies of all requests may hold together; beyond it the answer is 503, and 413 to a body "
         "that is larger than all of it. A body of up to 4 KiB does not count. `mainstay import log` sends blocks of "
         "8 MiB, or of half of it when that is less.",
     .least = 1 << 20,
     .unit = Unit::kBytes},
    {.key = "limits.header_patience_ms",
     .slot = [](Settings& s) -> Slot { return &s.limits.header_patience_ms; },
     .help = "How long a client may take to send a request's header; then 408.",
     .least = 100},
    {.key = "limits.body_patience_ms",
     .slot = [](Settings& s) -> Slot { return &s.limits.body_patience_ms; },
     .help = "How long a client may take to send a whole body; then 408.",
     .least = 100},
    {.key = "limits.idle_patience_ms",
     .slot = [](Settings& s) -> Slot { return &s.limits.idle_patience_ms; },
     .help = "How long a connection may wait for its next request.",
     .least = 100},
    {.key = "limits.write_patience_ms",
     .slot = [](Settings& s) -> Slot { return &s.limits.write_patience_ms; },
     .help = "How long a client may leave an answer unread before its connection is closed.",
     .least = 100},
    {.key = "limits.handler_patience_ms",
     .slot = [](Settings& s) -> Slot { return &s.limits.handler_patience_ms; },
     .help = "How long an answer may take to be made; then 503.",
     .least = 100},
    {.key = "limits.requests_per_second",
     .slot = [](Settings& s) -> Slot { return &s.limits.requests_per_second; },
     .help = "Requests per second of one client address (IPv4, or IPv6 /64), lastingly; beyond it 429.",
     .least = 1,
     .most = 1'000'000},
    {.key = "limits.requests_burst",
     .slot = [](Settings& s) -> Slot { return &s.limits.requests_burst; },
     .help = "Requests that one client address may send at once after a pause.",
     .least = 1},
    {.key = "sql.url",
     .slot = [](Settings& s) -> Slot { return &s.sql.url; },
     .help = "Empty keeps accounts and sites in SQLite in the data folder. A "
             "`postgres://user:password@host/database` URL keeps them there.",
     .secrecy = Secrecy::kUrlPassword,
     .accepts = is_sql_url,
     .expects = "empty, or a postgres:// URL"},
    {.key = "sql.connections",
     .slot = [](Settings& s) -> Slot { return &s.sql.connections; },
     .help = "Connections to PostgreSQL, or reading threads of SQLite.",
     .least = 1,
     .most = 256},
    {.key = "columns.memory_bytes",
     .slot = [](Settings& s) -> Slot { return &s.columns.memory_bytes; },
     .help = "Memory that reports may use together; what does not fit goes to temporary files in the data folder.",
     .least = 64 << 20,
     .unit = Unit::kBytes},
    {.key = "columns.threads",
     .slot = [](Settings& s) -> Slot { return &s.columns.threads; },
     .help = "Threads that one report may use; 0 is half of the cores.",
     .most = 256},
    {.key = "stream.bytes_max",
     .slot = [](Settings& s) -> Slot { return &s.stream.bytes_max; },
     .help = "Hits that are on disk but not yet processed. When they take more, further hits are answered 503 with "
             "Retry-After.",
     .least = 8 << 20,  // several segments, which are given back as a whole
     .unit = Unit::kBytes},
    {.key = "analytics.geo_database",
     .slot = [](Settings& s) -> Slot { return &s.analytics.geo_database; },
     .help = "A MaxMind file (.mmdb) with regions and cities. Empty uses the built-in list of countries.",
     .names = Names::kFile},
    {.key = "analytics.flush_ms",
     .slot = [](Settings& s) -> Slot { return &s.analytics.flush_ms; },
     .help =
         "How long processed hits may wait in memory before they are written as rows, those of an import five times as "
         "long, but no more than ten seconds. Reports see them at once either way; after a crash they are processed "
         "again from the queue.",
     .least = 10,
     .most = 60'000},
};

}  // namespace

std::span<const Row> table() { return kTable; }

const Row* find_row(std::string_view key) {
  const auto rows = table();
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.key == key; });
  return found == rows.end() ? nullptr : &*found;
}

std::vector<std::string_view> all_keys() {
  std::vector<std::string_view> keys;
  for (const auto& row : table()) keys.push_back(row.key);
  return keys;
}

std::string variable_of(std::string_view key) {
  std::string name = "MAINSTAY_";
  for (const char c : key) name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

std::string assign(const Row& row, Settings& settings, const std::vector<std::string>& items) {
  const auto slot = row.slot(settings);
  if (auto* const* list = std::get_if<std::vector<std::string>*>(&slot)) {
    for (const auto& item : items) {
      if (auto expected = read_text(row, item); !expected.empty()) return expected;
    }
    **list = items;
    return "";
  }
  if (items.size() != 1) return std::string{"one "} + std::string{type_of(row)};
  if (auto* const* text = std::get_if<std::string*>(&slot)) {
    auto expected = read_text(row, items[0]);
    if (expected.empty()) **text = items[0];
    return expected;
  }
  const bool is_time = std::holds_alternative<std::chrono::milliseconds*>(slot);
  const auto suffixes = is_time ? std::span<const Suffix>{kTimeSuffixes} : std::span<const Suffix>{kByteSuffixes};
  const auto number = scaled(items[0], is_time || row.unit == Unit::kBytes ? suffixes : std::span<const Suffix>{});
  const auto most = is_time ? std::min(row.most, std::size_t{365} * 86'400'000) : row.most;
  if (!number || *number < row.least || *number > most) return fmt::format("a {} {}", type_of(row), range_text(row));
  if (is_time) {
    *std::get<std::chrono::milliseconds*>(slot) = std::chrono::milliseconds{static_cast<std::int64_t>(*number)};
  } else {
    *std::get<std::size_t*>(slot) = *number;
  }
  return "";
}

std::string written(const Row& row, const Settings& settings) {
  Settings copy = settings;
  const auto slot = row.slot(copy);
  if (auto* const* text = std::get_if<std::string*>(&slot)) {
    return quoted(row.secrecy == Secrecy::kUrlPassword ? mask_password(**text) : **text);
  }
  if (auto* const* list = std::get_if<std::vector<std::string>*>(&slot)) {
    std::vector<std::string> items;
    for (const auto& item : **list) items.push_back(quoted(item));
    return fmt::format("[{}]", fmt::join(items, ", "));
  }
  if (auto* const* number = std::get_if<std::size_t*>(&slot)) return fmt::format("{}", **number);
  return fmt::format("{}", std::get<std::chrono::milliseconds*>(slot)->count());
}

std::string_view type_of(const Row& row) {
  Settings settings;
  const auto slot = row.slot(settings);
  if (std::holds_alternative<std::vector<std::string>*>(slot)) return "list of texts";
  if (std::holds_alternative<std::string*>(slot)) return "text";
  if (std::holds_alternative<std::chrono::milliseconds*>(slot)) return "duration in ms";
  return row.unit == Unit::kBytes ? "size in bytes" : "number";
}

}  // namespace mainstay::config
