#include "modules/analytics/ledger.h"

#include "modules/analytics/sites/settings.h"

namespace mainstay::analytics {

void Ledger::add(SiteId site, std::string_view source, std::string_view reason, std::uint64_t count, Asked asked) {
  for (auto* text : {&asked.site, &asked.host}) {
    if (!is_plain_text(*text, kAskedBytesMax)) text->clear();
  }
  const bool named = asked != Asked{};
  if (named && asked_.size() >= kAskedMax && !asked_.contains(asked)) asked = {};
  if (asked != Asked{}) asked_.insert(asked);
  counts_[{site, std::string{source}, std::string{reason}, std::move(asked)}] += count;
}

void Ledger::add(const Ledger& more) {
  for (const auto& [key, count] : more.counts_) {
    const auto& [site, source, reason, asked] = key;
    add(site, source, reason, count, asked);
  }
}

void Ledger::clear() {
  counts_.clear();
  asked_.clear();
}

}  // namespace mainstay::analytics
