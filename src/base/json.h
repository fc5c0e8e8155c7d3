#pragma once

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/failure.h"
#include "base/text.h"
#include "base/time.h"

/// JSON in and out of plain structs described with BOOST_DESCRIBE_STRUCT. One description serves
/// parsing (unknown fields refused by name, missing ones named), writing, and the OpenAPI schema.
///
/// Members map by type: `std::string`, integers, `double`, `bool`, `Instant` (RFC 3339), `std::vector<T>`,
/// `std::map<std::string, T>`, `std::optional<T>` (may be absent or null), `boost::json::value` (anything),
/// nested described structs, and described enums (by the enumerator's name, without `k`, in snake_case).
/// This header costs about a second of compile time: include it in .cpp files.
namespace mainstay::json {

namespace value_types = boost::json;
using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

inline constexpr std::size_t kDepthMax = 32;

/// Parses one JSON text. Refuses kInvalid `json.malformed` for anything RFC 8259 does not allow,
/// deeper than kDepthMax, or not UTF-8.
[[nodiscard]] Result<Value> parse(std::string_view text);

/// JSON text with numbers as people write them: 72.6 and 100, not 7.26E1 and 1E2.
[[nodiscard]] std::string to_text(const Value& value);

/// "kNotFound" → "not_found".
[[nodiscard]] std::string enumerator_name(std::string_view identifier);

template <class T>
[[nodiscard]] Result<T> from_value(const Value& value, const std::string& where = "");
template <class T>
[[nodiscard]] Value to_value(const T& item);
/// JSON Schema 2020-12 of T.
template <class T>
[[nodiscard]] Value schema_of();

/// Parses `text` as a T. Refuses kInvalid `json.malformed` or `json.invalid` with the fields at fault.
template <class T>
[[nodiscard]] Result<T> read(std::string_view text) {
  const auto value = parse(text);
  if (!value) return refuse(value);
  return from_value<T>(*value);
}

template <class T>
[[nodiscard]] std::string write(const T& item) {
  return to_text(to_value(item));
}

/// The schema as text, for http::Route.
template <class T>
[[nodiscard]] std::string schema_text() {
  return boost::json::serialize(schema_of<T>());
}

namespace detail {

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsMap : std::false_type {};
template <class T>
struct IsMap<std::map<std::string, T>> : std::true_type {};

template <class T>
using Members = boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;

[[nodiscard]] Failure wrong(const std::string& where, std::string_view expected);
void merge(Failure& into, const Failure& more);

template <class T>
Result<T> read_enum(const Value& value, const std::string& where) {
  std::string expected;
  std::optional<T> found;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto entry) {
    const auto name = enumerator_name(entry.name);
    if (value.is_string() && value.get_string() == name) found = entry.value;
    expected += (expected.empty() ? "one of " : ", ") + name;
  });
  if (!found) return std::unexpected(wrong(where, expected));
  return *found;
}

template <class T>
Result<T> read_struct(const Value& value, const std::string& where) {
  if (!value.is_object()) return std::unexpected(wrong(where, "an object"));
  T result{};
  std::optional<Failure> failure;
  const auto fail = [&](const Failure& more) {
    if (failure) {
      merge(*failure, more);
    } else {
      failure = more;
    }
  };
  const auto& object = value.get_object();
  std::size_t known = 0;
  boost::mp11::mp_for_each<Members<T>>([&](auto member) {
    using Field = std::remove_cvref_t<decltype(result.*member.pointer)>;
    const auto* found = object.if_contains(member.name);
    const auto place = where + "/" + member.name;
    if (found != nullptr) ++known;
    if (found == nullptr || (found->is_null() && IsOptional<Field>::value)) {
      if constexpr (!IsOptional<Field>::value) fail(wrong(place, "to be present"));
      return;
    }
    auto read = from_value<Field>(*found, place);
    if (read) {
      result.*member.pointer = std::move(*read);
    } else {
      fail(read.error());
    }
  });
  if (known < object.size()) {
    for (const auto& [name, ignored] : object) {
      bool described = false;
      boost::mp11::mp_for_each<Members<T>>([&](auto member) { described = described || name == member.name; });
      if (!described) fail(wrong(where + "/" + std::string{name}, "not to be there: no such field"));
    }
  }
  if (failure) return std::unexpected(std::move(*failure));
  return result;
}

template <class T>
Result<T> read_integer(const Value& value, const std::string& where) {
  boost::system::error_code error;
  const auto number = value.is_number() ? value.to_number<T>(error) : T{};
  if (!value.is_number() || error || value.is_double()) return std::unexpected(wrong(where, "a whole number in range"));
  return number;
}

}  // namespace detail

template <class T>
Result<T> from_value(const Value& value, const std::string& where) {
  using detail::wrong;
  if constexpr (std::is_same_v<T, Value>) {
    return value;
  } else if constexpr (detail::IsOptional<T>::value) {
    if (value.is_null()) return T{};
    auto inner = from_value<typename T::value_type>(value, where);
    if (!inner) return refuse(inner);
    return T{std::move(*inner)};
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!value.is_bool()) return std::unexpected(wrong(where, "true or false"));
    return value.get_bool();
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!value.is_string()) return std::unexpected(wrong(where, "a string"));
    return std::string{value.get_string()};
  } else if constexpr (std::is_same_v<T, Instant>) {
    const auto instant = value.is_string() ? parse_rfc3339(value.get_string()) : std::nullopt;
    if (!instant) return std::unexpected(wrong(where, "a time as in RFC 3339"));
    return *instant;
  } else if constexpr (std::is_same_v<T, double>) {
    if (!value.is_number()) return std::unexpected(wrong(where, "a number"));
    return value.to_number<double>();
  } else if constexpr (std::is_integral_v<T>) {
    return detail::read_integer<T>(value, where);
  } else if constexpr (std::is_enum_v<T>) {
    return detail::read_enum<T>(value, where);
  } else if constexpr (detail::IsVector<T>::value) {
    if (!value.is_array()) return std::unexpected(wrong(where, "an array"));
    T result;
    for (std::size_t i = 0; i < value.get_array().size(); ++i) {
      auto item = from_value<typename T::value_type>(value.get_array()[i], where + "/" + std::to_string(i));
      if (!item) return refuse(item);
      result.push_back(std::move(*item));
    }
    return result;
  } else if constexpr (detail::IsMap<T>::value) {
    if (!value.is_object()) return std::unexpected(wrong(where, "an object"));
    T result;
    for (const auto& [name, member] : value.get_object()) {
      auto item = from_value<typename T::mapped_type>(member, where + "/" + std::string{name});
      if (!item) return refuse(item);
      result.emplace(name, std::move(*item));
    }
    return result;
  } else {
    return detail::read_struct<T>(value, where);
  }
}

template <class T>
Value to_value(const T& item) {
  if constexpr (std::is_same_v<T, Value>) {
    return item;
  } else if constexpr (detail::IsOptional<T>::value) {
    return item ? to_value(*item) : Value(nullptr);
  } else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, double> || std::is_integral_v<T>) {
    return Value(item);
  } else if constexpr (std::is_convertible_v<T, std::string_view>) {
    return Value(boost::json::string{std::string_view{item}});
  } else if constexpr (std::is_same_v<T, Instant>) {
    return Value(boost::json::string{to_rfc3339(item)});
  } else if constexpr (std::is_enum_v<T>) {
    const char* name = boost::describe::enum_to_string(item, "");
    return Value(boost::json::string{enumerator_name(name)});
  } else if constexpr (detail::IsVector<T>::value) {
    Array array;
    for (const auto& member : item) array.push_back(to_value(member));
    return array;
  } else if constexpr (detail::IsMap<T>::value) {
    Object object;
    for (const auto& [name, member] : item) object.emplace(name, to_value(member));
    return object;
  } else {
    Object object;
    boost::mp11::mp_for_each<detail::Members<T>>(
        [&](auto member) { object.emplace(member.name, to_value(item.*member.pointer)); });
    return object;
  }
}

template <class T>
Value schema_of() {
  if constexpr (std::is_same_v<T, Value>) {
    return Object{};
  } else if constexpr (detail::IsOptional<T>::value) {
    auto inner = schema_of<typename T::value_type>();
    if (inner.is_object() && inner.get_object().contains("type") && inner.at("type").is_string()) {
      inner.get_object()["type"] = Array{inner.at("type"), Value("null")};
      if (auto* names = inner.get_object().if_contains("enum")) names->get_array().push_back(nullptr);
      return inner;
    }
    return inner;
  } else if constexpr (std::is_same_v<T, bool>) {
    return Object{{"type", "boolean"}};
  } else if constexpr (std::is_same_v<T, std::string>) {
    return Object{{"type", "string"}};
  } else if constexpr (std::is_same_v<T, Instant>) {
    return Object{{"type", "string"}, {"format", "date-time"}};
  } else if constexpr (std::is_same_v<T, double>) {
    return Object{{"type", "number"}};
  } else if constexpr (std::is_integral_v<T>) {
    return Object{{"type", "integer"}};
  } else if constexpr (std::is_enum_v<T>) {
    Array names;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>(
        [&](auto entry) { names.push_back(Value(boost::json::string{enumerator_name(entry.name)})); });
    return Object{{"type", "string"}, {"enum", names}};
  } else if constexpr (detail::IsVector<T>::value) {
    return Object{{"type", "array"}, {"items", schema_of<typename T::value_type>()}};
  } else if constexpr (detail::IsMap<T>::value) {
    return Object{{"type", "object"}, {"additionalProperties", schema_of<typename T::mapped_type>()}};
  } else {
    Object properties;
    Array required;
    T* const none = nullptr;
    boost::mp11::mp_for_each<detail::Members<T>>([&](auto member) {
      using Field = std::remove_cvref_t<decltype(none->*member.pointer)>;
      properties.emplace(member.name, schema_of<Field>());
      if (!detail::IsOptional<Field>::value) required.push_back(Value(member.name));
    });
    return Object{
        {"type", "object"}, {"properties", properties}, {"required", required}, {"additionalProperties", false}};
  }
}

}  // namespace mainstay::json
