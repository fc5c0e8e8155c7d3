#include "modules/analytics/sessioniser.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace mainstay::analytics {
namespace {

constexpr Instant kNoon{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1} + hours{12}};

/// A log line.
Hit logged(Hit hit) {
  hit.origin = Origin::kLog;
  return hit;
}

class SessioniserTest : public ::testing::Test {
 protected:
  static Hit hit(Instant at, std::string path = "/", std::uint64_t visitor = 1) {
    Hit made;
    made.site = SiteId{7};
    made.at = at;
    made.name = "pageview";
    made.path = std::move(path);
    made.visitor = visitor;
    made.visitor_day = utc_day(at);
    return made;
  }
  static Hit named(std::string name, Instant at) {
    auto made = hit(at);
    made.name = std::move(name);
    return made;
  }
  std::uint64_t next_ = 0;
  std::vector<std::uint64_t> known_;
  Sessioniser sessioniser_{[this](std::int32_t) { return known_; }, [this] { return ++next_ << 1; }};
};

TEST_F(SessioniserTest, hits_within_thirty_minutes_are_one_visit) {
  const auto first = sessioniser_.assign(hit(kNoon, "/a")).visit->id;
  const auto& visit = *sessioniser_.assign(hit(kNoon + kSessionGap, "/b")).visit;
  EXPECT_EQ(visit.id, first);
  EXPECT_EQ(visit.pageviews, 2);
  EXPECT_EQ(visit.entry_page, "/a");
  EXPECT_EQ(visit.exit_page, "/b");
  EXPECT_FALSE(visit.is_bounce());
}

TEST_F(SessioniserTest, a_longer_gap_begins_a_new_visit_of_the_same_visitor) {
  const auto first = sessioniser_.assign(hit(kNoon)).visit->id;
  const auto second = sessioniser_.assign(hit(kNoon + kSessionGap + microseconds{1}));
  EXPECT_NE(second.visit->id, first);
  EXPECT_TRUE(second.opened);
  EXPECT_FALSE(second.visit->first_visit);
}

TEST_F(SessioniserTest, two_sites_and_two_visitors_never_share_a_visit) {
  auto elsewhere = hit(kNoon);
  elsewhere.site = SiteId{8};
  const auto a = sessioniser_.assign(hit(kNoon)).visit->id;
  const auto b = sessioniser_.assign(elsewhere).visit->id;
  const auto c = sessioniser_.assign(hit(kNoon, "/", 2)).visit->id;
  EXPECT_NE(a, b);
  EXPECT_NE(a, c);
  EXPECT_NE(b, c);
}

TEST_F(SessioniserTest, a_visit_goes_on_over_midnight_under_the_id_of_its_first_day) {
  const Instant late{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1} + hours{23} + minutes{50}};
  const auto before = sessioniser_.assign(hit(late, "/a", 1)).visit->id;
  auto after = hit(late + minutes{20}, "/b", 99);
  after.visitor_before = 1;
  const auto carried = sessioniser_.assign(after);
  EXPECT_EQ(carried.visit->id, before);
  EXPECT_EQ(carried.visit->visitor, 1U);
  EXPECT_EQ(carried.visit->visitor_day, utc_day(late));
}

TEST_F(SessioniserTest, engagement_keeps_a_visit_alive_but_begins_none_and_ends_no_bounce) {
  EXPECT_EQ(sessioniser_.assign(named("engagement", kNoon)).visit, nullptr);
  const auto id = sessioniser_.assign(hit(kNoon)).visit->id;
  auto engaged = named("engagement", kNoon + minutes{20});
  engaged.engagement_ms = 60'000;
  const auto& visit = *sessioniser_.assign(engaged).visit;
  EXPECT_TRUE(visit.is_bounce());
  EXPECT_EQ(visit.events, 1);
  EXPECT_EQ(visit.engagement_ms, 60'000);
  EXPECT_EQ(sessioniser_.assign(hit(kNoon + minutes{45})).visit->id, id);
}

TEST_F(SessioniserTest, a_visit_that_a_server_tells_of_hours_later_is_not_split_by_a_commit) {
  auto told = hit(kNoon);
  told.origin = Origin::kServer;
  const auto id = sessioniser_.assign(told).visit->id;
  EXPECT_TRUE(sessioniser_.take_changes(kNoon + hours{5}).ended.empty());
  told.at += minutes{1};
  EXPECT_EQ(sessioniser_.assign(told).visit->id, id);
  (void)sessioniser_.take_changes(kNoon + hours{5});
  EXPECT_EQ(sessioniser_.take_changes(kNoon + hours{6}).ended.size(), 1U);
}

TEST_F(SessioniserTest, what_a_server_tells_of_hours_before_leaves_the_running_visit_whole) {
  const auto running = sessioniser_.assign(hit(kNoon)).visit->id;
  auto told = named("Renewed", kNoon - hours{2});
  told.origin = Origin::kServer;
  const auto earlier = sessioniser_.assign(told).visit->id;
  EXPECT_NE(earlier, running);
  EXPECT_EQ(sessioniser_.assign(hit(kNoon + minutes{1})).visit->id, running);
  told.at += minutes{1};
  EXPECT_EQ(sessioniser_.assign(told).visit->id, earlier);
  EXPECT_EQ(sessioniser_.take_changes(kNoon + minutes{1}).open.size(), 2U);

  EXPECT_EQ(sessioniser_.assign(hit(kNoon + minutes{2})).visit->id, running);
  told.at += minutes{1};
  EXPECT_EQ(sessioniser_.assign(told).visit->id, earlier);
  const auto changes = sessioniser_.take_changes(kNoon + hours{1});
  EXPECT_EQ(std::set(changes.replaced.begin(), changes.replaced.end()), (std::set{running, earlier}));
  EXPECT_EQ(changes.ended.size() + sessioniser_.take_changes(kNoon + hours{2}).ended.size(), 2U);
}

TEST_F(SessioniserTest, visits_of_one_visitor_at_once_are_restored_whichever_comes_first) {
  const auto restored = [](Instant at, std::int64_t id) {
    Visit visit;
    visit.site = SiteId{7};
    visit.id = id;
    visit.visitor = 1;
    visit.started_at = visit.ended_at = at;
    return visit;
  };
  for (const bool later_first : {true, false}) {
    Sessioniser sessioniser{[](std::int32_t) { return std::vector<std::uint64_t>{}; }, [] { return 1; }};
    sessioniser.restore(restored(kNoon - (later_first ? hours{0} : hours{2}), later_first ? 1 : 2), kNoon);
    sessioniser.restore(restored(kNoon - (later_first ? hours{2} : hours{0}), later_first ? 2 : 1), kNoon);
    EXPECT_EQ(sessioniser.assign(hit(kNoon - hours{2})).visit->id, 2);
    EXPECT_EQ(sessioniser.assign(hit(kNoon)).visit->id, 1);
    EXPECT_TRUE(sessioniser.take_changes(kNoon).ended.empty());
  }
}

TEST_F(SessioniserTest, a_visitor_of_whom_much_comes_late_has_so_many_open_visits_and_no_more) {
  constexpr int kVisits = 100;
  std::set<std::int64_t> visits;
  for (int i = 0; i < kVisits; ++i) visits.insert(sessioniser_.assign(logged(hit(kNoon - hours{i}))).visit->id);
  const auto changes = sessioniser_.take_changes(kNoon);
  EXPECT_EQ(visits.size(), kVisits);
  EXPECT_LT(changes.open.size(), 10U);
  EXPECT_EQ(changes.open.size() + changes.ended.size(), visits.size());
}

TEST_F(SessioniserTest, a_visit_is_entered_where_its_first_event_is_and_left_where_its_visitor_was_last) {
  auto signup = named("Signup", kNoon);
  signup.path = "/a";
  EXPECT_EQ(sessioniser_.assign(signup).visit->entry_page, "/a");
  sessioniser_.assign(hit(kNoon + seconds{1}, "/b"));
  auto renewed = named("Renewed", kNoon + seconds{2});
  renewed.path = "/of-a-server";
  renewed.interactive = false;
  const auto& visit = *sessioniser_.assign(renewed).visit;
  EXPECT_EQ(visit.entry_page, "/a");
  EXPECT_EQ(visit.exit_page, "/b");
}

TEST_F(SessioniserTest, only_an_interactive_event_ends_a_bounce) {
  sessioniser_.assign(hit(kNoon));
  auto quiet = named("Impression", kNoon + seconds{1});
  quiet.interactive = false;
  EXPECT_TRUE(sessioniser_.assign(quiet).visit->is_bounce());
  EXPECT_FALSE(sessioniser_.assign(named("Signup", kNoon + seconds{2})).visit->is_bounce());
}

TEST_F(SessioniserTest, a_page_is_first_once_in_a_visit) {
  EXPECT_TRUE(sessioniser_.assign(hit(kNoon, "/a")).first_on_page);
  EXPECT_TRUE(sessioniser_.assign(hit(kNoon, "/b")).first_on_page);
  EXPECT_FALSE(sessioniser_.assign(hit(kNoon, "/a")).first_on_page);
}

TEST_F(SessioniserTest, a_visitor_the_store_knows_is_not_on_the_first_visit) {
  known_ = {person(SiteId{7}, 1)};
  EXPECT_FALSE(sessioniser_.assign(hit(kNoon)).visit->first_visit);
  EXPECT_TRUE(sessioniser_.assign(hit(kNoon, "/", 2)).visit->first_visit);
}

TEST_F(SessioniserTest, changes_name_what_is_open_what_ended_and_which_rows_they_replace) {
  sessioniser_.assign(hit(kNoon));
  auto changes = sessioniser_.take_changes(kNoon);
  ASSERT_EQ(changes.open.size(), 1U);
  EXPECT_TRUE(changes.replaced.empty());
  const auto id = changes.open[0]->id;

  EXPECT_TRUE(sessioniser_.take_changes(kNoon).open.empty());
  sessioniser_.assign(hit(kNoon + minutes{1}));
  changes = sessioniser_.take_changes(kNoon + minutes{1});
  EXPECT_EQ(changes.replaced, std::vector{id});

  changes = sessioniser_.take_changes(kNoon + minutes{31} + seconds{1});
  ASSERT_EQ(changes.ended.size(), 1U);
  EXPECT_EQ(changes.ended[0]->id, id);
  EXPECT_EQ(changes.replaced, std::vector{id});
  EXPECT_EQ(sessioniser_.open_count(), 0U);
}

TEST_F(SessioniserTest, imported_visits_wait_for_their_import_not_for_the_clock) {
  const Instant today = kNoon + days{300};
  auto line = hit(kNoon);
  line.origin = Origin::kLog;
  sessioniser_.assign(line);
  EXPECT_TRUE(sessioniser_.take_changes(today).ended.empty());
  line.at = kNoon + minutes{25};
  const auto opened = sessioniser_.assign(line).opened;
  EXPECT_FALSE(opened);
  auto later = hit(kNoon + hours{2}, "/", 5);
  later.origin = Origin::kLog;
  sessioniser_.assign(later);
  EXPECT_EQ(sessioniser_.take_changes(today).ended.size(), 1U);
}

TEST_F(SessioniserTest, a_restored_visit_goes_on) {
  Visit visit;
  visit.site = SiteId{7};
  visit.id = 4711;
  visit.visitor = 1;
  visit.visitor_day = utc_day(kNoon);
  visit.started_at = visit.ended_at = kNoon;
  visit.pageviews = visit.events = 1;
  sessioniser_.restore(visit, kNoon + minutes{1});
  EXPECT_EQ(sessioniser_.assign(hit(kNoon + minutes{2})).visit->id, 4711);
  EXPECT_EQ(sessioniser_.take_changes(kNoon + minutes{2}).replaced, std::vector<std::int64_t>{4711});
}

TEST_F(SessioniserTest, the_logs_of_two_servers_one_after_the_other_are_one_visit_though_pieces_are_taken) {
  constexpr std::uint64_t kVisitors = 50;
  std::set<std::int64_t> visits;
  for (int server = 0; server < 2; ++server) {
    for (std::uint64_t visitor = 1; visitor <= kVisitors; ++visitor) {
      const auto at = kNoon + minutes{10} * visitor + minutes{server};
      visits.insert(sessioniser_.assign(logged(hit(at, "/", visitor))).visit->id);
      EXPECT_TRUE(sessioniser_.take_ended(kNoon + days{9}).empty());
    }
  }
  EXPECT_EQ(visits.size(), kVisitors);
}

TEST_F(SessioniserTest, visits_that_ended_leave_ahead_of_the_commit_when_there_are_many) {
  constexpr std::uint64_t kMany = 40'000;
  const auto visit_all = [](Sessioniser& sessioniser, bool in_pieces) {
    std::map<std::uint64_t, std::int64_t> pageviews;
    const auto note = [&pageviews](const auto& ended) {
      for (const auto& visit : ended) pageviews[visit->visitor] += visit->pageviews;
    };
    for (std::uint64_t visitor = 1; visitor <= kMany; ++visitor) {
      const auto at = kNoon + milliseconds{100} * visitor;
      sessioniser.assign(logged(hit(at, "/a", visitor)));
      if (visitor > 10) sessioniser.assign(logged(hit(at, "/b", visitor - 10)));
      if (in_pieces && visitor % 10'000 == 0) note(sessioniser.take_ended(kNoon + days{9}));
    }
    if (in_pieces) EXPECT_GT(pageviews.size(), kMany / 4) << "they went ahead";
    const auto changes = sessioniser.take_changes(kNoon + days{9});
    note(changes.ended);
    for (const auto* visit : changes.open) pageviews[visit->visitor] += visit->pageviews;
    return std::pair{pageviews, changes.open.size()};
  };
  Sessioniser whole{[](std::int32_t) { return std::vector<std::uint64_t>{}; }, [this] { return ++next_ << 1; }};
  const auto in_pieces = visit_all(sessioniser_, true);
  EXPECT_EQ(in_pieces, visit_all(whole, false));
  EXPECT_EQ(in_pieces.first.size(), kMany);
}

TEST_F(SessioniserTest, a_stored_visit_that_ended_ahead_is_replaced_with_the_commit) {
  const auto id = sessioniser_.assign(logged(hit(kNoon, "/", 1))).visit->id;
  std::ignore = sessioniser_.take_changes(kNoon);
  constexpr std::uint64_t kMany = 40'000;
  for (std::uint64_t visitor = 2; visitor <= kMany; ++visitor) {
    sessioniser_.assign(logged(hit(kNoon + hours{2}, "/", visitor)));
  }
  const auto ended = sessioniser_.take_ended(kNoon);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended.front()->id, id);
  const auto changes = sessioniser_.take_changes(kNoon);
  EXPECT_TRUE(changes.ended.empty());
  EXPECT_EQ(changes.replaced, std::vector{id});
  EXPECT_EQ(changes.open.size(), kMany - 1);
}

}  // namespace
}  // namespace mainstay::analytics
