#include "modules/analytics/ledger.h"

#include <gtest/gtest.h>

namespace mainstay::analytics {
namespace {

std::size_t named(const Ledger& ledger) {
  std::size_t count = 0;
  for (const auto& [key, ignored] : ledger.counts()) count += std::get<Asked>(key) == Asked{} ? 0 : 1;
  return count;
}

TEST(Ledger, counts_by_site_source_reason_and_what_was_asked_for) {
  Ledger ledger;
  ledger.add(SiteId{}, "collector", "unknown_site", 1, {.site = "exmaple.com", .host = "example.com"});
  ledger.add(SiteId{}, "collector", "unknown_site", 2, {.site = "exmaple.com", .host = "example.com"});
  ledger.add(SiteId{}, "collector", "unknown_site", 1, {.site = "exmaple.com", .host = "www.example.com"});
  ledger.add(SiteId{7}, "collector", "foreign_origin", 5);
  const Ledger::Key asked{SiteId{}, "collector", "unknown_site", {.site = "exmaple.com", .host = "example.com"}};
  EXPECT_EQ(ledger.counts().at(asked), 3U);
  EXPECT_EQ(ledger.counts().size(), 3U);
  ledger.clear();
  EXPECT_TRUE(ledger.empty());
}

TEST(Ledger, names_only_so_many_and_counts_the_rest) {
  Ledger ledger;
  for (std::size_t i = 0; i < 10 * Ledger::kAskedMax; ++i) {
    ledger.add(SiteId{}, "collector", "unknown_site", 1, {.site = std::to_string(i), .host = ""});
  }
  ledger.add(SiteId{}, "collector", "unknown_site", 1, {.site = "0", .host = ""});
  EXPECT_EQ(named(ledger), Ledger::kAskedMax);
  EXPECT_EQ(ledger.counts().at({SiteId{}, "collector", "unknown_site", {}}), 9 * Ledger::kAskedMax);
  EXPECT_EQ(ledger.counts().at({SiteId{}, "collector", "unknown_site", {.site = "0", .host = ""}}), 2U);
}

TEST(Ledger, never_names_what_is_long_or_no_plain_text) {
  Ledger ledger;
  for (const auto& text : {std::string(Ledger::kAskedBytesMax + 1, 'x'), std::string{"a\nb"}, std::string{"\xff"}}) {
    ledger.add(SiteId{}, "collector", "unknown_site", 1, {.site = text, .host = text});
  }
  EXPECT_EQ(named(ledger), 0U);
  EXPECT_EQ(ledger.counts().begin()->second, 3U);
}

}  // namespace
}  // namespace mainstay::analytics
