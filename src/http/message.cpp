#include "http/message.h"

#include "base/text.h"

namespace mainstay::http {

namespace {

/// Room for what most answers and requests carry, taken at once.
constexpr std::size_t kFieldsAtFirst = 12;
constexpr std::size_t kBytesAtFirst = 384;

}  // namespace

std::string_view to_text(Method method) {
  switch (method) {
    case Method::kGet: return "GET";
    case Method::kHead: return "HEAD";
    case Method::kPost: return "POST";
    case Method::kPut: return "PUT";
    case Method::kPatch: return "PATCH";
    case Method::kDelete: return "DELETE";
    case Method::kOptions: return "OPTIONS";
  }
  return "";
}

bool is_safe(Method method) { return method == Method::kGet || method == Method::kHead || method == Method::kOptions; }

std::string_view Headers::name_of(const Field& field) const {
  return std::string_view{text_}.substr(field.begin, field.name_size);
}

std::string_view Headers::value_of(const Field& field) const {
  return std::string_view{text_}.substr(field.begin + field.name_size, field.value_size);
}

void Headers::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

void Headers::add(std::string_view name, std::string_view value) {
  if (fields_.capacity() == 0) {
    fields_.reserve(kFieldsAtFirst);
    text_.reserve(kBytesAtFirst);
  }
  fields_.push_back({.begin = static_cast<std::uint32_t>(text_.size()),
                     .name_size = static_cast<std::uint32_t>(name.size()),
                     .value_size = static_cast<std::uint32_t>(value.size())});
  text_ += name;
  text_ += value;
}

std::string_view Headers::get(std::string_view name) const {
  for (const auto& field : fields_) {
    if (field.name_size == name.size() && equal_ignoring_case(name_of(field), name)) return value_of(field);
  }
  return {};
}

bool Headers::has(std::string_view name) const { return count(name) > 0; }

void Headers::remove(std::string_view name) {
  std::erase_if(fields_, [&](const Field& field) { return equal_ignoring_case(name_of(field), name); });
}

std::size_t Headers::count(std::string_view name) const {
  std::size_t found = 0;
  for (const auto& field : fields_) {
    if (field.name_size == name.size() && equal_ignoring_case(name_of(field), name)) ++found;
  }
  return found;
}

std::vector<std::pair<std::string_view, std::string_view>> Headers::all() const {
  std::vector<std::pair<std::string_view, std::string_view>> result;
  result.reserve(fields_.size());
  for (const auto& field : fields_) result.emplace_back(name_of(field), value_of(field));
  return result;
}

void Headers::append_to(std::string& out) const {
  for (const auto& field : fields_) {
    out += name_of(field);
    out += ": ";
    out += value_of(field);
    out += "\r\n";
  }
}

void Headers::clear() {
  text_.clear();
  fields_.clear();
}

std::string_view Request::path_parameter(std::string_view name) const {
  for (const auto& [key, value] : path_parameters) {
    if (key == name) return value;
  }
  return {};
}

std::optional<std::string_view> Request::query_parameter(std::string_view name) const {
  for (const auto& [key, value] : query_parameters) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::string_view Request::cookie(std::string_view name) const {
  // RFC 6265 §5.4; a client may split its cookies over several fields (RFC 9113 §8.2.3, and proxies do).
  for (const auto& [field, value] : headers.all()) {
    if (!equal_ignoring_case(field, "cookie")) continue;
    for (const auto part : split(value, ';')) {
      const auto pair = trim(part);
      const auto equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == name) return pair.substr(equals + 1);
    }
  }
  return {};
}

std::string_view Response::bytes() const {
  if (const auto* own = std::get_if<std::string>(&body)) return *own;
  if (const auto* shared = std::get_if<std::shared_ptr<const std::string>>(&body); shared && *shared) return **shared;
  if (const auto* fixed = std::get_if<StaticBody>(&body)) return fixed->bytes;
  return {};
}

Response json_text(std::string text, int status) { return http::text(std::move(text), "application/json", status); }

Response no_content() { return Response{.status = 204, .headers = {}, .body = {}}; }

Response text(std::string body, std::string_view content_type, int status) {
  Response response{.status = status, .headers = {}, .body = std::move(body)};
  response.headers.add("Content-Type", content_type);
  return response;
}

}  // namespace mainstay::http
