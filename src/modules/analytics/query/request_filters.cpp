#include <re2/re2.h>

#include <algorithm>
#include <array>

#include "modules/analytics/query/request.h"

namespace mainstay::analytics::query {
namespace {

using Kind = Filter::Kind;

constexpr auto kOperators = std::to_array<std::pair<std::string_view, Kind>>({
    {"and", Kind::kAnd},
    {"or", Kind::kOr},
    {"not", Kind::kNot},
    {"has_done", Kind::kHasDone},
    {"has_not_done", Kind::kHasNotDone},
    {"is", Kind::kIs},
    {"is_not", Kind::kIsNot},
    {"contains", Kind::kContains},
    {"contains_not", Kind::kContainsNot},
    {"does_not_contain", Kind::kContainsNot},
    {"matches", Kind::kMatches},
    {"matches_not", Kind::kMatchesNot},
});

/// Steps of all patterns' programs together. Each character of each row can cost as many, and a query that takes too
/// long can be stopped only between two lots of 2,048 rows.
constexpr int kPatternStepsMax = 1'000;

class FilterReader {
 public:
  explicit FilterReader(Faults& faults) : faults_(faults) {}

  std::optional<Filter> read(const json::Value& value, const std::string& where, std::size_t depth) {
    if (depth > kFilterDepthMax) return fault(where, fmt::format("Filters nest {} deep at most.", kFilterDepthMax));
    if (++count_ > kFiltersMax) {
      if (count_ == kFiltersMax + 1) fault(where, fmt::format("There can be {} filters at most.", kFiltersMax));
      return std::nullopt;
    }
    const auto* array = value.if_array();
    if (array == nullptr || array->empty() || !(*array)[0].is_string()) {
      return fault(where, "Must be a list that begins with an operator.");
    }
    const std::string_view name = (*array)[0].get_string();
    const auto found = std::ranges::find(kOperators, name, &std::pair<std::string_view, Kind>::first);
    if (found == kOperators.end()) {
      return fault(where + "/0",
                   "Must be one of is, is_not, contains, contains_not, matches, matches_not, and, or, not, has_done, "
                   "has_not_done.");
    }
    Filter filter{.kind = found->second};
    if (filter.is_leaf()) return read_leaf(*array, std::move(filter), where);
    return read_branch(*array, std::move(filter), where, depth);
  }

 private:
  std::nullopt_t fault(const std::string& where, std::string message) {
    faults_.add(where, std::move(message));
    return std::nullopt;
  }

  std::optional<Filter> read_branch(const json::Array& array, Filter filter, const std::string& where,
                                    std::size_t depth) {
    if (array.size() != 2) return fault(where, "Must have two members: the operator and what it applies to.");
    const bool one = filter.kind != Kind::kAnd && filter.kind != Kind::kOr;
    const bool behavioural = filter.kind == Kind::kHasDone || filter.kind == Kind::kHasNotDone;
    if (behavioural && inside_has_done_) return fault(where, "has_done cannot stand inside has_done.");
    inside_has_done_ = inside_has_done_ || behavioural;
    if (one) {
      if (auto part = read(array[1], where + "/1", depth + 1)) filter.parts.push_back(std::move(*part));
    } else if (!array[1].is_array() || array[1].get_array().empty()) {
      fault(where + "/1", "Must be a list of filters.");
    } else {
      for (std::size_t i = 0; i < array[1].get_array().size() && count_ <= kFiltersMax; ++i) {
        auto part = read(array[1].get_array()[i], fmt::format("{}/1/{}", where, i), depth + 1);
        if (part) filter.parts.push_back(std::move(*part));
      }
    }
    if (behavioural) inside_has_done_ = false;
    if (filter.parts.empty()) return std::nullopt;
    return filter;
  }

  std::optional<Filter> read_leaf(const json::Array& array, Filter filter, const std::string& where) {
    if (array.size() != 3 && array.size() != 4) {
      return fault(where, "Must have an operator, a dimension, a list of values, and may have modifiers.");
    }
    if (!array[1].is_string()) return fault(where + "/1", "Must be a dimension.");
    const auto dimension = find_dimension(std::string_view{array[1].get_string()});
    if (!dimension || dimension->is_time()) {
      const auto near = nearest_dimension(std::string_view{array[1].get_string()});
      return fault(where + "/1", near.empty() || dimension ? "Must be a dimension other than time."
                                                           : fmt::format("No such dimension. Did you mean {}?", near));
    }
    filter.dimension = *dimension;
    if (dimension->is_goal() && filter.kind != Kind::kIs && filter.kind != Kind::kContains) {
      return fault(where + "/0", "Goals can be filtered by is and contains only.");
    }
    if (inside_has_done_ && dimension->info->on_events.empty() && dimension->info->special == Special::kNone) {
      return fault(where + "/1", "Inside has_done a filter must be on what an event carries.");
    }
    read_clauses(array[2], filter, where + "/2");
    if (array.size() == 4) read_modifiers(array[3], filter, where + "/3");
    check_patterns(filter, where + "/2");
    return filter;
  }

  void read_clauses(const json::Value& value, Filter& filter, const std::string& where) {
    const auto* list = value.if_array();
    if (list == nullptr || list->empty() || list->size() > kClausesMax) {
      fault(where, fmt::format("Must be a list of 1 to {} values.", kClausesMax));
      return;
    }
    if ((clauses_ += list->size()) > kAllClausesMax) {
      fault(where, fmt::format("There can be {} values in all filters at most.", kAllClausesMax));
      return;
    }
    for (std::size_t i = 0; i < list->size(); ++i) {
      const auto& clause = (*list)[i];
      if (clause.is_string() && clause.get_string().size() <= kClauseBytesMax) {
        filter.clauses.emplace_back(clause.get_string());
      } else if (clause.is_int64()) {
        filter.clauses.push_back(std::to_string(clause.get_int64()));
      } else {
        fault(fmt::format("{}/{}", where, i), fmt::format("Must be a string of at most {} bytes.", kClauseBytesMax));
      }
    }
  }

  void read_modifiers(const json::Value& value, Filter& filter, const std::string& where) {
    if (!value.is_object()) {
      fault(where, "Must be an object.");
      return;
    }
    for (const auto& [key, modifier] : value.get_object()) {
      if (key != "case_sensitive") {
        fault(where + "/" + std::string{key}, "No such field.");
      } else if (!modifier.is_bool()) {
        fault(where + "/case_sensitive", "Must be true or false.");
      } else {
        filter.case_sensitive = modifier.get_bool();
      }
    }
  }

  void check_patterns(const Filter& filter, const std::string& where) {
    if (filter.kind != Kind::kMatches && filter.kind != Kind::kMatchesNot) return;
    constexpr std::int64_t kPatternMemoryMax = 1 << 20;
    for (std::size_t i = 0; i < filter.clauses.size() && pattern_steps_ <= kPatternStepsMax; ++i) {
      re2::RE2::Options options;
      options.set_log_errors(false);
      options.set_max_mem(kPatternMemoryMax);
      const re2::RE2 pattern(filter.clauses[i], options);
      if (!pattern.ok()) {
        fault(fmt::format("{}/{}", where, i), "Is not a regular expression: " + pattern.error());
      } else if ((pattern_steps_ += pattern.ProgramSize()) > kPatternStepsMax) {
        fault(fmt::format("{}/{}", where, i), "Is too complex, alone or with the other patterns of this query.");
      }
    }
  }

  Faults& faults_;
  std::size_t count_ = 0;
  std::size_t clauses_ = 0;
  int pattern_steps_ = 0;
  bool inside_has_done_ = false;
};

bool has_leaf_on(const std::vector<Filter>& filters, std::string_view dimension) {
  return any_leaf(filters, HasDone::kSkip, [&](const Filter& leaf) { return leaf.dimension.info->name == dimension; });
}

bool has_dimension(const Request& request, std::string_view name) {
  return std::ranges::any_of(request.dimensions, [&](const Dimension& d) { return d.info->name == name; });
}

bool is_session_metric(Metric metric) { return metric == Metric::kBounceRate || metric == Metric::kVisitDuration; }

void check_metric(Metric metric, std::size_t index, const Request& request, Faults& faults) {
  const auto where = fmt::format("/metrics/{}", index);
  const bool has_goal = has_dimension(request, "event:goal") || has_leaf_on(request.filters, "event:goal");
  const bool has_page = has_dimension(request, "event:page") || has_leaf_on(request.filters, "event:page");
  const bool of_pages = metric == Metric::kScrollDepth || metric == Metric::kTimeOnPage || metric >= Metric::kLcp;
  for (const auto& dimension : request.dimensions) {
    if (!of_pages || !dimension.of_single_events()) continue;
    faults.add(where, fmt::format("{} cannot be broken down by {}.", to_text(metric), dimension.name()));
  }
  if (metric == Metric::kScrollDepth || metric == Metric::kTimeOnPage) {
    if (!has_page) faults.add(where, fmt::format("{} needs a filter or dimension event:page.", to_text(metric)));
  }
  if ((metric == Metric::kConversionRate || metric == Metric::kGroupConversionRate) && !has_goal) {
    faults.add(where, fmt::format("{} needs a filter or dimension event:goal.", to_text(metric)));
  }
  if (metric == Metric::kGroupConversionRate && request.dimensions.empty()) {
    faults.add(where, "group_conversion_rate needs a dimension.");
  }
  if (metric == Metric::kExitRate && (request.dimensions.size() != 1 || !has_dimension(request, "visit:exit_page"))) {
    faults.add(where, "exit_rate needs the one dimension visit:exit_page.");
  }
  if (is_session_metric(metric) || metric == Metric::kViewsPerVisit) {
    for (const auto& dimension : request.dimensions) {
      if (dimension.of_visit() || dimension.is_time() || !dimension.info->as_entry.empty()) continue;
      faults.add(where, fmt::format("{} cannot be broken down by {}.", to_text(metric), dimension.name()));
    }
  }
}

}  // namespace

std::vector<Filter> parse_filters(const json::Value& value, const std::string& where, Faults& faults) {
  std::vector<Filter> filters;
  if (!value.is_array()) {
    faults.add(where, "Must be a list of filters.");
    return filters;
  }
  FilterReader reader(faults);
  for (std::size_t i = 0; i < value.get_array().size() && i <= kFiltersMax; ++i) {
    auto filter = reader.read(value.get_array()[i], fmt::format("{}/{}", where, i), 1);
    if (filter) filters.push_back(std::move(*filter));
  }
  return filters;
}

void check_rules(const Request& request, Faults& faults) {
  for (std::size_t i = 0; i < request.metrics.size(); ++i) check_metric(request.metrics[i], i, request, faults);
  if (!request.date.empty() && (request.date_range.name.empty() || request.date_range.name == "all" ||
                                request.date_range.name == "realtime" || request.date_range.name == "24h")) {
    faults.add("/date", "Goes with a range of days that ends on it.");
  }
  if (request.comparison && (request.date_range.name == "all" || request.date_range.name == "realtime")) {
    faults.add("/include/comparisons", "There is nothing before this range to compare with.");
  }
}

}  // namespace mainstay::analytics::query
