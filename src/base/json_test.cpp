#include "base/json.h"

#include <gtest/gtest.h>

namespace mainstay::json {

enum class Colour { kDarkRed, kBlue };
BOOST_DESCRIBE_ENUM(Colour, kDarkRed, kBlue)

struct Inner {
  double share = 0;
  std::optional<Colour> colour;
};
BOOST_DESCRIBE_STRUCT(Inner, (), (share, colour))

struct Outer {
  std::string name;
  std::int32_t count = 0;
  std::vector<Inner> parts;
  std::map<std::string, bool> flags;
  std::optional<Instant> at;
};
BOOST_DESCRIBE_STRUCT(Outer, (), (name, count, parts, flags, at))

namespace {

TEST(Json, a_described_struct_survives_writing_and_reading) {
  Outer outer{.name = "a \"b\"",
              .count = -3,
              .parts = {{.share = 72.6, .colour = Colour::kDarkRed}, {}},
              .flags = {{"x", true}}};
  outer.at = from_micros(1'700'000'000'000'000);
  const auto text = write(outer);
  EXPECT_EQ(text,
            R"({"name":"a \"b\"","count":-3,"parts":[{"share":72.6,"colour":"dark_red"},{"share":0,"colour":null}],)"
            R"("flags":{"x":true},"at":"2023-11-14T22:13:20Z"})");
  const auto back = read<Outer>(text);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(write(*back), text);
}

TEST(Json, every_field_at_fault_is_named) {
  const auto refused = read<Outer>(R"({"name":5,"count":1e9999,"parts":[{"share":"x"}],"flags":{},"extra":1})");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(read<Outer>("{").error().code, "json.malformed");
  const auto wrong = read<Outer>(R"({"name":5,"count":3000000000,"parts":[{"share":"x"}],"flags":{},"extra":1})");
  ASSERT_FALSE(wrong.has_value());
  std::vector<std::string> fields;
  for (const auto& error : wrong.error().errors) fields.push_back(error.field);
  EXPECT_EQ(fields, (std::vector<std::string>{"/name", "/count", "/parts/0/share", "/extra"}));
}

TEST(Json, depth_and_encoding_have_limits) {
  EXPECT_FALSE(parse(std::string(100, '[') + std::string(100, ']')).has_value());
  EXPECT_FALSE(parse("\"\xff\"").has_value());
}

TEST(Json, numbers_are_written_as_people_write_them) {
  EXPECT_EQ(to_text(Array{0.0, 100.0, 72.6, -0.5, 1e21, 7}), "[0,100,72.6,-0.5,1e+21,7]");
}

TEST(Json, a_schema_names_fields_types_and_what_is_required) {
  const auto schema = schema_of<Outer>();
  EXPECT_EQ(schema.at("required"), (Array{"name", "count", "parts", "flags"}));
  EXPECT_EQ(schema.at("properties").at("at").at("type"), (Array{"string", "null"}));
}

}  // namespace
}  // namespace mainstay::json
