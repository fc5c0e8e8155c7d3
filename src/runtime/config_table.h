#pragma once

#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/config.h"

/// The table of settings. Seen by config*.cpp only; other code reads `Settings`.
namespace mainstay::config {

using Slot = std::variant<std::string*, std::vector<std::string>*, std::size_t*, std::chrono::milliseconds*>;

enum class Secrecy { kOpen, kUrlPassword };
enum class Unit { kNone, kBytes };
enum class Names { kNothing, kFile };  ///< what a text that is not empty stands for: a file that is read at start

struct Row {
  std::string_view key;
  Slot (*slot)(Settings&);
  std::string_view help;                           ///< sentences, for the reference
  std::span<const std::string_view> choices = {};  ///< of a text; empty = any
  std::size_t least = 0;                           ///< of a number or a duration in ms
  std::size_t most = std::numeric_limits<std::size_t>::max();
  Unit unit = Unit::kNone;
  Secrecy secrecy = Secrecy::kOpen;
  bool (*accepts)(std::string_view) = nullptr;  ///< further rule of a text or of each item of a list
  std::string_view expects = "";                ///< what `accepts` wants, for the message
  Names names = Names::kNothing;
};

[[nodiscard]] std::span<const Row> table();
[[nodiscard]] const Row* find_row(std::string_view key);
[[nodiscard]] std::vector<std::string_view> all_keys();

/// "MAINSTAY_TLS_KEY" for "tls.key".
[[nodiscard]] std::string variable_of(std::string_view key);

/// Reads `items` (one for what is not a list) into the row's place. Nothing when it fits, else what was expected.
[[nodiscard]] std::string assign(const Row& row, Settings& settings, const std::vector<std::string>& items);

/// The row's value as TOML; a secret is masked.
[[nodiscard]] std::string written(const Row& row, const Settings& settings);

/// "text", "list of texts", "number", "bytes", "duration".
[[nodiscard]] std::string_view type_of(const Row& row);

}  // namespace mainstay::config
