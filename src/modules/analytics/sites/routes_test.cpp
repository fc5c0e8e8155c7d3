#include "modules/analytics/sites/routes.h"

#include "testing/route_caller.h"
#include "testing/site_fixture.h"

namespace mainstay::analytics {
namespace {

using http::Method;
using testing::Engine;
using testing::kOwner;
using testing::kViewer;
using Answer = testing::RouteCaller::Answer;
using Header = std::pair<std::string, std::string>;

/// The header X-Test-Role says who asks.
class RoleHeader final : public http::Authenticator {
 public:
  Task<Result<Principal>> who_asks(const http::Request& request) override {
    const auto role = request.header("X-Test-Role");
    co_return role == "owner" ? kOwner : role == "viewer" ? kViewer : Principal{};
  }
};

class SevenVisitors final : public CurrentVisitors {
 public:
  [[nodiscard]] std::int64_t current_visitors(SiteId) const override { return 7; }
};

const Header kAsOwner{"X-Test-Role", "owner"};
const Header kAsViewer{"X-Test-Role", "viewer"};
const Header kAsNobody{"X-Test-Role", ""};

class SiteRoutesTest : public testing::SitesTest {
 protected:
  Answer make_site(const std::string& domain = "example.org") {
    return routes.call(Method::kPost, "/api/v1/sites",
                       fmt::format(R"({{"domain":"{}","timezone":"Europe/Vienna"}})", domain), {kAsOwner});
  }
  struct Case {
    Method method;
    std::string target;
    std::string body;
    Header as;
    int status;
    std::string code;
  };
  void check(const std::vector<Case>& cases) {
    for (const auto& [method, target, body, as, status, code] : cases) {
      const auto answer = routes.call(method, target, body, {as});
      EXPECT_EQ(answer.status, status) << target << body;
      EXPECT_EQ(answer.at("/code"), code) << target << body;
    }
  }
  RoleHeader authenticator;
  SevenVisitors live;
  testing::RouteCaller routes{site_routes({.sites = sites, .markers = markers, .shares = shares, .live = live}),
                              authenticator};
};
INSTANTIATE_TEST_SUITE_P(Engines, SiteRoutesTest, ::testing::Values(Engine::kSqlite, Engine::kPostgres),
                         ::testing::PrintToStringParamName());

TEST_P(SiteRoutesTest, a_site_looks_as_documented) {
  const auto made = make_site();
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.headers.get("Location"), "/api/v1/sites/" + made.at("/id"));
  const auto site = routes.call(Method::kGet, "/api/v1/sites/" + made.at("/id"), "", {kAsOwner});
  EXPECT_EQ(site.status, 200);
  EXPECT_EQ(site.body, R"({"id":")" + made.at("/id") + R"(","domain":"example.org","name":"example.org","key":")" +
                           made.at("/key") +
                           R"(","hosts":["example.org","*.example.org"],"timezone":"Europe/Vienna",)"
                           R"("created_at":"2026-11-21T06:00:00Z","first_hit_at":null,"script_path":"/s.js",)"
                           R"("excluded":{"networks":[],"paths":[],"hosts":[],"countries":[]},)"
                           R"("collect":{"referrer":true,"campaign":true,"place":"city","agent":true,"screen":true,)"
                           R"("language":true,"engagement":true,"properties":true,"vitals":true},)"
                           R"("honour_dnt":false,"honour_gpc":true,"hash_routing":false,"retention_days":null})");
  const auto list = routes.call(Method::kGet, "/api/v1/sites", "", {kAsViewer}).json();
  EXPECT_EQ(list.at_pointer("/items/0/current_visitors").as_int64(), 7);
  EXPECT_TRUE(list.at_pointer("/items/0/key").is_null()) << "a viewer sees no key";
  EXPECT_TRUE(list.at("next_cursor").is_null());
}

TEST_P(SiteRoutesTest, each_bad_request_gets_its_answer) {
  const auto site = "/api/v1/sites/" + make_site().at("/id");
  const std::vector<Case> cases = {
      {Method::kGet, "/api/v1/sites", "", kAsNobody, 401, "test.not_allowed"},
      {Method::kGet, site, "", kAsNobody, 401, "test.not_allowed"},
      {Method::kGet, "/api/v1/sites/1", "", kAsOwner, 404, "analytics.unknown_site"},
      {Method::kGet, "/api/v1/sites/x", "", kAsOwner, 404, "analytics.unknown_site"},
      {Method::kGet, "/api/v1/sites/99999999999999999999", "", kAsOwner, 404, "analytics.unknown_site"},
      {Method::kPost, "/api/v1/sites", "{}", kAsViewer, 403, "test.not_allowed"},
      {Method::kPost, "/api/v1/sites", "{}", kAsOwner, 400, "json.invalid"},
      {Method::kPost, "/api/v1/sites", R"({"domain":"example.org","timezone":"UTC"})", kAsOwner, 409,
       "analytics.domain_taken"},
      {Method::kPost, "/api/v1/sites", R"({"domain":"http://a","timezone":"UTC"})", kAsOwner, 400,
       "analytics.bad_site"},
      {Method::kPost, "/api/v1/sites", "{\"domain\":\"\xff\",\"timezone\":\"UTC\"}", kAsOwner, 400, "json.malformed"},
      {Method::kPatch, site, R"({"name":"x"})", kAsViewer, 403, "test.not_allowed"},
      {Method::kPatch, site, R"({"key":"x"})", kAsOwner, 400, "json.invalid"},
      {Method::kPatch, site, R"({"id":"1"})", kAsOwner, 400, "json.invalid"},
      {Method::kPatch, site, R"({"collect":{"place":"street"}})", kAsOwner, 400, "json.invalid"},
      {Method::kPatch, site, R"({"retention_days":1e400})", kAsOwner, 400, "json.invalid"},
      {Method::kPatch, site, R"({"retention_days":-1})", kAsOwner, 400, "analytics.bad_site"},
      {Method::kPatch, site, R"({"name":"a\u0000b"})", kAsOwner, 400, "analytics.bad_site"},
      {Method::kPatch, "/api/v1/sites/1", R"({"name":"x"})", kAsOwner, 404, "analytics.unknown_site"},
      {Method::kPost, site + "/key", "", kAsViewer, 403, "test.not_allowed"},
      {Method::kPost, "/api/v1/sites/1/key", "", kAsOwner, 404, "analytics.unknown_site"},
      {Method::kDelete, site, "", kAsOwner, 400, "analytics.confirm_mismatch"},
      {Method::kDelete, site + "?confirm=example.net", "", kAsOwner, 400, "analytics.confirm_mismatch"},
      {Method::kDelete, site + "?confirm=example.org", "", kAsViewer, 403, "test.not_allowed"},
  };
  check(cases);
  EXPECT_EQ(routes.call(Method::kGet, site, "", {kAsOwner}).at("/domain"), "example.org");
}

TEST_P(SiteRoutesTest, each_bad_request_for_what_belongs_to_a_site_gets_its_answer) {
  const auto site = "/api/v1/sites/" + make_site().at("/id");
  const std::vector<Case> cases = {
      {Method::kGet, site + "/goals", "", kAsNobody, 401, "analytics.sign_in_required"},
      {Method::kGet, "/api/v1/sites/1/goals", "", kAsViewer, 404, "analytics.unknown_site"},
      {Method::kPost, site + "/goals", R"({"kind":"wish"})", kAsOwner, 400, "json.invalid"},
      {Method::kPost, site + "/goals", R"({"kind":"event"})", kAsOwner, 400, "analytics.bad_goal"},
      {Method::kPost, site + "/goals", R"({"kind":"event","event_name":"x"})", kAsViewer, 403, "test.not_allowed"},
      {Method::kPut, site + "/goals/1", R"({"kind":"event","event_name":"x"})", kAsViewer, 403, "test.not_allowed"},
      {Method::kPut, site + "/goals/1", R"({"kind":"event"})", kAsOwner, 400, "analytics.bad_goal"},
      {Method::kPut, site + "/goals/1", R"({"kind":"event","event_name":"x"})", kAsOwner, 404,
       "analytics.unknown_goal"},
      {Method::kDelete, site + "/goals/1", "", kAsOwner, 404, "analytics.unknown_goal"},
      {Method::kPost, site + "/annotations", R"({"at":"yesterday","text":"x"})", kAsOwner, 400, "json.invalid"},
      {Method::kDelete, site + "/annotations/1", "", kAsOwner, 404, "analytics.unknown_annotation"},
      {Method::kGet, site + "/shares", "", kAsViewer, 403, "test.not_allowed"},
      {Method::kPost, site + "/shares", R"({"name":""})", kAsOwner, 400, "analytics.bad_share"},
      {Method::kDelete, site + "/shares/1", "", kAsOwner, 404, "analytics.unknown_share"},
      {Method::kGet, "/api/v1/shares/nothing", "", kAsNobody, 404, "analytics.unknown_share"},
      {Method::kPost, "/api/v1/shares/nothing/unlock", R"({"password":"x"})", kAsNobody, 404,
       "analytics.unknown_share"},
  };
  check(cases);
}

TEST_P(SiteRoutesTest, a_bad_site_names_its_fields) {
  const auto answer =
      routes.call(Method::kPost, "/api/v1/sites", R"({"domain":"a b","timezone":"Mars/Base"})", {kAsOwner});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.at("/errors/0/field"), "/domain");
  EXPECT_EQ(answer.at("/errors/1/field"), "/timezone");
}

TEST_P(SiteRoutesTest, a_lost_update_is_refused_with_412) {
  const auto made = make_site();
  const auto target = "/api/v1/sites/" + made.at("/id");
  const std::string tag{made.headers.get("ETag")};
  const auto patch = [&](const std::string& name, const std::string& match) {
    return routes.call(Method::kPatch, target, R"({"name":")" + name + "\"}", {kAsOwner, {"If-Match", match}});
  };
  const auto first = patch("First", tag);
  EXPECT_EQ(first.status, 200);
  EXPECT_NE(first.headers.get("ETag"), tag);
  const auto second = patch("Second", tag);
  EXPECT_EQ(second.status, 412);
  EXPECT_EQ(second.at("/code"), "analytics.version_mismatch");
  EXPECT_EQ(patch("Third", "garbage").status, 412);
  EXPECT_EQ(patch("Third", "\"\"").status, 412);
  EXPECT_EQ(patch("Third", "W/" + std::string{first.headers.get("ETag")}).status, 200);
  EXPECT_EQ(patch("Fourth", "*").status, 200);
  EXPECT_EQ(routes.call(Method::kGet, target, "", {kAsOwner}).at("/name"), "Fourth");
}

TEST_P(SiteRoutesTest, retention_is_set_kept_and_lifted) {
  const auto target = "/api/v1/sites/" + make_site().at("/id");
  const auto patch = [&](const char* body) { return routes.call(Method::kPatch, target, body, {kAsOwner}).json(); };
  EXPECT_EQ(patch(R"({"retention_days":30})").at("retention_days").as_int64(), 30);
  EXPECT_EQ(patch(R"({"name":"x"})").at("retention_days").as_int64(), 30);
  EXPECT_TRUE(patch(R"({"retention_days":null})").at("retention_days").is_null());
}

TEST_P(SiteRoutesTest, deleting_with_the_domain_answers_204_and_the_site_is_gone) {
  const auto target = "/api/v1/sites/" + make_site().at("/id");
  EXPECT_EQ(routes.call(Method::kDelete, target + "?confirm=example.org", "", {kAsOwner}).status, 204);
  EXPECT_EQ(routes.call(Method::kGet, target, "", {kAsOwner}).status, 404);
  EXPECT_EQ(make_site().status, 201);
}

TEST_P(SiteRoutesTest, a_shared_link_reads_goals_and_annotations_of_its_site_only) {
  const auto site = "/api/v1/sites/" + make_site().at("/id");
  const auto other = "/api/v1/sites/" + make_site("example.net").at("/id");
  ASSERT_EQ(routes.call(Method::kPost, site + "/goals", R"({"kind":"page","page_pattern":"/a/*"})", {kAsOwner}).status,
            201);
  ASSERT_EQ(routes
                .call(Method::kPost, site + "/annotations", R"({"at":"2026-11-20T10:00:00+01:00","text":"launch"})",
                      {kAsOwner})
                .status,
            201);
  const auto share =
      routes.call(Method::kPost, site + "/shares", R"({"name":"Team","password":"correct horse"})", {kAsOwner});
  ASSERT_EQ(share.status, 201);
  const auto link = "/api/v1/shares/" + share.at("/token");
  const auto shown = routes.call(Method::kGet, link);
  EXPECT_EQ(shown.at("/site/domain"), "example.org");
  EXPECT_TRUE(shown.json().at("password_required").as_bool());
  EXPECT_EQ(routes.call(Method::kGet, site + "/goals?share=" + share.at("/token")).status, 401);
  EXPECT_EQ(routes.call(Method::kPost, link + "/unlock", R"({"password":"wrong horse"})").status, 401);
  const auto grant = routes.call(Method::kPost, link + "/unlock", R"({"password":"correct horse"})").at("/grant");
  const auto goals = routes.call(Method::kGet, site + "/goals?share=" + grant);
  EXPECT_EQ(goals.at("/items/0/page_pattern"), "/a/*");
  EXPECT_EQ(goals.at("/items/0/kind"), "page");
  const auto annotations = routes.call(Method::kGet, site + "/annotations", "", {{"X-Mainstay-Share", grant}});
  EXPECT_EQ(annotations.at("/items/0/at"), "2026-11-20T09:00:00Z");
  EXPECT_EQ(routes.call(Method::kGet, other + "/goals?share=" + grant).status, 401);
  EXPECT_EQ(routes.call(Method::kGet, site + "?share=" + grant).status, 401) << "settings are not shared";
}

TEST_P(SiteRoutesTest, the_snippet_follows_the_host_the_request_came_to) {
  const auto site = "/api/v1/sites/" + make_site().at("/id");
  const auto snippet = routes.call(Method::kGet, site + "/snippet", "", {kAsOwner, {"Host", "stats.example.org"}});
  EXPECT_NE(snippet.at("/html").find("src=\"http://stats.example.org/s.js\""), std::string::npos);
}

}  // namespace
}  // namespace mainstay::analytics
