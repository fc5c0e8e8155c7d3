#include "modules/analytics/sites/describe.h"
#include "modules/analytics/sites/route_parts.h"

namespace mainstay::analytics {
namespace wire {

struct Goal {
  std::string id;
  GoalKind kind = GoalKind::kEvent;
  std::optional<std::string> event_name;
  std::optional<std::string> page_pattern;
  std::optional<std::int32_t> scroll_depth;
  std::string display_name;
};
BOOST_DESCRIBE_STRUCT(Goal, (), (id, kind, event_name, page_pattern, scroll_depth, display_name))

struct GoalBody {
  GoalKind kind = GoalKind::kEvent;
  std::optional<std::string> event_name;
  std::optional<std::string> page_pattern;
  std::optional<std::int32_t> scroll_depth;
  std::optional<std::string> display_name;
};
BOOST_DESCRIBE_STRUCT(GoalBody, (), (kind, event_name, page_pattern, scroll_depth, display_name))

struct Annotation {
  std::string id;
  Instant at;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Annotation, (), (id, at, text))

struct CreateAnnotation {
  Instant at;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(CreateAnnotation, (), (at, text))

}  // namespace wire

namespace parts {
namespace {

std::optional<std::string> unless_empty(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text;
}

wire::Goal to_wire(const Goal& goal) {
  wire::Goal out{.id = std::to_string(goal.id), .kind = goal.kind};
  out.event_name = unless_empty(goal.event_name);
  out.page_pattern = unless_empty(goal.page_pattern);
  if (goal.scroll_depth > 0) out.scroll_depth = goal.scroll_depth;
  out.display_name = goal.display_name;
  return out;
}

wire::Annotation to_wire(const Annotation& annotation) {
  return {.id = std::to_string(annotation.id), .at = annotation.at, .text = annotation.text};
}

Answer list_goals(const SiteRooms& rooms, Request& request) {
  const auto site = path_id<SiteId>(request, "site_id");
  if (const auto allowed = require_reader(rooms, request, site); !allowed) co_return refuse(allowed);
  if (!rooms.sites.exists(site)) co_return unknown_site();
  std::vector<wire::Goal> items;
  for (const auto& goal : co_await rooms.markers.goals_of(site)) items.push_back(to_wire(goal));
  co_return list_response(items);
}

Result<NewGoal> read_goal(const Request& request) {
  auto body = json::read<wire::GoalBody>(request.body);
  if (!body) return refuse(body);
  return NewGoal{.kind = body->kind,
                 .event_name = body->event_name.value_or(""),
                 .page_pattern = body->page_pattern.value_or(""),
                 .scroll_depth = body->scroll_depth.value_or(0),
                 .display_name = body->display_name.value_or("")};
}

Answer create_goal(const SiteRooms& rooms, Request& request) {
  auto wanted = read_goal(request);
  if (!wanted) co_return refuse(wanted);
  const auto goal =
      co_await rooms.markers.add_goal(request.principal, path_id<SiteId>(request, "site_id"), std::move(*wanted));
  if (!goal) co_return refuse(goal);
  co_return http::json_text(json::write(to_wire(*goal)), 201);
}

Answer replace_goal(const SiteRooms& rooms, Request& request) {
  auto wanted = read_goal(request);
  if (!wanted) co_return refuse(wanted);
  const auto goal = co_await rooms.markers.replace_goal(request.principal, path_id<SiteId>(request, "site_id"),
                                                        path_id<GoalId>(request, "goal_id"), std::move(*wanted));
  if (!goal) co_return refuse(goal);
  co_return http::json_text(json::write(to_wire(*goal)));
}

Answer delete_goal(const SiteRooms& rooms, Request& request) {
  const auto removed = co_await rooms.markers.remove_goal(request.principal, path_id<SiteId>(request, "site_id"),
                                                          path_id<GoalId>(request, "goal_id"));
  if (!removed) co_return refuse(removed);
  co_return http::no_content();
}

Answer list_annotations(const SiteRooms& rooms, Request& request) {
  const auto site = path_id<SiteId>(request, "site_id");
  if (const auto allowed = require_reader(rooms, request, site); !allowed) co_return refuse(allowed);
  if (!rooms.sites.exists(site)) co_return unknown_site();
  std::vector<wire::Annotation> items;
  for (const auto& annotation : co_await rooms.markers.annotations_of(site)) items.push_back(to_wire(annotation));
  co_return list_response(items);
}

Answer create_annotation(const SiteRooms& rooms, Request& request) {
  auto body = json::read<wire::CreateAnnotation>(request.body);
  if (!body) co_return refuse(body);
  const auto annotation = co_await rooms.markers.add_annotation(request.principal, path_id<SiteId>(request, "site_id"),
                                                                body->at, std::move(body->text));
  if (!annotation) co_return refuse(annotation);
  co_return http::json_text(json::write(to_wire(*annotation)), 201);
}

Answer delete_annotation(const SiteRooms& rooms, Request& request) {
  const auto removed = co_await rooms.markers.remove_annotation(request.principal, path_id<SiteId>(request, "site_id"),
                                                                path_id<AnnotationId>(request, "annotation_id"));
  if (!removed) co_return refuse(removed);
  co_return http::no_content();
}

}  // namespace

// Reading is public here because a shared report shows these too: require_reader decides.
void add_marker_routes(Table& table) {
  using json::schema_text;
  constexpr std::string_view kGoals = "/api/v1/sites/{site_id}/goals";
  constexpr std::string_view kGoal = "/api/v1/sites/{site_id}/goals/{goal_id}";
  constexpr std::string_view kAnnotations = "/api/v1/sites/{site_id}/annotations";
  table.add(Method::kGet, kGoals, Permission::kPublic, "List a site's goals", list_goals,
            {.response = list_schema<wire::Goal>()}, {"share"});
  table.add(Method::kPost, kGoals, Permission::kManageSites, "Add a goal", create_goal,
            {.status = 201, .request = schema_text<wire::GoalBody>(), .response = schema_text<wire::Goal>()});
  table.add(Method::kPut, kGoal, Permission::kManageSites, "Replace a goal", replace_goal,
            {.request = schema_text<wire::GoalBody>(), .response = schema_text<wire::Goal>()});
  table.add(Method::kDelete, kGoal, Permission::kManageSites, "Delete a goal", delete_goal, {.status = 204});
  table.add(Method::kGet, kAnnotations, Permission::kPublic, "List a site's annotations", list_annotations,
            {.response = list_schema<wire::Annotation>()}, {"share"});
  table.add(
      Method::kPost, kAnnotations, Permission::kManageSites, "Annotate a moment", create_annotation,
      {.status = 201, .request = schema_text<wire::CreateAnnotation>(), .response = schema_text<wire::Annotation>()});
  table.add(Method::kDelete, "/api/v1/sites/{site_id}/annotations/{annotation_id}", Permission::kManageSites,
            "Delete an annotation", delete_annotation, {.status = 204});
}

}  // namespace parts
}  // namespace mainstay::analytics
