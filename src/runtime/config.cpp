#include "runtime/config.h"

#include <fmt/format.h>
#include <unistd.h>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "base/text.h"
#include "runtime/config_table.h"

namespace mainstay::config {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;

/// Gathers what is wrong, so that one run names every fault.
class Faults {
 public:
  void add(std::string_view code, std::string place, std::string message) {
    if (failure_.code.empty()) failure_.code = code;
    const auto line = fmt::format("{}: {}", place, message);
    failure_.message += failure_.message.empty() ? line : "\n" + line;
    failure_.errors.push_back({.field = std::move(place), .message = std::move(message)});
  }
  void unknown(std::string place, std::string_view key, std::string_view near) {
    add("config.unknown_key", std::move(place),
        near.empty() ? fmt::format("there is no setting \"{}\"", key)
                     : fmt::format("there is no setting \"{}\"; did you mean \"{}\"?", key, near));
  }
  [[nodiscard]] const Failure* found() const { return failure_.errors.empty() ? nullptr : &failure_; }

 private:
  Failure failure_{.kind = Refusal::kInvalid};
};

void set(Settings& settings, const Row& row, const std::vector<std::string>& items, const std::string& place,
         Faults& faults) {
  const auto expected = assign(row, settings, items);
  if (!expected.empty()) faults.add("config.bad_value", place, fmt::format("{} must be {}", row.key, expected));
}

/// A list's items in a variable or flag; one item for anything else.
std::vector<std::string> items_of(const Row& row, std::string_view text) {
  if (type_of(row) != "list of texts") return {std::string{text}};
  std::vector<std::string> items;
  if (trim(text).empty()) return items;
  for (const auto item : split(text, ',')) items.emplace_back(trim(item));
  return items;
}

/// Text of a TOML scalar, or nothing for what no setting is (dates, tables, fractions).
std::optional<std::string> scalar(const toml::node& node, const Row& row) {
  const bool is_text = type_of(row) == "text" || type_of(row) == "list of texts";
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer(); number != nullptr && !is_text) return std::to_string(number->get());
  return std::nullopt;
}

std::optional<std::vector<std::string>> items_of(const Row& row, const toml::node& node) {
  std::vector<std::string> items;
  const auto* array = node.as_array();
  if (array == nullptr) {
    auto item = type_of(row) == "list of texts" ? std::nullopt : scalar(node, row);
    if (!item) return std::nullopt;
    return std::vector{std::move(*item)};
  }
  if (type_of(row) != "list of texts") return std::nullopt;
  for (const auto& element : *array) {
    auto item = scalar(element, row);
    if (!item) return std::nullopt;
    items.push_back(std::move(*item));
  }
  return items;
}

class FileReader {
 public:
  FileReader(std::string path, Settings& settings, Faults& faults)
      : path_(std::move(path)), settings_(settings), faults_(faults) {}

  void read(const std::string& text) {
    const auto parsed = toml::parse(text, path_);
    if (!parsed) {
      const auto& error = parsed.error();
      faults_.add("config.malformed", place(error.source()), std::string{error.description()});
      return;
    }
    read_table(parsed.table(), "");
  }

 private:
  [[nodiscard]] std::string place(const toml::source_region& source) const {
    return fmt::format("{}:{}", path_, source.begin.line);
  }

  void read_table(const toml::table& table, const std::string& prefix) {
    for (const auto& [name, node] : table) {
      const auto key = prefix + std::string{name.str()};
      if (const auto* row = find_row(key)) {
        read_value(*row, node);
      } else if (is_section(key) && node.is_table()) {
        read_table(*node.as_table(), key + ".");
      } else {
        faults_.unknown(place(name.source()), key, nearest(key, all_keys()));
      }
    }
  }

  void read_value(const Row& row, const toml::node& node) {
    const auto items = items_of(row, node);
    if (!items) {
      faults_.add("config.bad_value", place(node.source()), fmt::format("{} must be a {}", row.key, type_of(row)));
      return;
    }
    set(settings_, row, *items, place(node.source()), faults_);
  }

  static bool is_section(std::string_view key) {
    for (const auto known : all_keys()) {
      if (known.size() > key.size() && known.starts_with(key) && known[key.size()] == '.') return true;
    }
    return false;
  }

  std::string path_;
  Settings& settings_;
  Faults& faults_;
};

void apply_environment(const Sources& sources, Settings& settings, Faults& faults) {
  std::vector<std::string> names;
  for (const auto key : all_keys()) names.push_back(variable_of(key));
  const std::vector<std::string_view> known(names.begin(), names.end());
  for (const auto& [name, value] : sources.environment) {
    if (name == "MAINSTAY_CONFIG") continue;
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      faults.unknown("the environment", name, nearest(name, known));
      continue;
    }
    const auto& row = table()[static_cast<std::size_t>(found - names.begin())];
    set(settings, row, items_of(row, value), name, faults);
  }
}

void apply_flags(const Sources& sources, Settings& settings, Faults& faults) {
  for (const auto& [key, value] : sources.flags) {
    const auto* row = find_row(key);
    if (row == nullptr) {
      faults.unknown("the command line", key, nearest(key, all_keys()));
      continue;
    }
    set(settings, *row, items_of(*row, value), "--" + key, faults);
  }
}

std::string variable(const Sources& sources, std::string_view name) {
  for (const auto& [found, value] : sources.environment) {
    if (found == name) return value;
  }
  return "";
}

/// The data folder as far as it can be known before a file is read.
std::string early_data_folder(const Sources& sources) {
  for (const auto& [key, value] : sources.flags) {
    if (key == "data") return value;
  }
  const auto named = variable(sources, "MAINSTAY_DATA");
  return named.empty() ? Settings{}.data : named;
}

bool is_readable(const std::string& path) { return ::access(path.c_str(), R_OK) == 0; }

/// Why a file cannot be read, or "".
std::string why_unreadable(const std::string& path) {
  if (!is_readable(path)) return std::generic_category().message(errno);
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored) ? "it is a folder" : "";
}

/// The file to read, or "" when there is none.
std::string find_file(const Sources& sources) {
  if (!sources.path.empty()) return sources.path;
  if (auto named = variable(sources, "MAINSTAY_CONFIG"); !named.empty()) return named;
  const auto here = sources.directory == "." ? std::string{"mainstay.toml"} : sources.directory + "/mainstay.toml";
  if (::access(here.c_str(), F_OK) == 0) return here;
  const auto beside_data = early_data_folder(sources) + "/mainstay.toml";
  return ::access(beside_data.c_str(), F_OK) == 0 ? beside_data : "";
}

/// Rules that take more than one key.
void check_together(const Settings& settings, Faults& faults) {
  if (settings.tls.certificate.empty() != settings.tls.key.empty()) {
    faults.add("config.bad_value", "tls", "tls.certificate and tls.key must both be given, or neither");
  }
}

Result<> read_file(const std::string& path, Settings& settings, Faults& faults) {
  std::ifstream file(path, std::ios::binary);
  if (!file || !is_readable(path)) {
    return refuse(Refusal::kNotFound, "config.no_file", fmt::format("The configuration file {} cannot be read.", path));
  }
  std::string text(kFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kFileBytesMax) {
    faults.add("config.malformed", path, fmt::format("a configuration file has at most {} bytes", kFileBytesMax));
    return {};
  }
  settings.file = path;
  FileReader{path, settings, faults}.read(text);
  return {};
}

}  // namespace

std::vector<std::pair<std::string, std::string>> environment_of_process() {
  std::vector<std::pair<std::string, std::string>> found;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    const auto equals = text.find('=');
    if (!text.starts_with("MAINSTAY_") || equals == std::string_view::npos) continue;
    found.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return found;
}

Result<Settings> load(const Sources& sources) {
  Settings settings;
  Faults faults;
  if (const auto path = find_file(sources); !path.empty()) {
    if (const auto read = read_file(path, settings, faults); !read) return refuse(read);
  }
  apply_environment(sources, settings, faults);
  apply_flags(sources, settings, faults);
  check_together(settings, faults);
  if (const auto* failure = faults.found()) return std::unexpected(*failure);
  return settings;
}

Result<> check_files(const Settings& settings) {
  Faults faults;
  auto given = settings;
  for (const auto& row : table()) {
    if (row.names != Names::kFile) continue;
    const auto& path = *std::get<std::string*>(row.slot(given));
    if (path.empty()) continue;
    if (const auto why = why_unreadable(path); !why.empty()) {
      faults.add("config.no_file", std::string{row.key}, fmt::format("the file {} cannot be read: {}", path, why));
    }
  }
  if (faults.found() == nullptr) return {};
  auto failure = *faults.found();
  failure.kind = Refusal::kNotFound;
  return std::unexpected(std::move(failure));
}

std::string show(const Settings& settings) {
  std::string out = settings.file.empty() ? "# no configuration file\n" : fmt::format("# from {}\n", settings.file);
  std::string_view section;
  for (const auto& row : table()) {
    const auto dot = row.key.find('.');
    const auto here = dot == std::string_view::npos ? std::string_view{} : row.key.substr(0, dot);
    if (here != section) out += fmt::format("\n[{}]\n", here);
    section = here;
    out += fmt::format("{} = {}\n", dot == std::string_view::npos ? row.key : row.key.substr(dot + 1),
                       written(row, settings));
  }
  return out;
}

std::string reference_markdown() {
  std::string out =
      "# Configuration\n\n"
      "<!-- Made by `mainstay config reference`; edit src/runtime/config_table.cpp instead. -->\n\n"
      "`mainstay serve` needs no configuration. Values come from, each winning over the one before: the defaults "
      "below;\n"
      "`mainstay.toml` (`--config PATH`, else in the working directory, else in the data folder); environment\n"
      "variables; flags. A key that is not in this table is an error. `mainstay config check` says what is wrong and "
      "where;\n"
      "`mainstay config show` prints what is in force, with secrets masked.\n\n"
      "Sizes may be written as text with `KiB`, `MiB`, `GiB`, `TiB`, durations with `ms`, `s`, `min`, `h`. In a "
      "variable a list is\n"
      "separated by commas.\n\n"
      "| key | variable | type | default | meaning |\n|---|---|---|---|---|\n";
  for (const auto& row : table()) {
    out += fmt::format("| `{}` | `{}` | {} | `{}` | {} |\n", row.key, variable_of(row.key), type_of(row),
                       written(row, Settings{}), row.help);
  }
  return out;
}

Result<Address> parse_address(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto wrong = [&] {
    return refuse(Refusal::kInvalid, "config.bad_value", fmt::format("\"{}\" is not host:port.", text));
  };
  if (colon == std::string_view::npos) return wrong();
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong();
  }
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (host.empty() || host.find_first_of(" []/") != std::string_view::npos || !port) return wrong();
  return Address{.host = std::string{host}, .port = *port};
}

}  // namespace mainstay::config
