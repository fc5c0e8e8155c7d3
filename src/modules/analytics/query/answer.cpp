#include "modules/analytics/query/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "modules/analytics/classify/place.h"

namespace mainstay::analytics::query {
namespace {

using columns::Value;

int decimals(Metric metric) {
  switch (metric) {
    case Metric::kVisitors:
    case Metric::kVisits:
    case Metric::kPageviews:
    case Metric::kEvents:
    case Metric::kVisitDuration:
    case Metric::kScrollDepth:
    case Metric::kTimeOnPage:
    case Metric::kLcp:
    case Metric::kInp:
    case Metric::kFcp:
    case Metric::kTtfb: return 0;
    case Metric::kBounceRate:
    case Metric::kPercentage:
    case Metric::kExitRate: return 1;
    case Metric::kViewsPerVisit:
    case Metric::kConversionRate:
    case Metric::kGroupConversionRate:
    case Metric::kTotalRevenue:
    case Metric::kAverageRevenue: return 2;
    case Metric::kCls: return 3;
  }
  return 0;
}

bool is_count(Metric metric) {
  return metric == Metric::kVisitors || metric == Metric::kVisits || metric == Metric::kPageviews ||
         metric == Metric::kEvents;
}

std::optional<double> number_of(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* real = std::get_if<double>(&value)) return *real;
  return std::nullopt;
}

/// Whether a row is of scroll goals alone: they are reached by scrolling, which is no event.
bool is_of_scrolling(const std::vector<Value>& row, const Request& request, const std::vector<Goal>& goals) {
  for (std::size_t i = 0; i < request.dimensions.size(); ++i) {
    const auto* index = request.dimensions[i].is_goal() ? std::get_if<std::int64_t>(&row[i]) : nullptr;
    if (index != nullptr) return goals.at(static_cast<std::size_t>(*index)).kind == GoalKind::kScroll;
  }
  const auto scrolls = [&](const std::string& name) {
    const auto goal = std::ranges::find(goals, name, &Goal::display_name);
    return goal != goals.end() && goal->kind == GoalKind::kScroll;
  };
  return std::ranges::any_of(request.filters, [&](const Filter& filter) {
    return filter.kind == Filter::Kind::kIs && filter.dimension.is_goal() &&
           std::ranges::all_of(filter.clauses, scrolls);
  });
}

json::Value shown(const Value& value, Metric metric) {
  const auto number = number_of(value);
  if (!number || !std::isfinite(*number)) return is_count(metric) ? json::Value(0) : json::Value(nullptr);
  const auto digits = decimals(metric);
  if (digits == 0) return static_cast<std::int64_t>(std::llround(*number));
  const auto scale = std::pow(10.0, digits);
  return std::round(*number * scale) / scale;
}

/// Percent from `before` to `now`; from nothing to something is 100.
json::Value change(const json::Value& now, const json::Value& before) {
  if (!now.is_number() || !before.is_number()) return nullptr;
  const auto value = now.to_number<double>();
  const auto base = before.to_number<double>();
  if (base == 0) return value > 0 ? 100 : 0;
  return std::round((value - base) / base * 1000) / 10;
}

json::Value operator_name(Filter::Kind kind) {
  switch (kind) {
    case Filter::Kind::kAnd: return "and";
    case Filter::Kind::kOr: return "or";
    case Filter::Kind::kNot: return "not";
    case Filter::Kind::kHasDone: return "has_done";
    case Filter::Kind::kHasNotDone: return "has_not_done";
    case Filter::Kind::kIs: return "is";
    case Filter::Kind::kIsNot: return "is_not";
    case Filter::Kind::kContains: return "contains";
    case Filter::Kind::kContainsNot: return "contains_not";
    case Filter::Kind::kMatches: return "matches";
    case Filter::Kind::kMatchesNot: return "matches_not";
  }
  return nullptr;
}

json::Value to_json(const Filter& filter) {
  json::Array array{operator_name(filter.kind)};
  if (filter.is_leaf()) {
    array.emplace_back(filter.dimension.name());
    array.push_back(json::to_value(filter.clauses));
    if (!filter.case_sensitive) array.push_back(json::Object{{"case_sensitive", false}});
  } else if (filter.kind == Filter::Kind::kAnd || filter.kind == Filter::Kind::kOr) {
    json::Array parts;
    for (const auto& part : filter.parts) parts.push_back(to_json(part));
    array.push_back(std::move(parts));
  } else {
    array.push_back(to_json(filter.parts[0]));
  }
  return array;
}

/// A last second stands for its end, so that the text read back means the same range.
json::Array range_text(const TimeRange& range, const TimeZone& zone) {
  const bool whole_minute = range.to.time_since_epoch() % minutes{1} == microseconds{0};
  const auto last = whole_minute ? range.to - seconds{1} : range.to;
  return {json::Value(to_local_text(range.from, zone)), json::Value(to_local_text(last, zone))};
}

json::Object normalised(const Answered& answered) {
  const auto& request = answered.request;
  json::Array metrics;
  for (const auto metric : request.metrics) metrics.emplace_back(to_text(metric));
  json::Array dimensions;
  for (const auto& dimension : request.dimensions) dimensions.emplace_back(dimension.name());
  json::Array filters;
  for (const auto& filter : request.filters) filters.push_back(to_json(filter));
  json::Array orders;
  for (const auto& order : request.order_by) {
    orders.push_back(json::Array{json::Value(order.by_metric ? std::string{to_text(request.metrics[order.index])}
                                                             : request.dimensions[order.index].name()),
                                 json::Value(order.descending ? "desc" : "asc")});
  }
  json::Object query{
      {"site_id", std::to_string(static_cast<std::int64_t>(answered.site.id))},
      {"metrics", std::move(metrics)},
      {"date_range", range_text(answered.range, answered.zone)},
      {"dimensions", std::move(dimensions)},
      {"filters", std::move(filters)},
      {"order_by", std::move(orders)},
      {"include", json::Object{{"time_labels", request.time_labels}, {"total_rows", request.total_rows}}},
      {"pagination", json::Object{{"limit", request.limit.value_or(kLimitMax)}, {"offset", request.offset}}}};
  if (answered.compared) query["comparison_date_range"] = range_text(answered.compared->range, answered.zone);
  return query;
}

/// Finds the row of the compared range that belongs to a row.
class Counterparts {
 public:
  explicit Counterparts(const Answered& answered) : answered_(answered), time_(answered.request.time_dimension()) {
    const auto count = answered.request.dimensions.size();
    for (const auto& row : answered.compared->rows.rows) {
      rows_.emplace(std::vector<Value>(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(count)), &row);
    }
    for (std::size_t i = 0; time_ && i < answered.buckets.size(); ++i) {
      if (i < answered.compared->buckets.size()) {
        keys_.emplace(answered.buckets[i].key, answered.compared->buckets[i].key);
      }
    }
  }

  [[nodiscard]] json::Value of(const std::vector<Value>& row, const json::Array& metrics) const {
    const auto& request = answered_.request;
    const auto count = request.dimensions.size();
    std::vector<Value> key(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(count));
    if (time_) {
      const auto* mine = std::get_if<std::int64_t>(&key[*time_]);
      const auto found = mine == nullptr ? keys_.end() : keys_.find(*mine);
      if (found == keys_.end()) return nullptr;
      key[*time_] = found->second;
    }
    const auto found = rows_.find(key);
    auto none = key;
    none.resize(count + request.metrics.size());
    auto before = shown_metrics(found == rows_.end() ? none : *found->second, request, answered_.goals);
    json::Array changes;
    for (std::size_t i = 0; i < request.metrics.size(); ++i) changes.push_back(change(metrics[i], before[i]));
    json::Array dimensions;
    for (std::size_t i = 0; i < count; ++i) {
      dimensions.emplace_back(shown(key[i], request.dimensions[i], answered_.goals, answered_.compared->buckets));
    }
    return json::Object{
        {"metrics", std::move(before)}, {"dimensions", std::move(dimensions)}, {"change", std::move(changes)}};
  }

 private:
  const Answered& answered_;
  std::optional<std::size_t> time_;
  std::map<std::vector<Value>, const std::vector<Value>*> rows_;
  std::map<std::int64_t, std::int64_t> keys_;
};

/// With rows of zeros for the buckets that only the compared range has something in, so that each of its numbers stands
/// beside its counterpart; where a row is all of a bucket, and the answer is all in order of time.
std::vector<std::vector<Value>> rows_of(const Answered& answered) {
  auto rows = answered.rows.rows;
  const auto& request = answered.request;
  const bool is_series =
      request.dimensions.size() == 1 && request.time_dimension() && !request.order_by.front().by_metric;
  // A page of a longer answer has its rows from the store.
  if (!answered.compared || !is_series || request.limit || request.offset > 0 || rows.size() >= kLimitMax) {
    return rows;
  }
  std::set<Value> there;
  for (const auto& row : rows) there.insert(row[0]);
  std::set<Value> compared;
  for (const auto& row : answered.compared->rows.rows) compared.insert(row[0]);
  const auto count = std::min(answered.buckets.size(), answered.compared->buckets.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Value key = answered.buckets[i].key;
    if (there.contains(key) || !compared.contains(answered.compared->buckets[i].key)) continue;
    rows.emplace_back(1, key).resize(1 + request.metrics.size());
  }
  const bool descending = request.order_by.front().descending;
  std::ranges::sort(
      rows, [&](const auto& left, const auto& right) { return descending ? right[0] < left[0] : left[0] < right[0]; });
  return rows;
}

json::Array results(const Answered& answered, const std::vector<std::vector<Value>>& rows) {
  const auto& request = answered.request;
  const auto count = request.dimensions.size();
  std::optional<Counterparts> counterparts;
  if (answered.compared) counterparts.emplace(answered);
  json::Array results;
  results.reserve(rows.size());
  for (const auto& row : rows) {
    json::Array dimensions;
    for (std::size_t i = 0; i < count; ++i) {
      dimensions.emplace_back(shown(row[i], request.dimensions[i], answered.goals, answered.buckets));
    }
    auto metrics = shown_metrics(row, request, answered.goals);
    json::Object result;
    if (counterparts) result["comparison"] = counterparts->of(row, metrics);
    if (const auto currency = row_currency(row, request); !currency.empty()) result["currency"] = currency;
    result["metrics"] = std::move(metrics);
    result["dimensions"] = std::move(dimensions);
    results.push_back(std::move(result));
  }
  return results;
}

void add_money(const Answered& answered, json::Object& meta) {
  const auto& request = answered.request;
  if (!request.asks_revenue()) return;
  const auto& row = answered.any_row;
  if (row.empty()) return;
  const auto* currencies = std::get_if<std::int64_t>(&row[row.size() - 2]);
  const auto* currency = std::get_if<std::string>(&row[row.size() - 1]);
  if (currencies == nullptr || currency == nullptr) return;
  if (*currencies == 1) meta["currency"] = *currency;
  if (*currencies <= 1) return;
  json::Object warnings;
  for (const auto metric : {Metric::kTotalRevenue, Metric::kAverageRevenue}) {
    if (!request.asks(metric)) continue;
    warnings[to_text(metric)] =
        json::Object{{"code", "several_currencies"},
                     {"warning", fmt::format("Revenue came in {} currencies; they are not added up.", *currencies)}};
  }
  meta["metric_warnings"] = std::move(warnings);
}

json::Object meta(const Answered& answered, std::size_t rows) {
  const auto& request = answered.request;
  json::Object meta{{"as_of", to_rfc3339(answered.as_of)}, {"sampled", false}, {"imports_included", false}};
  if (const auto missing = answered.missing.count(); missing > 0) {
    meta["freshness_warning"] =
        json::Object{{"code", "behind"},
                     {"missing_ms", missing},
                     {"warning", fmt::format("Hits of the last {} ms are not counted yet.", missing)}};
  }
  if (request.time_labels) {
    json::Array labels;
    for (const auto& bucket : answered.buckets) labels.emplace_back(bucket.label);
    meta["time_labels"] = std::move(labels);
  }
  for (const auto& bucket : answered.buckets) {
    if (bucket.from <= answered.as_of && answered.as_of < bucket.to) meta["partial_time_label"] = bucket.label;
  }
  if (request.total_rows) {
    const auto column = request.dimensions.size() + request.metrics.size();
    const auto stored = answered.any_row.empty() ? 0 : std::get<std::int64_t>(answered.any_row[column]);
    meta["total_rows"] = stored + static_cast<std::int64_t>(rows - answered.rows.rows.size());
  }
  add_money(answered, meta);
  return meta;
}

}  // namespace

std::string shown(const Value& key, const Dimension& dimension, const std::vector<Goal>& goals,
                  const std::vector<Bucket>& buckets) {
  if (const auto* number = std::get_if<std::int64_t>(&key)) {
    if (dimension.is_goal()) {
      const auto index = static_cast<std::size_t>(*number);
      return index < goals.size() ? goals[index].display_name : std::string{};
    }
    const auto bucket = std::ranges::lower_bound(buckets, *number, {}, &Bucket::key);
    return bucket != buckets.end() && bucket->key == *number ? bucket->label : std::to_string(*number);
  }
  const auto* text = std::get_if<std::string>(&key);
  if (text == nullptr || text->empty()) return std::string{dimension.info->empty};
  if (dimension.info->special != Special::kCountryName) return *text;
  const auto name = country_name(*text);
  return name.empty() ? *text : std::string{name};
}

json::Array shown_metrics(const std::vector<Value>& row, const Request& request, const std::vector<Goal>& goals) {
  const bool without_events = is_of_scrolling(row, request, goals);
  json::Array metrics;
  for (std::size_t i = 0; i < request.metrics.size(); ++i) {
    const auto metric = request.metrics[i];
    const bool is_unknown = metric == Metric::kEvents && without_events;
    metrics.push_back(is_unknown ? json::Value(nullptr) : shown(row[request.dimensions.size() + i], metric));
  }
  return metrics;
}

std::string row_currency(const std::vector<Value>& row, const Request& request) {
  if (!request.asks_revenue()) return "";
  const auto at = request.dimensions.size() + request.metrics.size() + (request.total_rows ? 1 : 0);
  if (at >= row.size()) return "";  // a row that was not asked of the store
  const auto* const currencies = std::get_if<std::int64_t>(&row[at]);
  return currencies != nullptr && *currencies == 1 ? std::get<std::string>(row.at(at + 1)) : "";
}

json::Object to_json(const Answered& answered) {
  const auto rows = rows_of(answered);
  return {{"results", results(answered, rows)}, {"meta", meta(answered, rows.size())}, {"query", normalised(answered)}};
}

}  // namespace mainstay::analytics::query
