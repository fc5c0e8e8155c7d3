#include <boost/json.hpp>
#include <map>

#include "base/text.h"
#include "http/problem.h"
#include "http/router.h"

namespace mainstay::http {

namespace {

namespace json = boost::json;

json::string to_json(std::string_view text) { return json::string{text}; }

/// "GET", "/api/v1/sites/{site_id}" → "get_api_v1_sites_site_id".
std::string operation_id(const Route& route) {
  std::string id = to_lower_ascii(to_text(route.method));
  for (const auto segment : split(route.path, '/')) {
    std::string part;
    for (const char c : segment) {
      const bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
      if (word) part += c;
    }
    if (!part.empty()) id += "_" + part;
  }
  return id;
}

/// Schemas that are written alike become one component.
class Components {
 public:
  json::value reference(const Schema& schema, const std::string& name) {
    const auto [known, fresh] = names_.emplace(schema, name);
    if (fresh) schemas_.emplace(name, json::parse(schema));
    return json::object{{"$ref", to_json("#/components/schemas/" + known->second)}};
  }
  json::object take() { return std::move(schemas_); }

 private:
  std::map<Schema, std::string> names_;
  json::object schemas_;
};

json::object content(const std::vector<std::string_view>& types, const json::value& schema) {
  json::object result;
  for (const auto type : types) result.emplace(type, json::object{{"schema", schema}});
  return result;
}

json::array parameters_of(const Route& route) {
  json::array parameters;
  for (const auto segment : split(route.path, '/')) {
    if (!segment.starts_with('{')) continue;
    auto name = segment.substr(1, segment.size() - 2);
    if (name.ends_with('*')) name.remove_suffix(1);
    parameters.push_back(json::object{
        {"name", to_json(name)}, {"in", "path"}, {"required", true}, {"schema", json::object{{"type", "string"}}}});
  }
  for (const auto& [name, schema] : route.query) {
    parameters.push_back(json::object{{"name", to_json(name)}, {"in", "query"}, {"schema", json::parse(schema)}});
  }
  return parameters;
}

json::object operation_of(const Route& route, Components& components) {
  const auto id = operation_id(route);
  json::object operation{{"operationId", to_json(id)}, {"summary", to_json(route.summary)}};
  if (!route.tag.empty()) operation.emplace("tags", json::array{to_json(route.tag)});
  if (auto parameters = parameters_of(route); !parameters.empty())
    operation.emplace("parameters", std::move(parameters));
  if (!route.request_schema.empty()) {
    operation.emplace("requestBody",
                      json::object{{"required", true},
                                   {"content", content(route.request_types,
                                                       components.reference(route.request_schema, id + "_request"))}});
  }
  json::object answer{{"description", to_json(reason(route.response_status))}};
  if (!route.response_schema.empty()) {
    answer.emplace("content",
                   content({route.response_type}, components.reference(route.response_schema, id + "_response")));
  }
  json::object responses;
  responses.emplace(std::to_string(route.response_status), std::move(answer));
  responses.emplace("default", json::object{{"$ref", "#/components/responses/Problem"}});
  operation.emplace("responses", std::move(responses));
  if (route.permission != Permission::kPublic) {
    operation.emplace("security",
                      json::array{json::object{{"bearer", json::array{}}}, json::object{{"session", json::array{}}}});
  }
  return operation;
}

json::object problem_schema() {
  const json::object string{{"type", "string"}};
  return {{"type", "object"},
          {"required", json::array{"type", "title", "status", "detail", "code", "request_id"}},
          {"properties",
           json::object{
               {"type", string},
               {"title", string},
               {"status", json::object{{"type", "integer"}}},
               {"detail", string},
               {"code", string},
               {"request_id", string},
               {"errors", json::object{{"type", "array"},
                                       {"items", json::object{{"type", "object"},
                                                              {"required", json::array{"field", "message"}},
                                                              {"properties", json::object{{"field", string},
                                                                                          {"message", string}}}}}}}}}};
}

}  // namespace

std::string Router::openapi(std::string_view version) const {
  Components components;
  json::object paths;
  for (const auto* route : routes()) {
    std::string path{route->path};
    if (const auto star = path.find("*}"); star != std::string::npos) path.erase(star, 1);
    auto& place = paths[path];
    if (!place.is_object()) place.emplace_object();
    place.get_object().emplace(to_lower_ascii(to_text(route->method)), operation_of(*route, components));
  }
  auto schemas = components.take();
  schemas.emplace("Problem", problem_schema());
  const json::object bearer{{"type", "http"}, {"scheme", "bearer"}};
  const json::object session{{"type", "apiKey"},
                             {"in", "cookie"},
                             {"name", "__Host-mainstay"},
                             {"description", "Requests that change something also carry X-Mainstay-Request: 1."}};
  const json::object problem{
      {"description", "What went wrong (RFC 9457)."},
      {"content", content({"application/problem+json"}, json::object{{"$ref", "#/components/schemas/Problem"}})}};
  return json::serialize(json::object{
      {"openapi", "3.1.0"},
      {"info", json::object{{"title", "Mainstay"}, {"version", to_json(version)}}},
      {"paths", std::move(paths)},
      {"components", json::object{{"schemas", std::move(schemas)},
                                  {"responses", json::object{{"Problem", problem}}},
                                  {"securitySchemes", json::object{{"bearer", bearer}, {"session", session}}}}}});
}

}  // namespace mainstay::http
