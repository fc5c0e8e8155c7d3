#include "modules/analytics/query/filter_sql.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "modules/analytics/classify/place.h"
#include "modules/analytics/tables.h"

namespace mainstay::analytics::query {
namespace {

using Kind = Filter::Kind;

bool is_negative(Kind kind) { return kind == Kind::kIsNot || kind == Kind::kContainsNot || kind == Kind::kMatchesNot; }

/// What people see and therefore filter for, where nothing is known.
std::string shown_sql(const std::string& value, const DimensionInfo& info) {
  return fmt::format("(case when {0} = '' then '{1}' else {0} end)", value, info.empty);
}

std::string is_sql(const Filter& leaf, const std::string& value, Parameters& parameters) {
  const auto stored = [&](const std::string& clause) {
    const bool none = leaf.case_sensitive ? clause == leaf.dimension.info->empty
                                          : equal_ignoring_case(clause, leaf.dimension.info->empty);
    return parameters.add(none ? std::string{} : clause);
  };
  if (leaf.clauses.size() == 1 && leaf.case_sensitive) return fmt::format("{} = {}", value, stored(leaf.clauses[0]));
  std::vector<std::string> places;
  for (const auto& clause : leaf.clauses) {
    places.push_back(leaf.case_sensitive ? stored(clause) : fmt::format("lower({})", stored(clause)));
  }
  return fmt::format("{} in ({})", leaf.case_sensitive ? value : fmt::format("lower({})", value),
                     fmt::join(places, ", "));
}

std::string text_sql(const Filter& leaf, const std::string& value, Parameters& parameters) {
  if (leaf.kind == Kind::kIs || leaf.kind == Kind::kIsNot) return is_sql(leaf, value, parameters);
  const auto shown = shown_sql(value, *leaf.dimension.info);
  const bool pattern = leaf.kind == Kind::kMatches || leaf.kind == Kind::kMatchesNot;
  std::vector<std::string> any;
  for (const auto& clause : leaf.clauses) {
    const auto place = parameters.add(clause);
    if (pattern) {
      any.push_back(fmt::format("regexp_matches({}, {}{})", shown, place, leaf.case_sensitive ? "" : ", 'i'"));
    } else if (leaf.case_sensitive) {
      any.push_back(fmt::format("contains({}, {})", shown, place));
    } else {
      any.push_back(fmt::format("contains(lower({}), lower({}))", shown, place));
    }
  }
  return fmt::format("({})", fmt::join(any, " or "));
}

/// What a leaf asks of a text, made once to be asked of many: to make a pattern costs a hundred times as much as to try
/// it.
class TextCondition {
 public:
  explicit TextCondition(const Filter& leaf) : leaf_(leaf) {
    const bool is_plain = leaf.case_sensitive && leaf.kind != Kind::kMatches && leaf.kind != Kind::kMatchesNot;
    if (is_plain) return;
    for (const auto& clause : leaf.clauses) patterns_.push_back(std::make_unique<re2::RE2>(pattern_of(clause)));
  }

  [[nodiscard]] bool holds(const std::string& text) const {
    if (patterns_.empty()) {
      const bool whole = leaf_.kind == Kind::kIs || leaf_.kind == Kind::kIsNot;
      return std::ranges::any_of(
          leaf_.clauses, [&](const std::string& clause) { return whole ? text == clause : text.contains(clause); });
    }
    return std::ranges::any_of(patterns_, [&](const auto& pattern) { return re2::RE2::PartialMatch(text, *pattern); });
  }

 private:
  /// RE2 knows the cases of all letters, not only of those of ASCII.
  [[nodiscard]] std::string pattern_of(const std::string& clause) const {
    const std::string mode = leaf_.case_sensitive ? "" : "(?i)";
    switch (leaf_.kind) {
      case Kind::kIs:
      case Kind::kIsNot: return mode + "\\A" + re2::RE2::QuoteMeta(clause) + "\\z";
      case Kind::kContains:
      case Kind::kContainsNot: return mode + re2::RE2::QuoteMeta(clause);
      case Kind::kMatches:
      case Kind::kMatchesNot:
      case Kind::kAnd:
      case Kind::kOr:
      case Kind::kNot:
      case Kind::kHasDone:
      case Kind::kHasNotDone: return mode + clause;
    }
    return clause;
  }

  const Filter& leaf_;
  std::vector<std::unique_ptr<re2::RE2>> patterns_;
};

/// Names of countries are not stored: the codes whose names meet the filter are.
std::string country_sql(const Filter& leaf, const std::string& value, Parameters& parameters) {
  const TextCondition condition(leaf);
  std::vector<std::string> places;
  for (const auto& country : countries()) {
    if (condition.holds(std::string{country.name})) places.push_back(parameters.add(std::string{country.code}));
  }
  if (condition.holds(std::string{leaf.dimension.info->empty})) places.push_back(parameters.add(std::string{}));
  if (places.empty()) return "false";
  return fmt::format("{} in ({})", value, fmt::join(places, ", "));
}

std::string goal_leaf_sql(const Filter& leaf, const FilterScope& scope) {
  std::vector<std::string> any;
  for (const auto* goal : goals_named(leaf, scope.goals)) any.push_back(goal_sql(*goal, scope.parameters));
  if (any.empty()) return "false";
  return fmt::format("({})", fmt::join(any, " or "));
}

std::string visits_with(const std::string& condition, const FilterScope& scope) {
  const auto site = scope.parameters.add(static_cast<std::int64_t>(scope.site));
  return fmt::format(
      "(select v.visit_id from {} v where v.site_id = {} and v.ended_at >= {} and v.started_at < {} and {})",
      kAllVisits, site, scope.parameters.add(scope.range.from), scope.parameters.add(scope.range.to), condition);
}

std::string leaf_sql(const Filter& leaf, Rows rows, EntryFor entry, const FilterScope& scope) {
  const auto& info = *leaf.dimension.info;
  std::string condition;
  const bool elsewhere = rows == Rows::kEvents && info.on_events.empty() && info.special == Special::kNone;
  const auto where = elsewhere ? Rows::kVisits : rows;
  if (leaf.dimension.is_goal()) {
    condition = goal_leaf_sql(leaf, scope);
  } else {
    const auto value = value_sql(leaf.dimension, where, entry, scope.parameters);
    condition = info.special == Special::kCountryName ? country_sql(leaf, value, scope.parameters)
                                                      : text_sql(leaf, value, scope.parameters);
  }
  if (is_negative(leaf.kind)) condition = fmt::format("not ({})", condition);
  if (elsewhere) return fmt::format("(e.visit_id in {})", visits_with(condition, scope));
  return fmt::format("({})", condition);
}

constexpr std::string_view kBelow = "/**";  ///< at the end of a glob: what it stands below of is meant too

std::string glob_pattern(std::string_view glob) {
  if (glob.size() > kBelow.size() && glob.ends_with(kBelow)) {
    return glob_pattern(glob.substr(0, glob.size() - kBelow.size())) + "(/.*)?";
  }
  std::string pattern;
  for (std::size_t i = 0; i < glob.size(); ++i) {
    if (glob[i] != '*') {
      pattern += re2::RE2::QuoteMeta(glob.substr(i, 1));
    } else if (i + 1 < glob.size() && glob[i + 1] == '*') {
      pattern += ".*";
      ++i;
    } else {
      pattern += "[^/]*";
    }
  }
  return pattern;
}

/// Most globs are a beginning and a star; the others are checked for their beginning before the pattern is. An empty
/// one is every path.
std::string path_sql(const std::string& glob, Parameters& parameters) {
  if (glob.empty()) return "true";
  const auto star = glob.find('*');
  if (star == std::string::npos) return fmt::format("e.path = {}", parameters.add(glob));
  const auto start = glob.substr(0, star);
  const auto place = parameters.add(start);
  const auto begins = fmt::format("starts_with(e.path, {})", place);
  const auto rest = std::string_view{glob}.substr(star);
  if (rest == "**" && glob.size() > kBelow.size() && start.ends_with('/')) {
    return fmt::format("({} or e.path = {})", begins, parameters.add(start.substr(0, start.size() - 1)));
  }
  if (rest == "**") return begins;
  if (rest == "*") return fmt::format("({} and not contains(substr(e.path, length({}) + 1), '/'))", begins, place);
  return fmt::format("({} and regexp_full_match(e.path, {}))", begins, parameters.add(glob_pattern(glob)));
}

std::string joined(const std::vector<std::string>& conditions) {
  std::string text;
  for (const auto& condition : conditions) text += " and " + condition;
  return text;
}

}  // namespace

std::string Parameters::add(columns::Value value) {
  const auto [known, is_new] = places_.try_emplace(std::move(value), values_.size() + 1);
  if (is_new) values_.push_back(known->first);
  return fmt::format("${}", known->second);
}

std::string events_in_range(const FilterScope& scope) {
  auto& parameters = scope.parameters;
  return fmt::format(R"(e.site_id = {} and e."at" >= {} and e."at" < {})",
                     parameters.add(static_cast<std::int64_t>(scope.site)), parameters.add(scope.range.from),
                     parameters.add(scope.range.to));
}

std::string value_sql(const Dimension& dimension, Rows rows, EntryFor entry, Parameters& parameters) {
  const auto& info = *dimension.info;
  if (info.special == Special::kProperty) {
    return fmt::format("coalesce(e.properties[{}], '')", parameters.add(dimension.property));
  }
  if (rows == Rows::kEvents) return fmt::format("e.{}", info.on_events);
  if (info.on_visits.empty() && entry == EntryFor::kPage) return fmt::format("v.{}", info.as_entry);
  return fmt::format("v.{}", info.on_visits);
}

bool of_visits(const Filter& filter, EntryFor entry) {
  return !any_leaf(std::vector{filter}, HasDone::kSkip, [&](const Filter& leaf) {
    if (leaf.dimension.of_visit()) return false;
    return entry == EntryFor::kNothing || leaf.dimension.info->as_entry.empty();
  });
}

std::string filter_sql(const Filter& filter, Rows rows, EntryFor entry, const FilterScope& scope) {
  switch (filter.kind) {
    case Kind::kAnd:
    case Kind::kOr: {
      std::vector<std::string> parts;
      for (const auto& part : filter.parts) parts.push_back(filter_sql(part, rows, entry, scope));
      return fmt::format("({})", fmt::join(parts, filter.kind == Kind::kAnd ? " and " : " or "));
    }
    case Kind::kNot: return fmt::format("(not {})", filter_sql(filter.parts[0], rows, entry, scope));
    case Kind::kHasDone:
    case Kind::kHasNotDone: {
      const auto inner = filter_sql(filter.parts[0], Rows::kEvents, EntryFor::kNothing, scope);
      return fmt::format("({}.visit_id {} (select e.visit_id from events e where {} and ({}) and {}))",
                         rows == Rows::kEvents ? "e" : "v", filter.kind == Kind::kHasDone ? "in" : "not in",
                         events_in_range(scope), countable({filter.parts[0]}, scope), inner);
    }
    case Kind::kIs:
    case Kind::kIsNot:
    case Kind::kContains:
    case Kind::kContainsNot:
    case Kind::kMatches:
    case Kind::kMatchesNot: return leaf_sql(filter, rows, entry, scope);
  }
  return "false";
}

std::string events_filters(const std::vector<Filter>& filters, const FilterScope& scope) {
  std::vector<std::string> conditions;
  for (const auto& filter : filters) {
    conditions.push_back(filter_sql(filter, Rows::kEvents, EntryFor::kNothing, scope));
  }
  return joined(conditions);
}

std::string visits_filters(const std::vector<Filter>& filters, EntryFor entry, const FilterScope& scope) {
  std::vector<std::string> conditions;
  std::vector<Filter> by_events;
  for (const auto& filter : filters) {
    if (of_visits(filter, entry)) {
      conditions.push_back(filter_sql(filter, Rows::kVisits, entry, scope));
    } else {
      by_events.push_back(filter);
    }
  }
  if (!by_events.empty()) {
    conditions.push_back(fmt::format("v.visit_id in (select e.visit_id from events e where {} and ({}){})",
                                     events_in_range(scope), countable(by_events, scope),
                                     events_filters(by_events, scope)));
  }
  return joined(conditions);
}

std::vector<const Goal*> goals_named(const Filter& leaf, const std::vector<Goal>& goals) {
  const TextCondition condition(leaf);
  std::vector<const Goal*> named;
  for (const auto& goal : goals) {
    if (condition.holds(goal.display_name)) named.push_back(&goal);
  }
  return named;
}

std::string goal_sql(const Goal& goal, Parameters& parameters) {
  switch (goal.kind) {
    case GoalKind::kEvent: return fmt::format("(e.name = {})", parameters.add(goal.event_name));
    case GoalKind::kPage: return fmt::format("(e.name = 'pageview' and {})", path_sql(goal.page_pattern, parameters));
    case GoalKind::kScroll:
      return fmt::format("(e.name = 'engagement' and e.scroll_depth >= {} and {})",
                         parameters.add(std::int64_t{goal.scroll_depth}), path_sql(goal.page_pattern, parameters));
  }
  return "false";
}

std::string countable(const std::vector<Filter>& filters, const FilterScope& scope) {
  std::string condition{kCounted};
  any_leaf(filters, HasDone::kSkip, [&](const Filter& leaf) {
    if (!leaf.dimension.is_goal()) return false;
    for (const auto* goal : goals_named(leaf, scope.goals)) {
      if (goal->kind == GoalKind::kScroll) condition += " or " + goal_sql(*goal, scope.parameters);
    }
    return false;
  });
  return condition;
}

}  // namespace mainstay::analytics::query
