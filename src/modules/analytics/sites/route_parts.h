#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "http/router.h"
#include "modules/analytics/sites/ids.h"
#include "modules/analytics/sites/routes.h"

/// What the route files of this room share. For their .cpp files only.
namespace mainstay::analytics::parts {

using http::Method;
using http::Request;
using http::Response;
using Answer = Task<Result<Response>>;
using Call = Answer (*)(const SiteRooms&, Request&);

/// A list that fits one page: "next_cursor" is always null.
template <class Item>
[[nodiscard]] Response list_response(const std::vector<Item>& items) {
  const json::Object list{{"items", json::to_value(items)}, {"next_cursor", nullptr}};
  return http::json_text(boost::json::serialize(list));
}

template <class Item>
[[nodiscard]] std::string list_schema() {
  const json::Object cursor{{"type", json::Array{"string", "null"}}};
  const json::Object properties{{"items", json::schema_of<std::vector<Item>>()}, {"next_cursor", cursor}};
  return boost::json::serialize(
      json::Object{{"type", "object"}, {"properties", properties}, {"required", json::Array{"items", "next_cursor"}}});
}

template <class Id>
[[nodiscard]] std::string text_of(Id id) {
  return std::to_string(static_cast<std::int64_t>(id));
}

/// The id in the path; 0, which nothing has, when it is no number.
template <class Id>
[[nodiscard]] Id path_id(const Request& request, std::string_view name) {
  return static_cast<Id>(parse_number<std::int64_t>(request.path_parameter(name)).value_or(0));
}

/// Collects the routes of one group.
class Table {
 public:
  explicit Table(const SiteRooms& rooms) : rooms_(rooms) {}

  struct Bodies {
    int status = 200;
    http::Schema request = "";
    http::Schema response = "";
  };
  void add(Method method, std::string_view path, Permission permission, std::string_view summary, Call call,
           Bodies bodies, std::vector<http::QueryParameter> query = {}) {
    http::Route route{.method = method,
                      .path = path,
                      .permission = permission,
                      .summary = summary,
                      .handler = [rooms = rooms_, call](Request& request) { return call(rooms, request); }};
    route.tag = "sites";
    route.request_schema = std::move(bodies.request);
    route.response_schema = std::move(bodies.response);
    route.response_status = bodies.status;
    route.query = std::move(query);
    route.body_bytes_max = kBodyBytesMax;
    routes.push_back(std::move(route));
  }

  std::vector<http::Route> routes;

 private:
  static constexpr std::size_t kBodyBytesMax = 256 << 10;
  SiteRooms rooms_;
};

void add_site_routes(Table& table);
void add_marker_routes(Table& table);
void add_share_routes(Table& table);

/// Refuses who may read no reports and shows no share of `site`.
[[nodiscard]] Result<> require_reader(const SiteRooms& rooms, const Request& request, SiteId site);

}  // namespace mainstay::analytics::parts
