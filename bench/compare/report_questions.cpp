#include "report_questions.h"

#include <fmt/format.h>

namespace mainstay::bench {
namespace {

constexpr std::string_view kMetrics =
    R"("visitors","visits","pageviews","views_per_visit","bounce_rate","visit_duration")";

/// The thirty days of the site's zone that the named range means, and as much of the thirty before, as PostgreSQL is
/// told.
constexpr std::string_view kFrom = "timestamp '2026-10-22 22:00'";
constexpr std::string_view kTo = "timestamp '2026-11-21 23:00'";
constexpr std::string_view kFromBefore = "timestamp '2026-09-22 22:00'";
constexpr std::string_view kToBefore = "timestamp '2026-10-21 22:30'";

std::string ours(std::string_view metrics, std::string_view dimensions, std::string_view more = "") {
  return fmt::format(R"({{"site_id":"1","date_range":"30d","metrics":[{}],"dimensions":[{}]{}}})", metrics, dimensions,
                     more);
}

constexpr std::string_view kCard = R"(,"pagination":{"limit":9},"include":{"total_rows":true})";
constexpr std::string_view kGerman = R"(,"filters":[["is","visit:country",["DE"]]])";

/// Visits that have an event in the range. No visit of the traffic lasts an hour.
std::string visits_in(std::string_view from, std::string_view to) {
  return fmt::format(
      "visits where site_id = 1 and started_at >= {0} - interval '1 hour' and started_at < {1} and (started_at >= {0} "
      "or visit_id in (select visit_id from events where site_id = 1 and at >= {0} and at < {0} + interval '1 hour' "
      "and name not in ('engagement', 'vitals')))",
      from, to);
}

std::string totals_between(std::string_view from, std::string_view to) {
  return fmt::format(
      "select count(distinct visitor_id) as n, count(*), (select count(*) from events where site_id = 1 and at >= {0} "
      "and at < {1} and name = 'pageview'), avg(duration_ms) filter (where started_at >= {0}), "
      "avg(is_bounce::int) filter (where started_at >= {0}) from {2}",
      from, to, visits_in(from, to));
}

std::string chart() {
  return fmt::format(
      "select day, count(*) as n from (select distinct date_trunc('day', at at time zone 'UTC' at time zone "
      "'Europe/Berlin') as day, visitor_id from events where site_id = 1 and at >= {} and at < {} and name not in "
      "('engagement', 'vitals')) x group by day order by day",
      kFrom, kTo);
}

std::string visits_by(std::string_view columns) {
  return fmt::format(
      "select {0}, count(*) as n, count(*) over () from (select distinct {0}, visitor_id from {1}) x group by {0} "
      "order by n desc limit 9",
      columns, visits_in(kFrom, kTo));
}

std::string pages() {
  return fmt::format(
      "select path, count(*) as n, count(*) over () from (select distinct path, visitor_id from events where site_id = "
      "1 and at >= {} and at < {} and name not in ('engagement', 'vitals')) x group by path order by n desc limit 9",
      kFrom, kTo);
}

std::string goals() {
  const auto range = fmt::format("from events where site_id = 1 and at >= {} and at < {}", kFrom, kTo);
  return fmt::format(
      "select name, count(distinct visitor_id) as n, count(*) {0} and name in ('Signup', 'Download') group by name "
      "union all select 'Read', count(distinct visitor_id), count(*) {0} and name = 'pageview' and path like "
      "'/blog/article-1%' union all select 'To the end', count(distinct visitor_id), 0 {0} and name = 'engagement' and "
      "scroll_depth >= 75 and path like '/blog/%' order by n desc",
      range);
}

std::string properties() {
  return fmt::format(
      "select properties->>'plan', count(distinct visitor_id) as n, count(*) from events where site_id = 1 and at >= "
      "{} and at < {} and name = 'Signup' group by 1 order by n desc",
      kFrom, kTo);
}

std::string vitals() {
  std::string columns;
  for (const auto* vital : {"lcp", "inp", "cls", "fcp", "ttfb"}) {
    columns +=
        fmt::format("{}percentile_cont(0.75) within group (order by {})", columns.empty() ? "round(" : ", ", vital);
    if (std::string_view{vital} == "lcp") columns += ") as n";
  }
  return fmt::format("select {} from events where site_id = 1 and at >= {} and at < {} and name = 'vitals'", columns,
                     kFrom, kTo);
}

std::vector<Question> make() {
  std::vector<Question> all;
  all.push_back({"metric row with comparison",
                 ours(kMetrics, "", R"(,"include":{"comparisons":{"mode":"previous_period"}})"),
                 totals_between(kFromBefore, kToBefore) + "; " + totals_between(kFrom, kTo)});
  all.push_back(
      {"chart by day", ours(R"("visitors")", R"("time:day")", R"(,"include":{"time_labels":true})"), chart()});
  struct Card {
    const char* name;
    const char* dimensions;
    const char* column;
  };
  const std::vector<Card> cards{{"channels", R"("visit:channel")", "channel"},
                                {"sources", R"("visit:source")", "source"},
                                {"referrers", R"("visit:referrer")", "referrer"},
                                {"utm medium", R"("visit:utm_medium")", "utm_medium"},
                                {"utm source", R"("visit:utm_source")", "utm_source"},
                                {"utm campaign", R"("visit:utm_campaign")", "utm_campaign"},
                                {"utm content", R"("visit:utm_content")", "utm_content"},
                                {"utm term", R"("visit:utm_term")", "utm_term"},
                                {"pages", R"("event:page")", ""},
                                {"entry pages", R"("visit:entry_page")", "entry_page"},
                                {"exit pages", R"("visit:exit_page")", "exit_page"},
                                {"countries", R"("visit:country")", "country"},
                                {"regions", R"("visit:region_name","visit:country")", "region, country"},
                                {"cities", R"("visit:city_name","visit:country")", "city, country"},
                                {"browsers", R"("visit:browser")", "browser"},
                                {"systems", R"("visit:os")", "os"},
                                {"devices", R"("visit:device")", "device"},
                                {"screens", R"("visit:screen")", "screen"},
                                {"languages", R"("visit:language")", "language"}};
  constexpr std::string_view kMetricsOfCard = R"("visitors","percentage")";
  for (const auto& card : cards) {
    const std::string_view column{card.column};
    all.push_back(
        {card.name, ours(kMetricsOfCard, card.dimensions, kCard), column.empty() ? pages() : visits_by(column)});
  }
  all.push_back({"goals", ours(R"("visitors","events","conversion_rate")", R"("event:goal")"), goals()});
  all.push_back({"event property",
                 ours(R"("visitors","events","percentage")", R"("event:props:plan")",
                      R"(,"filters":[["is","event:name",["Signup"]]])"),
                 properties()});
  all.push_back({"web vitals", ours(R"("lcp_p75","inp_p75","cls_p75","fcp_p75","ttfb_p75")", ""), vitals()});
  all.push_back({"DE: metric row", ours(kMetrics, "", kGerman), "", true});
  all.push_back({"DE: chart by day", ours(R"("visitors")", R"("time:day")", kGerman), "", true});
  const auto filtered_card = std::string{kCard} + std::string{kGerman};
  for (const auto& card : cards) {
    all.push_back({fmt::format("DE: {}", card.name), ours(kMetricsOfCard, card.dimensions, filtered_card), "", true});
  }
  return all;
}

}  // namespace

const std::vector<Question>& questions() {
  static const std::vector<Question> made = make();
  return made;
}

}  // namespace mainstay::bench
