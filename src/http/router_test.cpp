#include "http/router.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace mainstay::http {
namespace {

Task<Result<Response>> nothing(Request&) { co_return no_content(); }

Route route(Method method, std::string_view path) {
  return {.method = method, .path = path, .permission = Permission::kPublic, .summary = "A test.", .handler = nothing};
}

std::string found(const Router& router, Method method, std::string_view path) {
  const auto match = router.find(method, path);
  if (match.route == nullptr) return match.path_exists ? "405 " + match.allow : "404";
  std::string out{match.route->path};
  for (const auto& [name, value] : match.parameters) out += " " + name + "=" + value;
  return out;
}

TEST(Router, finds_literals_before_parameters_before_the_rest) {
  Router router;
  for (const std::string_view path : {"/", "/sites", "/sites/new", "/sites/{id}", "/sites/{id}/goals",
                                      "/sites/{site}/goals/{goal}", "/files/{path*}"}) {
    router.add(route(Method::kGet, path));
  }
  router.add(route(Method::kDelete, "/sites/{other}"));
  const struct {
    Method method;
    std::string_view path, expected;
  } cases[] = {
      {Method::kGet, "/", "/"},
      {Method::kGet, "/sites", "/sites"},
      {Method::kGet, "/sites/", "404"},
      {Method::kGet, "/sites/new", "/sites/new"},
      {Method::kGet, "/sites/new/goals", "/sites/{id}/goals id=new"},
      {Method::kGet, "/sites/7", "/sites/{id} id=7"},
      {Method::kHead, "/sites/7", "/sites/{id} id=7"},
      {Method::kDelete, "/sites/7", "/sites/{other} other=7"},
      {Method::kPost, "/sites/7", "405 GET, HEAD, DELETE, OPTIONS"},
      {Method::kGet, "/sites/a%2Fb", "/sites/{id} id=a/b"},
      {Method::kGet, "/s%69tes/%6eew", "/sites/new"},
      {Method::kGet, "/sites/7/goals/8", "/sites/{site}/goals/{goal} site=7 goal=8"},
      {Method::kGet, "/sites//goals", "404"},
      {Method::kGet, "/files/a/b/c", "/files/{path*} path=a/b/c"},
      {Method::kGet, "/files", "404"},
      {Method::kGet, "/other", "404"},
      {Method::kGet, "", "404"},
  };
  for (const auto& [method, path, expected] : cases) EXPECT_EQ(found(router, method, path), expected) << path;
}

TEST(Router, refuses_a_path_that_is_declared_twice_or_malformed) {
  Router router;
  router.add(route(Method::kGet, "/sites/{id}"));
  EXPECT_THROW(router.add(route(Method::kGet, "/sites/{name}")), std::logic_error);
  for (const std::string_view path : {"", "sites", "/a{b}", "/{a*}/b", "/{", "/*"}) {
    EXPECT_THROW(router.add(route(Method::kGet, path)), std::logic_error) << path;
  }
  auto without = route(Method::kGet, "/without");
  without.handler = nullptr;
  EXPECT_THROW(router.add(std::move(without)), std::logic_error);
}

TEST(OpenApi, describes_every_route_and_names_a_schema_once) {
  Router router;
  const std::string schema = R"({"type":"object","properties":{"name":{"type":"string"}}})";
  auto create = route(Method::kPost, "/api/v1/sites");
  create.permission = Permission::kManageSites;
  create.request_schema = schema;
  create.response_schema = schema;
  create.response_status = 201;
  create.tag = "analytics";
  create.request_types = {"application/json", "text/plain"};
  router.add(std::move(create));
  auto read = route(Method::kGet, "/api/v1/sites/{site_id}/files/{path*}");
  read.query = {"limit", {"from", R"({"type":"integer"})"}};
  read.response_schema = schema;
  router.add(std::move(read));
  const auto document = json::parse(router.openapi("1.2.3")).value();
  EXPECT_EQ(document.at("openapi"), "3.1.0");
  EXPECT_EQ(document.at("info").at("version"), "1.2.3");
  const auto& post = document.at("paths").at("/api/v1/sites").at("post");
  EXPECT_EQ(post.at("operationId"), "post_api_v1_sites");
  EXPECT_EQ(post.at("security").as_array().size(), 2U);
  const auto& reference = post.at("requestBody").at("content").at("application/json").at("schema").at("$ref");
  EXPECT_EQ(reference, "#/components/schemas/post_api_v1_sites_request");
  EXPECT_EQ(post.at("requestBody").at("content").at("text/plain").at("schema").at("$ref"), reference);
  EXPECT_EQ(post.at("responses").at("201").at("content").at("application/json").at("schema").at("$ref"), reference);
  EXPECT_EQ(post.at("responses").at("default").at("$ref"), "#/components/responses/Problem");
  const auto& get = document.at("paths").at("/api/v1/sites/{site_id}/files/{path}").at("get");
  ASSERT_EQ(get.at("parameters").as_array().size(), 4U);
  EXPECT_EQ(get.at("parameters").as_array()[3].at("schema").at("type"), "integer");
  EXPECT_FALSE(get.as_object().contains("security"));
  EXPECT_EQ(document.at("components").at("schemas").as_object().size(), 2U);
}

}  // namespace
}  // namespace mainstay::http
