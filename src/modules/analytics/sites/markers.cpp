#include "modules/analytics/sites/markers.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "modules/analytics/classify/match.h"
#include "modules/analytics/collector/beacon_event.h"
#include "modules/analytics/sites/ids.h"
#include "modules/analytics/sites/settings.h"
#include "modules/analytics/sites/store.h"

namespace mainstay::analytics {
namespace {

constexpr std::size_t kDisplayNameBytesMax = 200;
constexpr std::int32_t kScrollDepthMax = 100;

using Faults = std::vector<FieldError>;

/// As an event may be named: what can be sent can be a goal.
bool is_event_name(std::string_view name) {
  constexpr std::size_t kCharacterBytesMax = 4;
  const auto characters = std::ranges::count_if(name, [](char c) { return (c & 0xC0) != 0x80; });
  return !name.empty() && static_cast<std::size_t>(characters) <= kEventNameMax &&
         is_plain_text(name, kEventNameMax * kCharacterBytesMax);
}

void check_event(const NewGoal& goal, Faults& faults) {
  constexpr std::array<std::string_view, 3> kOwn{"pageview", "engagement", "vitals"};
  if (!is_event_name(goal.event_name)) {
    faults.push_back({.field = "/event_name",
                      .message = fmt::format("Expected an event's name of 1 to {} characters.", kEventNameMax)});
  } else if (std::ranges::find(kOwn, goal.event_name) != kOwn.end()) {
    faults.push_back({.field = "/event_name", .message = "This event is Mainstay's own. Make a page goal instead."});
  }
}

void check_pattern(const NewGoal& goal, Faults& faults) {
  if (!goal.page_pattern.starts_with('/') || !is_plain_text(goal.page_pattern, kPathGlobBytesMax)) {
    faults.push_back({.field = "/page_pattern", .message = "Expected a path such as /thanks or /blog/**."});
  }
}

void check_depth(const NewGoal& goal, Faults& faults) {
  if (goal.scroll_depth < 1 || goal.scroll_depth > kScrollDepthMax) {
    faults.push_back({.field = "/scroll_depth", .message = "Expected 1 to 100 percent."});
  }
}

void require_absent(bool absent, std::string_view field, Faults& faults) {
  if (!absent) faults.push_back({.field = std::string{field}, .message = "Does not go with this kind of goal."});
}

std::string default_name(const NewGoal& goal) {
  switch (goal.kind) {
    case GoalKind::kEvent: return goal.event_name;
    case GoalKind::kPage: return "Visit " + goal.page_pattern;
    case GoalKind::kScroll:
      return fmt::format("Scroll {}%{}{}", goal.scroll_depth, goal.page_pattern.empty() ? "" : " of ",
                         goal.page_pattern);
  }
  return {};
}

Faults faults_of(const NewGoal& goal) {
  Faults faults;
  switch (goal.kind) {
    case GoalKind::kEvent:
      check_event(goal, faults);
      require_absent(goal.page_pattern.empty(), "/page_pattern", faults);
      require_absent(goal.scroll_depth == 0, "/scroll_depth", faults);
      break;
    case GoalKind::kPage:
      check_pattern(goal, faults);
      require_absent(goal.event_name.empty(), "/event_name", faults);
      require_absent(goal.scroll_depth == 0, "/scroll_depth", faults);
      break;
    case GoalKind::kScroll:
      check_depth(goal, faults);
      if (!goal.page_pattern.empty()) check_pattern(goal, faults);
      require_absent(goal.event_name.empty(), "/event_name", faults);
      break;
  }
  if (!is_plain_text(goal.display_name, kDisplayNameBytesMax)) {
    faults.push_back(
        {.field = "/display_name", .message = fmt::format("At most {} bytes of plain text.", kDisplayNameBytesMax)});
  }
  return faults;
}

/// The goal that is asked for, without an id.
Result<Goal> goal_of(SiteId site, const NewGoal& wanted) {
  if (auto faults = faults_of(wanted); !faults.empty()) {
    Failure failure{.kind = Refusal::kInvalid, .code = "analytics.bad_goal", .message = faults.front().message};
    failure.errors = std::move(faults);
    return std::unexpected(std::move(failure));
  }
  const auto name = std::string{trim(wanted.display_name)};
  return Goal{.site = site,
              .kind = wanted.kind,
              .event_name = wanted.event_name,
              .page_pattern = normal_path_glob(wanted.page_pattern),
              .scroll_depth = wanted.scroll_depth,
              .display_name = name.empty() ? default_name(wanted) : name};
}

Result<> require_free_name(const std::vector<Goal>& goals, const Goal& wanted) {
  const bool taken = std::ranges::any_of(
      goals, [&wanted](const Goal& goal) { return goal.display_name == wanted.display_name && goal.id != wanted.id; });
  if (taken) return refuse(Refusal::kConflict, "analytics.goal_taken", "There is a goal of this name already.");
  return {};
}

std::unexpected<Failure> unknown_goal() {
  return refuse(Refusal::kNotFound, "analytics.unknown_goal", "There is no such goal.");
}

}  // namespace

Markers::Markers(sql::Database& database, random::Random& random, Directory& directory)
    : database_(database), random_(random), directory_(directory) {}

Task<std::vector<Goal>> Markers::goals_of(SiteId site) {
  co_return co_await database_.read([&](sql::Tx& tx) { return store::goals_of(tx, site); });
}

Task<Result<Goal>> Markers::add_goal(Principal principal, SiteId site, NewGoal wanted) {
  if (const auto allowed = require(principal, Permission::kManageSites); !allowed) co_return refuse(allowed);
  auto goal = goal_of(site, wanted);
  if (!goal) co_return goal;
  goal->id = new_id(random_);
  const auto added = co_await database_.write([&](sql::Tx& tx) -> Result<> {
    if (!store::find_site(tx, site)) return unknown_site();
    const auto goals = store::goals_of(tx, site);
    if (goals.size() >= kGoalsPerSiteMax) {
      return refuse(Refusal::kExhausted, "analytics.too_many_goals", "Delete goals that are not needed first.");
    }
    if (const auto free = require_free_name(goals, *goal); !free) return free;
    store::add_goal(tx, *goal);
    return {};
  });
  if (!added) co_return refuse(added);
  co_await directory_.load();
  co_return goal;
}

Task<Result<Goal>> Markers::replace_goal(Principal principal, SiteId site, GoalId id, NewGoal wanted) {
  if (const auto allowed = require(principal, Permission::kManageSites); !allowed) co_return refuse(allowed);
  auto goal = goal_of(site, wanted);
  if (!goal) co_return goal;
  goal->id = static_cast<std::int64_t>(id);
  const auto replaced = co_await database_.write([&](sql::Tx& tx) -> Result<> {
    const auto goals = store::goals_of(tx, site);
    if (std::ranges::find(goals, goal->id, &Goal::id) == goals.end()) return unknown_goal();
    if (const auto free = require_free_name(goals, *goal); !free) return free;
    store::update_goal(tx, *goal);
    return {};
  });
  if (!replaced) co_return refuse(replaced);
  co_await directory_.load();
  co_return goal;
}

Task<Result<>> Markers::remove_goal(Principal principal, SiteId site, GoalId goal) {
  if (const auto allowed = require(principal, Permission::kManageSites); !allowed) co_return allowed;
  auto removed = co_await database_.write([&](sql::Tx& tx) -> Result<> {
    if (store::remove_goal(tx, site, goal)) return {};
    return unknown_goal();
  });
  if (removed) co_await directory_.load();
  co_return removed;
}

Task<std::vector<Annotation>> Markers::annotations_of(SiteId site) {
  co_return co_await database_.read([&](sql::Tx& tx) { return store::annotations_of(tx, site); });
}

Task<Result<Annotation>> Markers::add_annotation(Principal principal, SiteId site, Instant at, std::string text) {
  if (const auto allowed = require(principal, Permission::kManageSites); !allowed) co_return refuse(allowed);
  const auto trimmed = trim(text);
  if (trimmed.empty() || !is_plain_text(trimmed, kAnnotationBytesMax)) {
    co_return refuse_field("analytics.bad_annotation", "/text",
                           fmt::format("Expected 1 to {} bytes of plain text.", kAnnotationBytesMax));
  }
  const Annotation annotation{.id = new_id(random_), .site = site, .at = at, .text = std::string{trimmed}};
  co_return co_await database_.write([&](sql::Tx& tx) -> Result<Annotation> {
    if (!store::find_site(tx, site)) return unknown_site();
    if (store::count_annotations(tx, site) >= static_cast<std::int64_t>(kAnnotationsPerSiteMax)) {
      return refuse(Refusal::kExhausted, "analytics.too_many_annotations", "Delete old annotations first.");
    }
    store::add_annotation(tx, annotation);
    return annotation;
  });
}

Task<Result<>> Markers::remove_annotation(Principal principal, SiteId site, AnnotationId annotation) {
  if (const auto allowed = require(principal, Permission::kManageSites); !allowed) co_return allowed;
  co_return co_await database_.write([&](sql::Tx& tx) -> Result<> {
    if (store::remove_annotation(tx, site, annotation)) return {};
    return refuse(Refusal::kNotFound, "analytics.unknown_annotation", "There is no such annotation.");
  });
}

}  // namespace mainstay::analytics
