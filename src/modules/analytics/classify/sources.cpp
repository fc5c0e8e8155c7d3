#include "modules/analytics/classify/sources.h"

#include <algorithm>

#include "base/text.h"
#include "modules/analytics/classify/source_tables.h"

namespace mainstay::analytics {
namespace {

const SourceRow* find_row(std::span<const SourceRow> rows, std::string_view key) {
  const auto found = std::ranges::lower_bound(rows, key, {}, &SourceRow::key);
  return found != rows.end() && found->key == key ? &*found : nullptr;
}

/// True for what may follow a brand: "de", "com", "co.uk", "com.au".
bool is_country_ending(std::string_view ending) {
  constexpr std::size_t kEndingBytesMax = 6;
  const auto dot = ending.find('.');
  if (ending.size() < 2 || ending.size() > kEndingBytesMax) return false;
  return dot == std::string_view::npos ? ending.size() <= 3 : dot <= 3 && ending.size() - dot - 1 == 2;
}

/// `host` and what remains as labels are taken off its front, longest first.
template <class Visit>
auto for_each_parent(std::string_view host, Visit visit) -> decltype(visit(host)) {
  while (true) {
    if (auto found = visit(host)) return found;
    const auto dot = host.find('.');
    if (dot == std::string_view::npos) return {};
    host.remove_prefix(dot + 1);
  }
}

/// "google.co.uk" → the brand's row; also for brands of two labels ("translate.google.de").
const SourceRow* find_brand(std::string_view host) {
  for (auto dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
    if (!is_country_ending(host.substr(dot + 1))) continue;
    if (const auto* row = find_row(source_brands(), host.substr(0, dot))) return row;
  }
  return nullptr;
}

}  // namespace

Source source_of_host(std::string_view host) {
  const auto* row = for_each_parent(host, [](std::string_view name) -> const SourceRow* {
    const auto* exact = find_row(source_hosts(), name);
    return exact != nullptr ? exact : find_brand(name);
  });
  return row == nullptr ? Source{} : Source{.name = row->name, .kind = row->kind};
}

Source source_of_name(std::string_view name) {
  const auto lower = to_lower_ascii(name);
  if (const auto* row = find_row(source_names(), lower)) return {.name = row->name, .kind = row->kind};
  return lower.find('.') == std::string::npos ? Source{} : source_of_host(lower);
}

bool is_spam_host(std::string_view host) {
  return for_each_parent(host, [](std::string_view name) { return std::ranges::binary_search(spam_hosts(), name); });
}

}  // namespace mainstay::analytics
