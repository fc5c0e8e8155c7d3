#include "base/json.h"

#include <fmt/format.h>

#include <cmath>

namespace mainstay::json {

Result<Value> parse(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kDepthMax;
  boost::system::error_code error;
  auto value = boost::json::parse(text, error, {}, options);
  if (error) return refuse(Refusal::kInvalid, "json.malformed", "This is not JSON: " + error.message() + ".");
  return value;
}

namespace {

void append(std::string& text, const Value& value) {
  if (const auto* object = value.if_object()) {
    text += '{';
    for (bool first = true; const auto& [name, member] : *object) {
      if (!std::exchange(first, false)) text += ',';
      text += boost::json::serialize(boost::json::string(name));
      text += ':';
      append(text, member);
    }
    text += '}';
  } else if (const auto* array = value.if_array()) {
    text += '[';
    for (bool first = true; const auto& member : *array) {
      if (!std::exchange(first, false)) text += ',';
      append(text, member);
    }
    text += ']';
  } else if (const auto* number = value.if_double(); number != nullptr && std::isfinite(*number)) {
    text += fmt::format("{}", *number);
  } else {
    text += boost::json::serialize(value);
  }
}

}  // namespace

std::string to_text(const Value& value) {
  std::string text;
  append(text, value);
  return text;
}

std::string enumerator_name(std::string_view identifier) {
  if (identifier.size() > 1 && identifier[0] == 'k') identifier.remove_prefix(1);
  std::string name;
  for (const char c : identifier) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !name.empty()) name += '_';
    name += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return name;
}

namespace detail {

Failure wrong(const std::string& where, std::string_view expected) {
  const std::string field = where.empty() ? "/" : where;
  const std::string message = "Expected " + std::string{expected} + ".";
  Failure failure{.kind = Refusal::kInvalid, .code = "json.invalid", .message = field + ": " + message};
  failure.errors.push_back({.field = field, .message = message});
  return failure;
}

void merge(Failure& into, const Failure& more) {
  into.message = "Several fields are wrong.";
  into.errors.insert(into.errors.end(), more.errors.begin(), more.errors.end());
}

}  // namespace detail
}  // namespace mainstay::json
