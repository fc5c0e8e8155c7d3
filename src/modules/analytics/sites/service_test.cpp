#include "modules/analytics/sites/service.h"

#include <gmock/gmock.h>

#include "testing/site_fixture.h"

namespace mainstay::analytics {
namespace {

using testing::code_of;
using ::testing::ElementsAre;
using testing::Engine;
using testing::kOwner;
using testing::kViewer;
using testing::run;

class SiteServiceTest : public testing::SitesTest {};
INSTANTIATE_TEST_SUITE_P(Engines, SiteServiceTest, ::testing::Values(Engine::kSqlite, Engine::kPostgres),
                         ::testing::PrintToStringParamName());

TEST_P(SiteServiceTest, a_new_site_is_in_the_directory_before_it_is_acknowledged) {
  const auto before = directory.snapshot();
  const auto site = add_site("Example.org");
  EXPECT_EQ(site.domain, "example.org");
  EXPECT_EQ(site.name, "example.org");
  EXPECT_TRUE(site.key.starts_with("sk_"));
  EXPECT_EQ(site.key.size(), 35U);
  EXPECT_GE(static_cast<std::int64_t>(site.id), std::int64_t{1} << 40);
  EXPECT_LT(static_cast<std::int64_t>(site.id), std::int64_t{1} << 53);
  EXPECT_EQ(before->find("example.org"), nullptr) << "a snapshot never changes";
  const auto by_domain = directory.snapshot()->find("example.org");
  ASSERT_NE(by_domain, nullptr);
  EXPECT_EQ(by_domain, directory.snapshot()->find(id_text(site.id)));
  EXPECT_EQ(by_domain->key, site.key);
}

TEST_P(SiteServiceTest, all_settings_survive_a_restart) {
  const auto site = add_site();
  SiteChange change;
  change.name = "Caf\xc3\xa9 \xe2\x98\x95";
  change.hosts = {"example.org", "*.example.net"};
  change.timezone = "Asia/Kathmandu";
  change.script_path = "/js/x.js";
  change.excluded = {.networks = std::vector<std::string>{"10.0.0.0/8"},
                     .paths = std::vector<std::string>{"/admin/**"},
                     .hosts = std::vector<std::string>{"dev.example.org"},
                     .countries = std::vector<std::string>{"at"}};
  change.collect.place = PlaceDetail::kNone;
  change.collect.vitals = false;
  change.honour_dnt = true;
  change.honour_gpc = false;
  change.hash_routing = true;
  change.retention_days = 90;
  ASSERT_TRUE(run(sites.change(kOwner, site.id, change, std::nullopt)));
  const auto reopened = place.open();
  Directory restarted(*reopened);
  run(restarted.load());
  const auto found = restarted.snapshot()->find("example.org");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, *change.name);
  EXPECT_THAT(found->hosts, ElementsAre("example.org", "*.example.net"));
  EXPECT_EQ(found->timezone, "Asia/Kathmandu");
  EXPECT_EQ(found->script_path, "/js/x.js");
  EXPECT_THAT(found->excluded.networks, ElementsAre("10.0.0.0/8"));
  EXPECT_THAT(found->excluded.paths, ElementsAre("/admin/**"));
  EXPECT_THAT(found->excluded.hosts, ElementsAre("dev.example.org"));
  EXPECT_THAT(found->excluded.countries, ElementsAre("AT"));
  EXPECT_EQ(found->collect.place, PlaceDetail::kNone);
  EXPECT_FALSE(found->collect.vitals);
  EXPECT_TRUE(found->collect.referrer);
  EXPECT_TRUE(found->honour_dnt);
  EXPECT_FALSE(found->honour_gpc);
  EXPECT_TRUE(found->hash_routing);
  EXPECT_EQ(found->retention_days, 90);
  EXPECT_EQ(found->created_at, site.created_at);
  EXPECT_EQ(found->version, 2);
}

TEST_P(SiteServiceTest, a_domain_belongs_to_one_site) {
  add_site();
  const auto other = add_site("example.net");
  EXPECT_EQ(code_of(run(sites.create(kOwner, {.domain = "EXAMPLE.org", .timezone = "UTC"}))), "analytics.domain_taken");
  EXPECT_EQ(code_of(run(sites.change(kOwner, other.id, {.domain = "example.org"}, std::nullopt))),
            "analytics.domain_taken");
  EXPECT_TRUE(run(sites.change(kOwner, other.id, {.domain = "example.net"}, std::nullopt)));
}

TEST_P(SiteServiceTest, of_parallel_creations_of_one_domain_one_succeeds) {
  std::vector<Task<Result<Site>>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(sites.create(kOwner, {.domain = "example.org", .timezone = "UTC"}));
  int made = 0;
  for (const auto& result : testing::run_all(std::move(tasks))) made += result ? 1 : 0;
  EXPECT_EQ(made, 1);
}

TEST_P(SiteServiceTest, a_moved_domain_leaves_its_old_name_free) {
  const auto site = add_site();
  ASSERT_TRUE(run(sites.change(kOwner, site.id, {.domain = "example.net"}, std::nullopt)));
  EXPECT_EQ(directory.snapshot()->find("example.org"), nullptr);
  EXPECT_NE(directory.snapshot()->find("example.net"), nullptr);
  EXPECT_NO_THROW(add_site("example.org"));
}

TEST_P(SiteServiceTest, of_two_edits_of_one_version_the_second_is_refused) {
  const auto site = add_site();
  const auto first = run(sites.change(kOwner, site.id, {.name = "First"}, site.version));
  ASSERT_TRUE(first);
  EXPECT_GT(first->version, site.version);
  const auto second = run(sites.change(kOwner, site.id, {.name = "Second"}, site.version));
  EXPECT_EQ(code_of(second), "analytics.version_mismatch");
  EXPECT_EQ(run(sites.get(kOwner, site.id))->name, "First");
}

TEST_P(SiteServiceTest, a_refused_edit_changes_nothing) {
  const auto site = add_site();
  EXPECT_EQ(code_of(run(sites.change(kOwner, site.id, {.name = "New", .timezone = "Nowhere"}, std::nullopt))),
            "analytics.bad_site");
  const auto found = run(sites.get(kOwner, site.id));
  EXPECT_EQ(found->name, "example.org");
  EXPECT_EQ(found->version, site.version);
}

TEST_P(SiteServiceTest, pinned_sites_come_first_in_their_order_for_each_user) {
  const auto a = add_site("a.example").id;
  const auto b = add_site("b.example").id;
  const auto c = add_site("c.example").id;
  const auto listed = [&](const Principal& who) {
    std::string text;
    for (const auto& [site, pinned] : run(sites.list(who)).value())
      text += site.domain.substr(0, 1) + (pinned ? "*" : "");
    return text;
  };
  EXPECT_EQ(listed(kOwner), "abc");
  ASSERT_TRUE(run(sites.pin(kOwner, {c, b})));
  EXPECT_EQ(listed(kOwner), "c*b*a");
  EXPECT_EQ(listed(kViewer), "abc");
  ASSERT_TRUE(run(sites.pin(kViewer, {a})));
  EXPECT_EQ(listed(kOwner), "c*b*a");
  ASSERT_TRUE(run(sites.remove(kOwner, c, "c.example")));
  EXPECT_EQ(listed(kOwner), "b*a") << "a pin goes with its site";
  ASSERT_TRUE(run(sites.pin(kOwner, {})));
  EXPECT_EQ(listed(kOwner), "ab");
  for (const auto& wrong : std::vector<std::vector<SiteId>>{{c}, {a, a}, {SiteId{0}}}) {
    EXPECT_EQ(code_of(run(sites.pin(kOwner, wrong))), "analytics.bad_pins");
  }
  EXPECT_EQ(code_of(run(sites.pin(kOwner, std::vector<SiteId>(SiteService::kPinsMax + 1, a)))), "analytics.bad_pins");
  EXPECT_EQ(code_of(run(sites.pin(Principal{}, {a}))), "analytics.forbidden");
  EXPECT_EQ(listed(kViewer), "a*b");
}

TEST_P(SiteServiceTest, who_may_not_manage_reads_without_keys_and_changes_nothing) {
  const auto site = add_site();
  EXPECT_EQ(run(sites.get(kViewer, site.id))->key, "");
  EXPECT_EQ(run(sites.list(kViewer))->front().site.key, "");
  EXPECT_EQ(run(sites.list(kOwner))->front().site.key, site.key);
  constexpr std::string_view kForbidden = "analytics.forbidden";
  for (const auto& who : {kViewer, Principal{}}) {
    EXPECT_EQ(code_of(run(sites.create(who, {.domain = "a.org", .timezone = "UTC"}))), kForbidden);
    EXPECT_EQ(code_of(run(sites.change(who, site.id, {.name = "x"}, std::nullopt))), kForbidden);
    EXPECT_EQ(code_of(run(sites.renew_key(who, site.id))), kForbidden);
    EXPECT_EQ(code_of(run(sites.remove(who, site.id, "example.org"))), kForbidden);
    EXPECT_EQ(code_of(run(markers.add_goal(who, site.id, {.event_name = "x"}))), kForbidden);
    EXPECT_EQ(code_of(run(markers.replace_goal(who, site.id, GoalId{1}, {.event_name = "x"}))), kForbidden);
    EXPECT_EQ(code_of(run(markers.remove_goal(who, site.id, GoalId{1}))), kForbidden);
    EXPECT_EQ(code_of(run(markers.add_annotation(who, site.id, clock.now(), "x"))), kForbidden);
    EXPECT_EQ(code_of(run(markers.remove_annotation(who, site.id, AnnotationId{1}))), kForbidden);
    EXPECT_EQ(code_of(run(shares.list(who, site.id))), kForbidden);
    EXPECT_EQ(code_of(run(shares.add(who, site.id, "x", std::nullopt))), kForbidden);
    EXPECT_EQ(code_of(run(shares.remove(who, site.id, ShareId{1}))), kForbidden);
  }
  EXPECT_EQ(code_of(run(sites.list(Principal{}))), kForbidden);
  EXPECT_EQ(code_of(run(sites.get(Principal{}, site.id))), kForbidden);
}

TEST_P(SiteServiceTest, a_renewed_key_takes_the_place_of_the_one_before) {
  const auto site = add_site();
  const auto other = add_site("example.net");
  const auto renewed = run(sites.renew_key(kOwner, site.id));
  ASSERT_TRUE(renewed);
  EXPECT_NE(renewed->key, site.key);
  EXPECT_EQ(renewed->key.size(), site.key.size());
  EXPECT_EQ(directory.snapshot()->find("example.org")->key, renewed->key) << "before it is acknowledged";
  EXPECT_EQ(run(sites.get(kOwner, other.id))->key, other.key);
  EXPECT_EQ(code_of(run(sites.change(kOwner, site.id, {.name = "x"}, site.version))), "analytics.version_mismatch");
  EXPECT_EQ(run(sites.change(kOwner, site.id, {.name = "x"}, renewed->version))->key, renewed->key);
  EXPECT_EQ(code_of(run(sites.renew_key(kOwner, SiteId{1}))), "analytics.unknown_site");
}

TEST_P(SiteServiceTest, deleting_asks_for_the_domain_and_takes_everything_along) {
  const auto site = add_site();
  const auto other = add_site("example.net");
  ASSERT_TRUE(run(markers.add_goal(kOwner, site.id, {.event_name = "signup"})));
  ASSERT_TRUE(run(markers.add_annotation(kOwner, site.id, clock.now(), "launch")));
  const auto share = run(shares.add(kOwner, site.id, "Team", std::nullopt));
  EXPECT_EQ(code_of(run(sites.remove(kOwner, site.id, ""))), "analytics.confirm_mismatch");
  EXPECT_EQ(code_of(run(sites.remove(kOwner, site.id, "example.net"))), "analytics.confirm_mismatch");
  EXPECT_TRUE(sites.exists(site.id));
  std::string ended;
  const auto subscription =
      bus.subscribe("events.http.live-end.>", [&ended](const bus::Message& message) { ended = message.subject; });
  ASSERT_TRUE(run(sites.remove(kOwner, site.id, "Example.org")));
  EXPECT_EQ(ended, "events.http.live-end." + live_right_of(site.id)) << "who watches it live watches no more";
  EXPECT_FALSE(sites.exists(site.id));
  EXPECT_TRUE(sites.exists(other.id));
  EXPECT_THAT(data.erased, ElementsAre(site.id));
  EXPECT_TRUE(run(markers.goals_of(site.id)).empty());
  EXPECT_TRUE(run(markers.annotations_of(site.id)).empty());
  EXPECT_FALSE(shares.show(share->token));
  EXPECT_FALSE(shares.opens(share->token, site.id));
  EXPECT_EQ(code_of(run(sites.remove(kOwner, site.id, "example.org"))), "analytics.unknown_site");
}

TEST_P(SiteServiceTest, an_erasure_that_an_outage_put_off_is_finished_later) {
  const auto site = add_site();
  data.down = true;
  ASSERT_TRUE(run(sites.remove(kOwner, site.id, "example.org")));
  EXPECT_TRUE(data.erased.empty());
  EXPECT_THROW(run(sites.finish_erasures()), Unavailable);
  data.down = false;
  Directory restarted_directory(*database);
  SiteService restarted(*database, clock, random, restarted_directory, data, bus);
  run(restarted.finish_erasures());
  EXPECT_THAT(data.erased, ElementsAre(site.id));
  run(restarted.finish_erasures());
  EXPECT_THAT(data.erased, ElementsAre(site.id)) << "once";
}

TEST_P(SiteServiceTest, the_first_hit_is_remembered_once_and_is_no_edit) {
  const auto site = add_site();
  const auto first = clock.now();
  run(sites.mark_first_hit(site.id, first));
  run(sites.mark_first_hit(site.id, first + hours{1}));
  run(sites.mark_first_hit(SiteId{1}, first));
  Directory stale(*database);
  SiteService another(*database, clock, random, stale, data, bus);
  run(database->write([&](sql::Tx& tx) { tx.execute("update analytics_sites set first_hit_at = null"); }));
  run(stale.load());
  run(database->write([&](sql::Tx& tx) { tx.execute("update analytics_sites set first_hit_at = $1", first); }));
  run(another.mark_first_hit(site.id, first + hours{2}));
  const auto found = run(another.get(kOwner, site.id));
  EXPECT_EQ(found->first_hit_at, first) << "also when another process was first";
  EXPECT_TRUE(run(sites.change(kOwner, site.id, {.name = "x"}, site.version)));
}

/// A database that is out of reach while `down`.
class Reachable final : public sql::Database {
 public:
  explicit Reachable(sql::Database& inner) : inner_(inner) {}
  bool down = false;
  void migrate(std::span<const sql::Migration> given) override { inner_.migrate(given); }

 protected:
  Task<> write_erased(const std::function<bool(sql::Tx&)>& body) override {
    require();
    std::ignore = co_await inner_.write([&body](sql::Tx& tx) -> Result<> {
      if (body(tx)) return {};
      return refuse(Refusal::kConflict, "", "");
    });
  }
  Task<> read_erased(const std::function<void(sql::Tx&)>& body) override {
    require();
    co_await inner_.read([&body](sql::Tx& tx) { body(tx); });
  }

 private:
  void require() const {
    if (down) throw Unavailable("the database is down");
  }
  sql::Database& inner_;
};

TEST_P(SiteServiceTest, a_first_hit_during_an_outage_is_remembered_after_it) {
  const auto site = add_site();
  Reachable reachable(*database);
  Directory own(reachable);
  run(own.load());
  SiteService service(reachable, clock, random, own, data, bus);
  reachable.down = true;
  const auto first = clock.now();
  EXPECT_THROW(run(service.mark_first_hit(site.id, first)), Unavailable);
  EXPECT_THROW(run(service.finish_first_hits()), Unavailable);
  reachable.down = false;
  clock.advance(hours{1});
  run(service.finish_first_hits());
  EXPECT_EQ(run(service.get(kOwner, site.id))->first_hit_at, first);
  run(service.mark_first_hit(site.id, clock.now()));
  EXPECT_EQ(run(service.get(kOwner, site.id))->first_hit_at, first);
}

TEST_P(SiteServiceTest, the_snippet_names_the_script_and_the_site_and_escapes_its_origin) {
  const auto site = add_site();
  const auto snippet = run(sites.snippet(kViewer, site.id, "https://stats.example.org"));
  EXPECT_EQ(snippet->html,
            "<script defer src=\"https://stats.example.org/s.js\" data-site=\"" + id_text(site.id) + "\"></script>");
  EXPECT_NE(snippet->noscript.find("/api/v1/beacon?site=" + id_text(site.id)), std::string::npos);
  const auto hostile = run(sites.snippet(kViewer, site.id, "https://\"><script>"));
  EXPECT_EQ(hostile->html.find("\"><script>"), std::string::npos);
}

TEST_P(SiteServiceTest, goals_have_the_fields_of_their_kind) {
  const auto site = add_site().id;
  const struct {
    NewGoal goal;
    std::string_view field;         // at fault, or ""
    std::string_view display_name;  // when accepted
  } cases[] = {
      {{.kind = GoalKind::kEvent, .event_name = "signup"}, "", "signup"},
      {{.kind = GoalKind::kEvent, .event_name = "buy", .display_name = " Purchase "}, "", "Purchase"},
      {{.kind = GoalKind::kPage, .page_pattern = "/thanks/**"}, "", "Visit /thanks/**"},
      {{.kind = GoalKind::kScroll, .scroll_depth = 75}, "", "Scroll 75%"},
      {{.kind = GoalKind::kScroll, .page_pattern = "/blog/*", .scroll_depth = 90}, "", "Scroll 90% of /blog/*"},
      {{.kind = GoalKind::kEvent}, "/event_name", ""},
      {{.kind = GoalKind::kEvent, .event_name = std::string(121, 'x')}, "/event_name", ""},
      {{.kind = GoalKind::kEvent, .event_name = "pageview"}, "/event_name", ""},
      {{.kind = GoalKind::kEvent, .event_name = "x", .page_pattern = "/x"}, "/page_pattern", ""},
      {{.kind = GoalKind::kPage, .page_pattern = "thanks"}, "/page_pattern", ""},
      {{.kind = GoalKind::kPage, .page_pattern = ""}, "/page_pattern", ""},
      {{.kind = GoalKind::kScroll, .scroll_depth = 0}, "/scroll_depth", ""},
      {{.kind = GoalKind::kScroll, .scroll_depth = 101}, "/scroll_depth", ""},
      {{.kind = GoalKind::kEvent, .event_name = "y", .display_name = std::string(201, 'x')}, "/display_name", ""},
  };
  for (const auto& [goal, field, display_name] : cases) {
    const auto made = run(markers.add_goal(kOwner, site, goal));
    EXPECT_EQ(made ? "" : made.error().errors.front().field, field) << goal.event_name << goal.page_pattern;
    if (made) EXPECT_EQ(made->display_name, display_name);
  }
  EXPECT_EQ(code_of(run(markers.add_goal(kOwner, site, {.event_name = "signup"}))), "analytics.goal_taken");
  EXPECT_EQ(code_of(run(markers.add_goal(kOwner, SiteId{1}, {.event_name = "signup"}))), "analytics.unknown_site");
  const auto goals = run(markers.goals_of(site));
  ASSERT_EQ(goals.size(), 5U);
  EXPECT_EQ(goals[0].display_name, "Purchase");
  EXPECT_EQ(goals[0].event_name, "buy");
  const auto other = add_site("example.net").id;
  EXPECT_EQ(code_of(run(markers.remove_goal(kOwner, other, GoalId{goals[0].id}))), "analytics.unknown_goal");
  EXPECT_TRUE(run(markers.remove_goal(kOwner, site, GoalId{goals[0].id})));
  EXPECT_EQ(run(markers.goals_of(site)).size(), 4U);
}

TEST_P(SiteServiceTest, a_goal_that_is_replaced_keeps_its_id_and_takes_all_of_the_new_one) {
  const auto site = add_site().id;
  const auto goal = run(markers.add_goal(kOwner, site, {.event_name = "signup", .display_name = "Sign-up"}));
  const auto other = run(markers.add_goal(kOwner, site, {.event_name = "buy"}));
  ASSERT_TRUE(goal && other);
  const GoalId id{goal->id};
  const NewGoal wanted{.kind = GoalKind::kScroll, .page_pattern = "/blog/**", .scroll_depth = 80};
  ASSERT_TRUE(run(markers.replace_goal(kOwner, site, id, wanted)));
  const auto goals = run(markers.goals_of(site));
  ASSERT_EQ(goals.size(), 2U);
  EXPECT_EQ(goals[0].id, goal->id);
  EXPECT_EQ(goals[0].kind, GoalKind::kScroll);
  EXPECT_EQ(goals[0].event_name, "");
  EXPECT_EQ(goals[0].page_pattern, "/blog/**");
  EXPECT_EQ(goals[0].scroll_depth, 80);
  EXPECT_EQ(goals[0].display_name, "Scroll 80% of /blog/**");
  EXPECT_EQ(directory.snapshot()->goals_of(site).front().scroll_depth, 80) << "reports ask the directory";
  EXPECT_TRUE(run(markers.replace_goal(kOwner, site, id, wanted))) << "its own name is free";
  EXPECT_EQ(code_of(run(markers.replace_goal(kOwner, site, id, {.event_name = "buy"}))), "analytics.goal_taken");
  EXPECT_EQ(code_of(run(markers.replace_goal(kOwner, site, id, {.event_name = ""}))), "analytics.bad_goal");
  EXPECT_EQ(code_of(run(markers.replace_goal(kOwner, site, GoalId{1}, wanted))), "analytics.unknown_goal");
  const auto elsewhere = add_site("example.net").id;
  EXPECT_EQ(code_of(run(markers.replace_goal(kOwner, elsewhere, id, wanted))), "analytics.unknown_goal");
  EXPECT_EQ(run(markers.goals_of(site)).front().display_name, goals[0].display_name) << "refused: nothing changes";
}

TEST_P(SiteServiceTest, annotations_come_in_order_of_time) {
  const auto site = add_site().id;
  ASSERT_TRUE(run(markers.add_annotation(kOwner, site, clock.now(), " launch ")));
  ASSERT_TRUE(run(markers.add_annotation(kOwner, site, clock.now() - hours{1}, "before")));
  EXPECT_EQ(code_of(run(markers.add_annotation(kOwner, site, clock.now(), "  "))), "analytics.bad_annotation");
  EXPECT_EQ(code_of(run(markers.add_annotation(kOwner, site, clock.now(), std::string(501, 'x')))),
            "analytics.bad_annotation");
  const auto annotations = run(markers.annotations_of(site));
  ASSERT_EQ(annotations.size(), 2U);
  EXPECT_EQ(annotations[0].text, "before");
  EXPECT_EQ(annotations[1].text, "launch");
  EXPECT_EQ(annotations[1].at, clock.now());
  EXPECT_TRUE(run(markers.remove_annotation(kOwner, site, AnnotationId{annotations[0].id})));
  EXPECT_EQ(code_of(run(markers.remove_annotation(kOwner, site, AnnotationId{annotations[0].id}))),
            "analytics.unknown_annotation");
}

}  // namespace
}  // namespace mainstay::analytics
