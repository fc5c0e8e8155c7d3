#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

/// The log front end. Lines go to standard error, one event a line: time, level, message, fields.
/// Fields are finished text, so this header stays free of templates. Never log a secret, a
/// visitor's address or a user agent. Any thread.
namespace mainstay::log {

enum class Level { kDebug, kInfo, kWarning, kError };

struct Field {
  std::string_view name;
  std::string value;
};

void set_level(Level level);
void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::kDebug, message, fields);
}
inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::kInfo, message, fields);
}
inline void warning(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::kWarning, message, fields);
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::kError, message, fields);
}

}  // namespace mainstay::log
