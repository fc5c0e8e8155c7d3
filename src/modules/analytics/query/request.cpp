#include "modules/analytics/query/request.h"

#include <algorithm>
#include <array>

namespace mainstay::analytics::query {
namespace {

constexpr auto kMetricNames = std::to_array<std::string_view>(
    {"visitors",      "visits",          "pageviews",    "views_per_visit", "bounce_rate",     "visit_duration",
     "events",        "scroll_depth",    "time_on_page", "percentage",      "conversion_rate", "group_conversion_rate",
     "total_revenue", "average_revenue", "exit_rate",    "lcp_p75",         "inp_p75",         "cls_p75",
     "fcp_p75",       "ttfb_p75"});
constexpr auto kRangeNames = std::to_array<std::string_view>(
    {"day", "24h", "7d", "28d", "30d", "91d", "month", "6mo", "12mo", "year", "all", "realtime"});
constexpr auto kKeys = std::to_array<std::string_view>(
    {"site_id", "metrics", "date_range", "date", "dimensions", "filters", "order_by", "include", "pagination"});
constexpr std::size_t kDateBytesMax = 40;

template <std::size_t N>
void refuse_unknown(const json::Object& object, const std::array<std::string_view, N>& known, const std::string& where,
                    Faults& faults) {
  for (const auto& [key, value] : object) {
    if (std::ranges::find(known, std::string_view{key}) != known.end()) continue;
    const auto near = nearest(key, {known.begin(), known.end()});
    faults.add(where + "/" + std::string{key},
               near.empty() ? "No such field." : fmt::format("No such field. Did you mean {}?", near));
  }
}

std::optional<std::string> read_text(const json::Value& value, const std::string& where, Faults& faults) {
  if (!value.is_string()) {
    faults.add(where, "Must be a string.");
    return std::nullopt;
  }
  return std::string{value.get_string()};
}

std::optional<Metric> find_metric(std::string_view name) {
  const auto found = std::ranges::find(kMetricNames, name);
  if (found == kMetricNames.end()) return std::nullopt;
  return static_cast<Metric>(found - kMetricNames.begin());
}

void read_metrics(const json::Value& value, Request& request, Faults& faults) {
  if (!value.is_array() || value.get_array().empty() || value.get_array().size() > kMetricsMax) {
    return faults.add("/metrics", fmt::format("Must be a list of 1 to {} metrics.", kMetricsMax));
  }
  for (std::size_t i = 0; i < value.get_array().size(); ++i) {
    const auto where = fmt::format("/metrics/{}", i);
    const auto name = read_text(value.get_array()[i], where, faults);
    if (!name) continue;
    const auto metric = find_metric(*name);
    if (!metric) {
      const auto near = nearest(*name, {kMetricNames.begin(), kMetricNames.end()});
      faults.add(where, near.empty() ? "No such metric." : fmt::format("No such metric. Did you mean {}?", near));
    } else if (request.asks(*metric)) {
      faults.add(where, "Is asked for twice.");
    } else {
      request.metrics.push_back(*metric);
    }
  }
}

void read_dimensions(const json::Value& value, Request& request, Faults& faults) {
  if (!value.is_array() || value.get_array().size() > kDimensionsMax) {
    return faults.add("/dimensions", fmt::format("Must be a list of at most {} dimensions.", kDimensionsMax));
  }
  for (std::size_t i = 0; i < value.get_array().size(); ++i) {
    const auto where = fmt::format("/dimensions/{}", i);
    const auto name = read_text(value.get_array()[i], where, faults);
    if (!name) continue;
    const auto dimension = find_dimension(*name);
    if (!dimension) {
      const auto near = nearest_dimension(*name);
      faults.add(where, near.empty() ? "No such dimension." : fmt::format("No such dimension. Did you mean {}?", near));
    } else if (std::ranges::find(request.dimensions, *dimension) != request.dimensions.end()) {
      faults.add(where, "Is asked for twice.");
    } else if (dimension->is_time() && request.time_dimension()) {
      faults.add(where, "There can be one time dimension only.");
    } else {
      request.dimensions.push_back(*dimension);
    }
  }
}

DateRange read_range(const json::Value& value, const std::string& where, Faults& faults) {
  DateRange range;
  if (value.is_string()) {
    range.name = std::string{value.get_string()};
    if (std::ranges::find(kRangeNames, range.name) == kRangeNames.end()) {
      faults.add(where, fmt::format("Must be one of {}, or two dates.", fmt::join(kRangeNames, ", ")));
    }
    return range;
  }
  const auto* ends = value.if_array();
  if (ends == nullptr || ends->size() != 2 || !(*ends)[0].is_string() || !(*ends)[1].is_string() ||
      (*ends)[0].get_string().size() > kDateBytesMax || (*ends)[1].get_string().size() > kDateBytesMax) {
    faults.add(where, fmt::format("Must be one of {}, or two dates.", fmt::join(kRangeNames, ", ")));
    return range;
  }
  range.from = std::string{(*ends)[0].get_string()};
  range.to = std::string{(*ends)[1].get_string()};
  return range;
}

std::optional<bool> read_flag(const json::Value& value, const std::string& where, Faults& faults) {
  if (value.is_bool()) return value.get_bool();
  faults.add(where, "Must be true or false.");
  return std::nullopt;
}

void read_comparison(const json::Value& value, Request& request, Faults& faults) {
  const std::string where = "/include/comparisons";
  if (value.is_null()) return;
  if (!value.is_object()) return faults.add(where, "Must be an object.");
  const auto& object = value.get_object();
  refuse_unknown(object, std::to_array<std::string_view>({"mode", "date_range", "match_day_of_week"}), where, faults);
  Comparison comparison;
  const auto* mode = object.if_contains("mode");
  const std::string_view name = mode != nullptr && mode->is_string() ? std::string_view{mode->get_string()} : "";
  if (name == "previous_period") {
    comparison.mode = Comparison::Mode::kPreviousPeriod;
  } else if (name == "year_over_year") {
    comparison.mode = Comparison::Mode::kYearOverYear;
  } else if (name == "custom") {
    comparison.mode = Comparison::Mode::kCustom;
  } else {
    faults.add(where + "/mode", "Must be one of previous_period, year_over_year, custom.");
  }
  const auto* range = object.if_contains("date_range");
  if ((name == "custom") != (range != nullptr)) {
    faults.add(where + "/date_range", "Must be there for the mode custom, and only for it.");
  } else if (range != nullptr) {
    comparison.custom = read_range(*range, where + "/date_range", faults);
    if (!comparison.custom.name.empty()) faults.add(where + "/date_range", "Must be two dates.");
  }
  if (const auto* match = object.if_contains("match_day_of_week")) {
    comparison.match_day_of_week = read_flag(*match, where + "/match_day_of_week", faults).value_or(false);
  }
  request.comparison = comparison;
}

void read_include(const json::Value& value, Request& request, Faults& faults) {
  if (!value.is_object()) return faults.add("/include", "Must be an object.");
  const auto& object = value.get_object();
  refuse_unknown(object, std::to_array<std::string_view>({"time_labels", "total_rows", "comparisons", "imports"}),
                 "/include", faults);
  if (const auto* labels = object.if_contains("time_labels")) {
    request.time_labels = read_flag(*labels, "/include/time_labels", faults).value_or(false);
    if (request.time_labels && !request.time_dimension()) {
      faults.add("/include/time_labels", "Needs a time dimension.");
    }
  }
  if (const auto* rows = object.if_contains("total_rows")) {
    request.total_rows = read_flag(*rows, "/include/total_rows", faults).value_or(false);
  }
  if (const auto* imports = object.if_contains("imports")) {
    static_cast<void>(read_flag(*imports, "/include/imports", faults));
  }
  if (const auto* comparisons = object.if_contains("comparisons")) read_comparison(*comparisons, request, faults);
}

std::optional<std::size_t> read_count(const json::Value& value, std::size_t least, std::size_t most,
                                      const std::string& where, Faults& faults) {
  boost::system::error_code error;
  const auto number = value.is_number() && !value.is_double() ? value.to_number<std::size_t>(error) : most + 1;
  if (!error && number >= least && number <= most) return number;
  faults.add(where, fmt::format("Must be a whole number from {} to {}.", least, most));
  return std::nullopt;
}

void read_pagination(const json::Value& value, Request& request, Faults& faults) {
  if (!value.is_object()) return faults.add("/pagination", "Must be an object.");
  const auto& object = value.get_object();
  refuse_unknown(object, std::to_array<std::string_view>({"limit", "offset"}), "/pagination", faults);
  if (const auto* limit = object.if_contains("limit")) {
    request.limit = read_count(*limit, 1, kLimitMax, "/pagination/limit", faults);
  }
  if (const auto* offset = object.if_contains("offset")) {
    request.offset = read_count(*offset, 0, kOffsetMax, "/pagination/offset", faults).value_or(0);
  }
}

std::optional<Order> read_order(const json::Value& value, const Request& request, const std::string& where,
                                Faults& faults) {
  const auto* pair = value.if_array();
  if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string() || !(*pair)[1].is_string()) {
    faults.add(where, "Must be a metric or dimension, and asc or desc.");
    return std::nullopt;
  }
  const std::string_view direction = (*pair)[1].get_string();
  if (direction != "asc" && direction != "desc") {
    faults.add(where + "/1", "Must be asc or desc.");
    return std::nullopt;
  }
  Order order{.descending = direction == "desc"};
  const std::string_view name = (*pair)[0].get_string();
  if (const auto metric = find_metric(name); metric && request.asks(*metric)) {
    order.index = static_cast<std::size_t>(std::ranges::find(request.metrics, *metric) - request.metrics.begin());
    return order;
  }
  for (std::size_t i = 0; i < request.dimensions.size(); ++i) {
    if (request.dimensions[i].name() != name) continue;
    order.by_metric = false;
    order.index = i;
    return order;
  }
  faults.add(where + "/0", "Must be one of the metrics and dimensions of this query.");
  return std::nullopt;
}

void read_orders(const json::Value& value, Request& request, Faults& faults) {
  if (!value.is_array() || value.get_array().size() > kMetricsMax + kDimensionsMax) {
    return faults.add("/order_by", "Must be a list of pairs.");
  }
  for (std::size_t i = 0; i < value.get_array().size(); ++i) {
    const auto order = read_order(value.get_array()[i], request, fmt::format("/order_by/{}", i), faults);
    if (order) request.order_by.push_back(*order);
  }
}

/// By time, then by the first metric.
std::vector<Order> default_order(const Request& request) {
  std::vector<Order> orders;
  if (const auto time = request.time_dimension()) {
    orders.push_back({.by_metric = false, .index = *time, .descending = false});
  }
  orders.push_back({});
  return orders;
}

void read_site(const json::Object& object, std::string_view site, Request& request, Faults& faults) {
  constexpr std::size_t kSiteBytesMax = 300;
  request.site = std::string{site};
  const auto* given = object.if_contains("site_id");
  if (given == nullptr) {
    if (site.empty()) faults.add("/site_id", "Must be there: the id or domain of a site.");
    return;
  }
  if (!given->is_string() || given->get_string().empty() || given->get_string().size() > kSiteBytesMax) {
    return faults.add("/site_id", "Must be the id or domain of a site.");
  }
  if (site.empty()) request.site = std::string{given->get_string()};
}

}  // namespace

std::string_view to_text(Metric metric) { return kMetricNames[static_cast<std::size_t>(metric)]; }

bool Request::asks(Metric metric) const { return std::ranges::find(metrics, metric) != metrics.end(); }

std::optional<std::size_t> Request::time_dimension() const {
  for (std::size_t i = 0; i < dimensions.size(); ++i) {
    if (dimensions[i].is_time()) return i;
  }
  return std::nullopt;
}

Failure Faults::failure() const {
  return {.kind = Refusal::kInvalid,
          .code = "analytics.bad_query",
          .message = errors_.empty() ? "" : fmt::format("{}: {}", errors_.front().field, errors_.front().message),
          .errors = errors_};
}

Result<Request> parse_request(std::string_view text, std::string_view site) {
  const auto value = json::parse(text);
  if (!value) return refuse(value);
  return parse_request(*value, site);
}

Result<Request> parse_request(const json::Value& value, std::string_view site) {
  Faults faults;
  if (!value.is_object()) {
    faults.add("", "Must be an object.");
    return std::unexpected(faults.failure());
  }
  const auto& object = value.get_object();
  refuse_unknown(object, kKeys, "", faults);
  Request request;
  read_site(object, site, request, faults);
  const auto required = [&](std::string_view key) -> const json::Value* {
    const auto* found = object.if_contains(key);
    if (found == nullptr) faults.add("/" + std::string{key}, "Must be there.");
    return found;
  };
  if (const auto* metrics = required("metrics")) read_metrics(*metrics, request, faults);
  if (const auto* range = required("date_range")) request.date_range = read_range(*range, "/date_range", faults);
  if (const auto* date = object.if_contains("date")) {
    request.date = read_text(*date, "/date", faults).value_or("").substr(0, kDateBytesMax);
  }
  if (const auto* dimensions = object.if_contains("dimensions")) read_dimensions(*dimensions, request, faults);
  if (const auto* filters = object.if_contains("filters"))
    request.filters = parse_filters(*filters, "/filters", faults);
  if (const auto* order = object.if_contains("order_by")) read_orders(*order, request, faults);
  if (const auto* include = object.if_contains("include")) read_include(*include, request, faults);
  if (const auto* pagination = object.if_contains("pagination")) read_pagination(*pagination, request, faults);
  if (!faults.any()) check_rules(request, faults);
  if (faults.any()) return std::unexpected(faults.failure());
  if (request.order_by.empty()) request.order_by = default_order(request);
  return request;
}

}  // namespace mainstay::analytics::query
