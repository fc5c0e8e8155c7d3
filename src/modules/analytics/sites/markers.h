#pragma once

#include <string>
#include <vector>

#include "base/failure.h"
#include "base/principal.h"
#include "modules/analytics/model.h"
#include "modules/analytics/sites/directory.h"
#include "ports/random/random.h"
#include "ports/sql/sql.h"

namespace mainstay::analytics {

enum class GoalId : std::int64_t {};
enum class AnnotationId : std::int64_t {};

/// What is asked for when a goal is made; which fields count depends on the kind.
struct NewGoal {
  GoalKind kind = GoalKind::kEvent;
  std::string event_name;         ///< of kEvent: 1 to kEventNameMax characters, as an event's
  std::string page_pattern;       ///< of kPage, and optionally of kScroll: begins with "/", may hold * and **
  std::int32_t scroll_depth = 0;  ///< of kScroll: 1 to 100
  std::string display_name;       ///< defaults to what is counted
};

/// The goals and annotations of sites. Reading asks no permission here (a shared report shows them too: the route
/// checks); changing needs kManageSites (kForbidden `analytics.forbidden`). A site that is not there is kNotFound
/// `analytics.unknown_site`. Threads: any. Throws Unavailable.
class Markers {
 public:
  static constexpr std::size_t kGoalsPerSiteMax = 200;
  static constexpr std::size_t kAnnotationsPerSiteMax = 1000;
  static constexpr std::size_t kAnnotationBytesMax = 500;

  Markers(sql::Database& database, random::Random& random, Directory& directory);

  /// By display name. Empty for a site that is not there.
  [[nodiscard]] Task<std::vector<Goal>> goals_of(SiteId site);
  /// Refuses kInvalid `analytics.bad_goal` with fields, kConflict `analytics.goal_taken` for a second goal of the same
  /// name, kExhausted `analytics.too_many_goals`.
  [[nodiscard]] Task<Result<Goal>> add_goal(Principal principal, SiteId site, NewGoal goal);
  /// Makes `goal` what `wanted` says, all of it; reports of the past count that then. Refuses kInvalid
  /// `analytics.bad_goal` with fields, kConflict `analytics.goal_taken`, kNotFound `analytics.unknown_goal`.
  [[nodiscard]] Task<Result<Goal>> replace_goal(Principal principal, SiteId site, GoalId goal, NewGoal wanted);
  /// Refuses kNotFound `analytics.unknown_goal`.
  [[nodiscard]] Task<Result<>> remove_goal(Principal principal, SiteId site, GoalId goal);

  /// By time.
  [[nodiscard]] Task<std::vector<Annotation>> annotations_of(SiteId site);
  /// Refuses kInvalid `analytics.bad_annotation` with fields, kExhausted `analytics.too_many_annotations`.
  [[nodiscard]] Task<Result<Annotation>> add_annotation(Principal principal, SiteId site, Instant at, std::string text);
  /// Refuses kNotFound `analytics.unknown_annotation`.
  [[nodiscard]] Task<Result<>> remove_annotation(Principal principal, SiteId site, AnnotationId annotation);

 private:
  sql::Database& database_;
  random::Random& random_;
  Directory& directory_;
};

}  // namespace mainstay::analytics
