#include "modules/identity/routes.h"

#include "testing/identity_fixture.h"

namespace mainstay::identity {
namespace {

using http::Method;
using testing::Engine;

constexpr auto kSetUp = R"({"name":"Ana","email":"ana@example.org","password":"correct horse battery"})";
constexpr auto kSignIn = R"({"email":"ana@example.org","password":"correct horse battery"})";

class RoutesTest : public testing::IdentityTest {
 protected:
  static std::pair<std::string, std::string> cookie_of(const testing::RouteCaller::Answer& answer) {
    const std::string field{answer.headers.get("Set-Cookie")};
    return {"Cookie", field.substr(0, field.find(';'))};
  }
  testing::RouteCaller routes{identity_routes(service), sessions};
};
INSTANTIATE_TEST_SUITE_P(Engines, RoutesTest, ::testing::Values(Engine::kSqlite, Engine::kPostgres),
                         ::testing::PrintToStringParamName());

TEST_P(RoutesTest, first_visit_to_sign_out) {
  EXPECT_EQ(routes.call(Method::kGet, "/api/v1/session").body, R"({"user":null,"setup_required":true})");
  const auto made = routes.call(Method::kPost, "/api/v1/setup", kSetUp);
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.at("/user/email"), "ana@example.org");
  EXPECT_EQ(made.at("/user/role"), "owner");
  const auto cookie = cookie_of(made);
  EXPECT_TRUE(cookie.second.starts_with("mainstay-session="));
  const auto session = routes.call(Method::kGet, "/api/v1/session", "", {cookie});
  EXPECT_EQ(session.at("/user/name"), "Ana");
  EXPECT_FALSE(session.json().at("setup_required").as_bool());
  const auto out = routes.call(Method::kDelete, "/api/v1/session", "", {cookie});
  EXPECT_EQ(out.status, 204);
  EXPECT_NE(out.headers.get("Set-Cookie").find("Max-Age=0"), std::string::npos);
  EXPECT_EQ(routes.call(Method::kGet, "/api/v1/session", "", {cookie}).body, R"({"user":null,"setup_required":false})");
}

TEST_P(RoutesTest, each_bad_request_gets_its_answer) {
  ASSERT_EQ(routes.call(Method::kPost, "/api/v1/setup", kSetUp).status, 201);
  const struct {
    Method method;
    std::string target;
    std::string body;
    int status;
    std::string code;
  } cases[] = {
      {Method::kPost, "/api/v1/setup", kSetUp, 409, "identity.already_set_up"},
      {Method::kPost, "/api/v1/setup", "{", 400, "json.malformed"},
      {Method::kPost, "/api/v1/session", "", 400, "json.malformed"},
      {Method::kPost, "/api/v1/session", "[]", 400, "json.invalid"},
      {Method::kPost, "/api/v1/session", R"({"email":"ana@example.org"})", 400, "json.invalid"},
      {Method::kPost, "/api/v1/session", R"({"email":"a","password":"b","role":"owner"})", 400, "json.invalid"},
      {Method::kPost, "/api/v1/session", R"({"email":"ana@example.org","password":1})", 400, "json.invalid"},
      {Method::kPost, "/api/v1/session", R"({"email":"ana@example.org","password":"no"})", 401,
       "identity.bad_credentials"},
      {Method::kPost, "/api/v1/session", R"({"email":"a\u0000@example.org","password":"no"})", 401,
       "identity.bad_credentials"},
      {Method::kGet, "/api/v1/tokens", "", 401, "test.not_allowed"},
      {Method::kPost, "/api/v1/tokens", R"({"name":"ci"})", 401, "test.not_allowed"},
      {Method::kDelete, "/api/v1/tokens/1", "", 401, "test.not_allowed"},
  };
  for (const auto& [method, target, body, status, code] : cases) {
    const auto answer = routes.call(method, target, body);
    EXPECT_EQ(answer.status, status) << target << body;
    EXPECT_EQ(answer.at("/code"), code) << target << body;
  }
}

TEST_P(RoutesTest, where_no_cookie_is_safe_nobody_signs_in) {
  const std::pair<std::string, std::string> host{"Host", "stats.example.org"};
  for (const auto* path : {"/api/v1/setup", "/api/v1/session"}) {
    const auto answer = routes.call(Method::kPost, path, kSetUp, {host});
    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(answer.at("/code"), "identity.insecure_transport");
  }
  EXPECT_EQ(routes.call(Method::kGet, "/api/v1/session").body, R"({"user":null,"setup_required":true})");
}

TEST_P(RoutesTest, remember_makes_the_cookie_outlive_the_browser) {
  ASSERT_EQ(routes.call(Method::kPost, "/api/v1/setup", kSetUp).status, 201);
  const auto brief = routes.call(Method::kPost, "/api/v1/session", kSignIn);
  EXPECT_EQ(brief.headers.get("Set-Cookie").find("Max-Age"), std::string::npos);
  const auto kept = routes.call(Method::kPost, "/api/v1/session",
                                R"({"email":"ana@example.org","password":"correct horse battery","remember":true})");
  EXPECT_EQ(kept.status, 201);
  EXPECT_NE(kept.headers.get("Set-Cookie").find("Max-Age=2592000"), std::string::npos);
}

TEST_P(RoutesTest, too_many_tries_are_told_when_to_come_back) {
  ASSERT_EQ(routes.call(Method::kPost, "/api/v1/setup", kSetUp).status, 201);
  const auto wrong = R"({"email":"ana@example.org","password":"wrong password"})";
  for (int i = 0; i < 5; ++i) EXPECT_EQ(routes.call(Method::kPost, "/api/v1/session", wrong).status, 401);
  const auto refused = routes.call(Method::kPost, "/api/v1/session", kSignIn);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.get("Retry-After"), "30");
}

TEST_P(RoutesTest, a_tokens_secret_is_shown_once) {
  const auto cookie = cookie_of(routes.call(Method::kPost, "/api/v1/setup", kSetUp));
  const auto made = routes.call(Method::kPost, "/api/v1/tokens", R"({"name":"ci"})", {cookie});
  ASSERT_EQ(made.status, 201);
  const std::pair<std::string, std::string> bearer{"Authorization", "Bearer " + made.at("/token")};
  const auto list = routes.call(Method::kGet, "/api/v1/tokens", "", {bearer});
  EXPECT_EQ(list.at("/items/0/name"), "ci");
  EXPECT_EQ(list.at("/items/0/id"), made.at("/id"));
  EXPECT_FALSE(list.json().at_pointer("/items/0").as_object().contains("token"));
  EXPECT_EQ(routes.call(Method::kPost, "/api/v1/tokens", R"({"name":"more"})", {bearer}).status, 403);
  EXPECT_EQ(routes.call(Method::kDelete, "/api/v1/tokens/abc", "", {cookie}).status, 404);
  EXPECT_EQ(routes.call(Method::kDelete, "/api/v1/tokens/" + made.at("/id"), "", {cookie}).status, 204);
  EXPECT_EQ(routes.call(Method::kGet, "/api/v1/tokens", "", {bearer}).status, 401);
}

}  // namespace
}  // namespace mainstay::identity
