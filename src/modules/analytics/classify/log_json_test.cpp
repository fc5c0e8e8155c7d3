#include "modules/analytics/classify/log_json.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace mainstay::analytics {
namespace {

Instant at(std::string_view text) { return parse_rfc3339(text).value(); }

/// An access log's line of Caddy with `ts` as it is given.
std::string caddy_line(std::string_view ts) {
  return R"({"ts":)" + std::string{ts} +
         R"(,"request":{"client_ip":"192.0.2.7","method":"GET","host":"example.com","uri":"/x"},"size":1,"status":200})";
}

TEST(JsonLog, caddys_times_are_read_in_each_form_that_names_an_instant) {
  JsonLog log;
  const std::vector<std::pair<std::string_view, std::string_view>> cases{
      {"1431857103.25", "2015-05-17T10:05:03.25Z"},
      {"1431857103250.125", "2015-05-17T10:05:03.250125Z"},  // unix_milli_float
      {"1431857103250", "2015-05-17T10:05:03.25Z"},          // the same without a fraction
      {"1431857103250000000", "2015-05-17T10:05:03.25Z"},    // unix_nano
      {"\"1431857103250000000\"", "2015-05-17T10:05:03.25Z"},
      {"\"2015-05-17T10:05:03.250Z\"", "2015-05-17T10:05:03.25Z"},  // iso8601
      {"\"2015-05-17T12:05:03.250+0200\"", "2015-05-17T10:05:03.25Z"},
      {"\"2015-05-17T06:35:03.250-0330\"", "2015-05-17T10:05:03.25Z"},
      {"\"2015-05-17T12:05:03+02:00\"", "2015-05-17T10:05:03Z"},  // rfc3339
      {"\"2015-05-17T12:05:03.250123456+02:00\"", "2015-05-17T10:05:03.250123Z"},
      {"\"17/May/2015:12:05:03 +0200\"", "2015-05-17T10:05:03Z"}};  // common_log
  for (const auto& [ts, expected] : cases) {
    LogLine line;
    ASSERT_TRUE(log.caddy(caddy_line(ts), line)) << ts;
    EXPECT_EQ(line.at, at(expected)) << ts;
  }
  for (const std::string_view none :
       {"\"2015/05/17 10:05:03\"", "\"2015/05/17 10:05:03.250\"",  // wall: of which zone?
        "\"2015-05-17T10:05:03\"", "\"2015-05-17T10:05:03.250+02\"", "\"2015-05-17T10:05:03.250+2500\"", "\"+0200\"",
        "0", "-1431857103", "1e19", "true", "[]"}) {
    LogLine line;
    EXPECT_FALSE(log.caddy(caddy_line(none), line)) << none;
  }
}

TEST(JsonLog, a_numbers_unit_shows_by_its_size_in_every_format) {
  JsonLog log;
  LogLine line;
  for (const std::string_view msec : {"1431857103.25", "1431857103250", "1431857103250000", "1431857103250000000"}) {
    const auto text =
        R"({"msec":)" + std::string{msec} + R"(,"remote_addr":"192.0.2.7","request":"GET / HTTP/1.1","status":200})";
    ASSERT_TRUE(log.nginx(text, line)) << msec;
    EXPECT_EQ(line.at, at("2015-05-17T10:05:03.25Z")) << msec;
  }
}

}  // namespace
}  // namespace mainstay::analytics
