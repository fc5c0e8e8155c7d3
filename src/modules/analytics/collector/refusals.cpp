#include "modules/analytics/collector/refusals.h"

#include <fmt/format.h>

#include <algorithm>

namespace mainstay::analytics {
namespace {

constexpr std::string_view kReasons[] = {
    // who may send
    "unknown_site", "wrong_site_key", "site_key_required", "no_origin", "foreign_origin", "rate_limited",
    "sign_in_required", "not_permitted",
    // what does not count
    "gpc", "dnt", "foreign_page", "spam_referrer", "excluded_path", "excluded_host", "excluded_network",
    "excluded_country",
    // what cannot be read
    "malformed", "bad_event", "bad_url", "too_many_events", "unsupported_media", "unsupported_encoding",
    "unknown_encoding", "bad_encoding", "compression_bomb", "body_too_large", "body_timeout", "bad_chunk",
    "unknown_log_format", "too_many_imports", "bad_piece", "piece_out_of_order",
    // what there was no room for
    "queue_full", "body_memory", "unavailable", "internal", "other"};

}  // namespace

Refusals::Refusals(metrics::Registry& metrics, Processor& processor) : processor_(processor) {
  for (const auto reason : kReasons) {
    by_reason_.emplace_back(reason, &metrics.counter("mainstay_analytics_refused_total",
                                                     "Requests and hits that the collector did not take.",
                                                     fmt::format("reason=\"{}\"", reason)));
  }
}

void Refusals::count(SiteId site, std::string_view code, Asked asked) {
  const auto reason = code == "stream.full" ? "queue_full" : code.substr(code.rfind('.') + 1);
  const auto found = std::ranges::find(by_reason_, reason, [](const auto& entry) { return entry.first; });
  const auto& [name, counter] = found == by_reason_.end() ? by_reason_.back() : *found;
  counter->add();
  processor_.count_refusal(site, "collector", name, 1, std::move(asked));
}

}  // namespace mainstay::analytics
