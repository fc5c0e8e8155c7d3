#include "modules/analytics/hit.h"

#include <gtest/gtest.h>

namespace mainstay::analytics {
namespace {

Hit full_hit() {
  Hit hit;
  hit.site = SiteId{1234567890123};
  hit.kind = Hit::Kind::kBot;
  hit.origin = Origin::kLog;
  hit.at = from_micros(1'700'000'000'123'456);
  hit.event_id = ~std::uint64_t{0};
  hit.visitor = 7;
  hit.visitor_before = 9;
  hit.visitor_day = 19'676;
  hit.name = "Signup";
  hit.interactive = false;
  hit.path = "/a b/ü";
  hit.bot_reason = "list";
  hit.scroll_depth = 55;
  hit.engagement_ms = 12'000;
  hit.revenue = -1.5;
  hit.cls = 0.25;
  hit.properties = {{"plan", "gold"}, {"", ""}};
  hit.status = 404;
  hit.bytes = 1'234'567'890'123;
  return hit;
}

TEST(HitRecord, every_field_survives_the_queue) {
  HitRecord back;
  ASSERT_TRUE(decode(encode(std::vector{full_hit(), Hit{}}, 42), back).has_value());
  EXPECT_EQ(back.batch, 42U);
  ASSERT_EQ(back.hits.size(), 2U);
  const auto& hit = back.hits.front();
  const auto wanted = full_hit();
  EXPECT_EQ(hit.site, wanted.site);
  EXPECT_EQ(hit.kind, wanted.kind);
  EXPECT_EQ(hit.origin, wanted.origin);
  EXPECT_EQ(hit.at, wanted.at);
  EXPECT_EQ(hit.event_id, wanted.event_id);
  EXPECT_EQ(hit.visitor, wanted.visitor);
  EXPECT_EQ(hit.visitor_before, wanted.visitor_before);
  EXPECT_EQ(hit.visitor_day, wanted.visitor_day);
  EXPECT_EQ(hit.name, wanted.name);
  EXPECT_EQ(hit.interactive, wanted.interactive);
  EXPECT_EQ(hit.path, wanted.path);
  EXPECT_EQ(hit.bot_reason, wanted.bot_reason);
  EXPECT_EQ(hit.scroll_depth, wanted.scroll_depth);
  EXPECT_EQ(hit.engagement_ms, wanted.engagement_ms);
  EXPECT_EQ(hit.revenue, wanted.revenue);
  EXPECT_EQ(hit.cls, wanted.cls);
  EXPECT_EQ(hit.lcp, std::nullopt);
  EXPECT_EQ(hit.properties, wanted.properties);
  EXPECT_EQ(hit.status, wanted.status);
  EXPECT_EQ(hit.bytes, wanted.bytes);
  EXPECT_TRUE(back.hits.back().interactive);
}

TEST(HitRecord, nothing_of_the_record_before_stays) {
  HitRecord record;
  ASSERT_TRUE(decode(encode(std::vector{full_hit(), full_hit()}, 42), record).has_value());
  const auto plain = encode(std::vector{Hit{}});
  ASSERT_TRUE(decode(plain, record).has_value());
  EXPECT_EQ(encode(record.hits, record.batch), plain);
}

TEST(HitRecord, a_record_cut_anywhere_is_poison) {
  HitRecord record;
  const auto bytes = encode(std::vector{full_hit(), full_hit()});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode(std::string_view{bytes}.substr(0, size), record).has_value()) << size;
  }
  EXPECT_FALSE(decode(bytes + "x", record).has_value());
}

TEST(HitRecord, a_record_with_absurd_counts_is_poison_and_takes_no_memory) {
  HitRecord record;
  EXPECT_EQ(decode("\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f", record).error().code, "analytics.poison_record");
  EXPECT_EQ(decode("\x02", record).error().code, "analytics.poison_record");
  EXPECT_EQ(decode("", record).error().code, "analytics.poison_record");
}

}  // namespace
}  // namespace mainstay::analytics
