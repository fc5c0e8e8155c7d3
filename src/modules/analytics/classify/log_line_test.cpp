#include "modules/analytics/classify/log_line.h"

#include <gtest/gtest.h>

#include <vector>

namespace mainstay::analytics {
namespace {

constexpr std::string_view kCombined =
    R"x(192.0.2.7 - - [17/May/2015:10:05:03 +0200] "GET /shop/?a=1 HTTP/1.1" 200 5316 "https://example.net/" "Mozilla/5.0 (X11)")x";
constexpr std::string_view kCommon = R"(192.0.2.7 - frank [17/May/2015:10:05:03 +0000] "GET / HTTP/1.0" 304 -)";
constexpr std::string_view kVhostCombined =
    R"(shop.example.com:443 2001:db8::7 - - [17/May/2015:10:05:03 +0000] "POST /x HTTP/2.0" 404 0 "-" "-")";
constexpr std::string_view kVhostCommon =
    R"(shop.example.com 192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1)";
constexpr std::string_view kNginx =
    R"({"time_iso8601":"2015-05-17T10:05:03+02:00","remote_addr":"192.0.2.7","request":"GET /a\"b HTTP/1.1","status":"200","body_bytes_sent":"77","http_referer":"-","http_user_agent":"Mozilla/5.0","host":"example.com"})";
constexpr std::string_view kNginxParts =
    R"({"msec":"1431857103.250","remote_addr":"192.0.2.7","request_method":"GET","request_uri":"/a?b","server_protocol":"HTTP/2.0","status":206,"bytes_sent":78,"server_name":"_"})";
constexpr std::string_view kCaddy =
    R"({"level":"info","ts":1431857103.5,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"10.0.0.1","remote_port":"5000","client_ip":"192.0.2.7","proto":"HTTP/2.0","method":"GET","host":"example.com:443","uri":"/x","headers":{"User-Agent":["curl/8"],"Referer":["https://example.net/"]}},"bytes_read":0,"duration":0.1,"size":2326,"status":200})";
constexpr std::string_view kTraefik =
    R"({"ClientAddr":"192.0.2.7:5000","ClientHost":"192.0.2.7","DownstreamContentSize":12,"DownstreamStatus":200,"RequestHost":"example.com","RequestMethod":"GET","RequestPath":"/p","RequestProtocol":"HTTP/1.1","StartUTC":"2015-05-17T08:05:03.123456789Z","request_User-Agent":"Mozilla/5.0","request_Referer":"https://example.net/","level":"info","msg":"","time":"2015-05-17T08:05:04Z"})";
constexpr std::string_view kTraefikText =
    R"(192.0.2.7 - - [17/May/2015:08:05:03 +0000] "GET /p HTTP/1.1" 200 12 "-" "curl/8" 7 "web@docker" "http://10.0.0.2:80" 3ms)";

struct Sample {
  LogFormat format;
  std::string_view line;
};

const std::vector<Sample> kSamples{{LogFormat::kCombined, kCombined},
                                   {LogFormat::kCommon, kCommon},
                                   {LogFormat::kVhostCombined, kVhostCombined},
                                   {LogFormat::kVhostCommon, kVhostCommon},
                                   {LogFormat::kNginxJson, kNginx},
                                   {LogFormat::kNginxJson, kNginxParts},
                                   {LogFormat::kCaddy, kCaddy},
                                   {LogFormat::kTraefik, kTraefik},
                                   {LogFormat::kTraefik, kTraefikText}};

Instant at(std::string_view text) { return parse_rfc3339(text).value(); }

bool parses(LogFormat format, std::string_view text) {
  LogParser parser{format};
  LogLine line;
  return parser.parse(text, line);
}

TEST(LogParser, combined_lines_are_read_whole) {
  LogParser parser{LogFormat::kCombined};
  LogLine line;
  ASSERT_TRUE(parser.parse(kCombined, line));
  EXPECT_EQ(line.address, "192.0.2.7");
  EXPECT_EQ(line.host, "");
  EXPECT_EQ(line.method, "GET");
  EXPECT_EQ(line.target, "/shop/?a=1");
  EXPECT_EQ(line.protocol, "HTTP/1.1");
  EXPECT_EQ(line.referrer, "https://example.net/");
  EXPECT_EQ(line.user_agent, "Mozilla/5.0 (X11)");
  EXPECT_EQ(line.at, at("2015-05-17T08:05:03Z"));
  EXPECT_EQ(line.status, 200);
  EXPECT_EQ(line.bytes, 5316);
  const std::string with_line_end = std::string{kCombined} + "\r\n";
  EXPECT_TRUE(parser.parse(with_line_end, line));
  EXPECT_EQ(line.user_agent, "Mozilla/5.0 (X11)");
}

TEST(LogParser, common_and_virtual_host_lines_are_read) {
  LogLine line;
  ASSERT_TRUE(LogParser{LogFormat::kCommon}.parse(kCommon, line));
  EXPECT_EQ(line.status, 304);
  EXPECT_EQ(line.bytes, 0);
  EXPECT_EQ(line.user_agent, "");
  ASSERT_TRUE(LogParser{LogFormat::kVhostCombined}.parse(kVhostCombined, line));
  EXPECT_EQ(line.host, "shop.example.com");
  EXPECT_EQ(line.address, "2001:db8::7");
  EXPECT_EQ(line.method, "POST");
  EXPECT_EQ(line.referrer, "");
  EXPECT_EQ(line.user_agent, "");
  ASSERT_TRUE(LogParser{LogFormat::kVhostCommon}.parse(kVhostCommon, line));
  EXPECT_EQ(line.host, "shop.example.com");
}

TEST(LogParser, nginx_json_is_read) {
  LogParser parser{LogFormat::kNginxJson};
  LogLine line;
  ASSERT_TRUE(parser.parse(kNginx, line));
  EXPECT_EQ(line.target, "/a\"b");
  EXPECT_EQ(line.at, at("2015-05-17T08:05:03Z"));
  EXPECT_EQ(line.bytes, 77);
  EXPECT_EQ(line.referrer, "");
  EXPECT_EQ(line.host, "example.com");
  ASSERT_TRUE(parser.parse(kNginxParts, line));
  EXPECT_EQ(line.target, "/a?b");
  EXPECT_EQ(line.at, at("2015-05-17T10:05:03.25Z"));
  EXPECT_EQ(line.status, 206);
  EXPECT_EQ(line.bytes, 78);
  EXPECT_EQ(line.host, "");
}

TEST(LogParser, nginx_json_without_json_escapes_is_read_too) {
  LogParser parser{LogFormat::kNginxJson};
  LogLine line;
  ASSERT_TRUE(parser.parse(
      R"({"msec":1431857103,"remote_addr":"192.0.2.7","request":"GET /\x22\x5C HTTP/1.1","status":200,"http_user_agent":"a\\xb\x41"})",
      line));
  EXPECT_EQ(line.target, "/\"\\");
  EXPECT_EQ(line.user_agent, "a\\xbA");
}

TEST(LogParser, caddy_is_read) {
  LogParser parser{LogFormat::kCaddy};
  LogLine line;
  ASSERT_TRUE(parser.parse(kCaddy, line));
  EXPECT_EQ(line.address, "192.0.2.7");
  EXPECT_EQ(line.host, "example.com");
  EXPECT_EQ(line.target, "/x");
  EXPECT_EQ(line.user_agent, "curl/8");
  EXPECT_EQ(line.referrer, "https://example.net/");
  EXPECT_EQ(line.at, at("2015-05-17T10:05:03.5Z"));
  EXPECT_EQ(line.bytes, 2326);
}

TEST(LogParser, traefik_is_read_in_both_forms) {
  LogParser parser{LogFormat::kTraefik};
  LogLine line;
  ASSERT_TRUE(parser.parse(kTraefik, line));
  EXPECT_EQ(line.address, "192.0.2.7");
  EXPECT_EQ(line.host, "example.com");
  EXPECT_EQ(line.at, at("2015-05-17T08:05:03.123456Z"));
  EXPECT_EQ(line.bytes, 12);
  EXPECT_EQ(line.user_agent, "Mozilla/5.0");
  ASSERT_TRUE(parser.parse(kTraefikText, line));
  EXPECT_EQ(line.user_agent, "curl/8");
  EXPECT_EQ(line.at, at("2015-05-17T08:05:03Z"));
}

TEST(LogParser, an_agent_that_the_log_does_not_keep_is_not_a_missing_one) {
  const std::vector<std::pair<Sample, bool>> cases{
      {{LogFormat::kCombined, kCombined}, true},
      {{LogFormat::kCombined, R"(192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "-")"}, true},
      {{LogFormat::kCommon, kCommon}, false},
      {{LogFormat::kNginxJson, kNginx}, true},
      {{LogFormat::kNginxJson, kNginxParts}, false},
      {{LogFormat::kCaddy, kCaddy}, true},
      {{LogFormat::kCaddy,
        R"({"ts":1431857103.5,"request":{"client_ip":"192.0.2.7","method":"GET","uri":"/x"},"status":200})"},
       false},
      {{LogFormat::kTraefik, kTraefik}, true},
      // What Traefik writes unless it was told to keep headers.
      {{LogFormat::kTraefik,
        R"({"ClientHost":"192.0.2.7","DownstreamStatus":200,"RequestMethod":"GET","RequestPath":"/p","StartUTC":"2015-05-17T08:05:03Z"})"},
       false},
      {{LogFormat::kTraefik, kTraefikText}, true},
      {{LogFormat::kTraefik,
        R"(192.0.2.7 - - [17/May/2015:08:05:03 +0000] "GET /p HTTP/1.1" 200 12 "-" "-" 7 "web@docker" "http://10.0.0.2:80" 3ms)"},
       false}};
  for (const auto& [sample, logged] : cases) {
    SCOPED_TRACE(sample.line);
    LogParser parser{sample.format};
    LogLine line;
    ASSERT_TRUE(parser.parse(sample.line, line));
    EXPECT_EQ(line.agent_logged, logged);
  }
}

TEST(LogParser, escapes_are_undone) {
  LogParser parser{LogFormat::kCombined};
  LogLine line;
  ASSERT_TRUE(parser.parse(
      R"(192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /\x22q\x22 HTTP/1.1" 200 1 "-" "say \"hi\" \\ there\x20\xZZ")",
      line));
  EXPECT_EQ(line.target, "/\"q\"");
  EXPECT_EQ(line.user_agent, "say \"hi\" \\ there \\xZZ");
}

TEST(LogParser, a_user_with_blanks_and_brackets_is_skipped) {
  LogParser parser{LogFormat::kCombined};
  LogLine line;
  ASSERT_TRUE(
      parser.parse(R"(192.0.2.7 - Jo [the] Doe [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "x")", line));
  EXPECT_EQ(line.user_agent, "x");
}

TEST(LogParser, a_request_that_is_none_is_kept_without_method) {
  LogParser parser{LogFormat::kCombined};
  LogLine line;
  ASSERT_TRUE(parser.parse(R"(192.0.2.7 - - [17/May/2015:10:05:03 +0000] "\x16\x03\x01" 400 226 "-" "-")", line));
  EXPECT_EQ(line.method, "");
  EXPECT_EQ(line.status, 400);
  ASSERT_TRUE(parser.parse(R"(192.0.2.7 - - [17/May/2015:10:05:03 +0000] "-" 408 - "-" "-")", line));
  EXPECT_EQ(line.target, "");
  ASSERT_TRUE(parser.parse(R"(192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /a b c HTTP/1.1" 200 1 "-" "-")", line));
  EXPECT_EQ(line.target, "/a b c");
}

TEST(LogParser, times_are_checked_and_zones_counted) {
  LogParser parser{LogFormat::kCommon};
  LogLine line;
  const auto with_time = [](std::string_view time) {
    return "192.0.2.7 - - [" + std::string{time} + "] \"GET / HTTP/1.1\" 200 1";
  };
  ASSERT_TRUE(parser.parse(with_time("29/Feb/2024:23:59:59 -0330"), line));
  EXPECT_EQ(line.at, at("2024-03-01T03:29:59Z"));
  ASSERT_TRUE(parser.parse(with_time("29/Feb/2024:23:59:01 -0330"), line));
  EXPECT_EQ(line.at, at("2024-03-01T03:29:01Z"));
  ASSERT_TRUE(parser.parse(with_time("29/Feb/2024:23:59:01 +0330"), line));
  EXPECT_EQ(line.at, at("2024-02-29T20:29:01Z"));
  for (const std::string_view bad :
       {"29/Feb/2023:00:00:00 +0000", "32/May/2015:00:00:00 +0000", "01/Foo/2015:00:00:00 +0000", "",
        "01/May/2015:24:00:00 +0000", "01/May/2015:00:60:00 +0000", "01/May/2015:00:00:61 +0000",
        "01/May/2015:00:00:00 *0000", "01/May/2015:00:00:00 +9900", "01/May/2015 00:00:00 +0000",
        "1/May/2015:00:00:00 +0000", "01/May/2015:0x:00:00 +0000"}) {
    EXPECT_FALSE(parser.parse(with_time(bad), line)) << bad;
  }
}

TEST(LogParser, garbage_is_unparsable_and_never_more) {
  const std::string head = "192.0.2.7 - - [17/May/2015:10:05:03 +0000] ";
  const std::vector<std::string> garbage{
      "",
      " ",
      "\n",
      "hello",
      "{",
      "{}",
      "[]",
      "{\"status\":200}",
      head,
      head + "\"GET / HTTP/1.1\"",
      head + "\"GET / HTTP/1.1\" 20 1 \"-\" \"-\"",
      head + "\"GET / HTTP/1.1\" 2000 1 \"-\" \"-\"",
      head + "\"GET / HTTP/1.1\" 099 1 \"-\" \"-\"",
      head + "\"GET / HTTP/1.1\" 200 -5 \"-\" \"-\"",
      head + "\"GET / HTTP/1.1\" 200 99999999999999999999 \"-\" \"-\"",
      head + "\"GET / HTTP/1.1 200 1",
      head + "\"GET / HTTP/1.1\" 200 1 \"-\" \"\x01\"",
      std::string(100'000, 'a'),
      std::string(1000, '"'),
      std::string("\0\0\0", 3),
      "\xff\xfe\xfd",
      R"({"remote_addr":"1.2.3.4","request":"GET / HTTP/1.1","status":-200,"time_iso8601":"2015-05-17T08:05:03Z"})",
      R"({"remote_addr":"1.2.3.4","request":"GET / HTTP/1.1","status":200,"time_iso8601":"never"})",
      R"({"remote_addr":"1.2.3.4","request":"GET / HTTP/1.1","status":200,"bytes_sent":-1,"time_iso8601":"2015-05-17T08:05:03Z"})",
      R"({"remote_addr":"1.2.3.4","request":"GET / HTTP/1.1","status":1e300,"msec":1e300})",
      R"({"request":{"uri":7,"headers":[]},"ts":{},"status":[]})",
      std::string(5000, '{'),
      "{\"a\":" + std::string(2000, '[')};
  for (const auto& sample : kSamples) {
    for (const auto& line : garbage) EXPECT_FALSE(parses(sample.format, line)) << line.substr(0, 100);
  }
}

TEST(LogParser, an_agent_that_was_cut_off_goes_to_the_end_of_the_line) {
  const std::string head = R"(192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-")";
  LogParser parser{LogFormat::kCombined};
  LogLine line;
  for (const auto& [end, agent] :
       {std::pair{R"( "Mozilla/5.0 (compatible; Googlebot)", R"(Mozilla/5.0 (compatible; Googlebot)"},
        std::pair{R"( "cut at \")", R"(cut at ")"},
        std::pair{R"( "an escaped backslash \\")", R"(an escaped backslash \)"}}) {
    const std::string text = head + end;  // the line's fields are views of it
    ASSERT_TRUE(parser.parse(text, line)) << text;
    EXPECT_EQ(line.user_agent, agent);
  }
  EXPECT_FALSE(parser.parse(head, line));
  EXPECT_FALSE(parser.parse(head + " ", line));
  EXPECT_FALSE(parser.parse(head + " Mozilla", line));
}

TEST(LogParser, every_cut_of_a_line_is_survived) {
  for (const auto& sample : kSamples) {
    LogParser parser{sample.format};
    LogLine line;
    for (std::size_t size = 0; size <= sample.line.size(); ++size) {
      const std::string cut{sample.line.substr(0, size)};
      const bool read = parser.parse(cut, line);
      if (read) EXPECT_GE(line.status, 100);
    }
    EXPECT_TRUE(parser.parse(sample.line, line));
  }
}

TEST(LogFormat, names_go_both_ways) {
  for (const std::string_view name :
       {"common", "combined", "vhost_common", "vhost_combined", "nginx_json", "caddy", "traefik"}) {
    const auto format = parse_format_name(name);
    ASSERT_TRUE(format) << name;
    EXPECT_EQ(format_name(*format), name);
  }
  EXPECT_FALSE(parse_format_name("auto"));
  EXPECT_FALSE(parse_format_name("Combined"));
}

TEST(LogFormat, is_detected_from_the_first_lines) {
  for (const auto& sample : kSamples) {
    const std::vector<std::string_view> lines{sample.line, "garbage", sample.line};
    const bool of_its_own = sample.line.starts_with('{') || sample.format == LogFormat::kTraefik;
    EXPECT_EQ(detect_format(lines), of_its_own ? sample.format : LogFormat::kAnyText) << sample.line;
  }
  EXPECT_EQ(detect_format({}), std::nullopt);
  const std::vector<std::string_view> garbage{"a", kCombined, "c"};
  EXPECT_EQ(detect_format(garbage), std::nullopt);
}

TEST(LogFormat, of_a_text_line_that_was_found_out_is_the_richest_of_its_own) {
  LogParser parser{LogFormat::kAnyText};
  for (const auto& [format, text] : kSamples) {
    if (text.starts_with('{')) continue;
    SCOPED_TRACE(text);
    LogParser named{format};
    LogLine line;
    LogLine expected;
    ASSERT_TRUE(parser.parse(text, line));
    ASSERT_TRUE(named.parse(text, expected));
    EXPECT_EQ(line.address, expected.address);
    EXPECT_EQ(line.host, expected.host);
    EXPECT_EQ(line.target, expected.target);
    EXPECT_EQ(line.referrer, expected.referrer);
    EXPECT_EQ(line.user_agent, expected.user_agent);
    EXPECT_EQ(line.agent_logged, expected.agent_logged);
    EXPECT_EQ(line.at, expected.at);
    EXPECT_EQ(line.status, expected.status);
    EXPECT_EQ(line.bytes, expected.bytes);
  }
  LogLine line;
  ASSERT_TRUE(parser.parse(kCombined.substr(0, kCombined.find("example.net")), line));
  EXPECT_EQ(line.referrer, "");
  EXPECT_FALSE(line.agent_logged);
}

struct KindCase {
  std::string_view method, target;
  int status;
  LineKind kind;
};

TEST(LineKind, follows_method_file_and_status) {
  const std::vector<KindCase> cases{
      {"GET", "/", 200, LineKind::kPageView},
      {"GET", "/about.html?x=.png", 200, LineKind::kPageView},
      {"GET", "/v1.2/notes", 206, LineKind::kPageView},
      {"GET", "/a.", 304, LineKind::kPageView},
      {"GET", "/index.php", 200, LineKind::kPageView},
      {"HEAD", "/", 200, LineKind::kMethod},
      {"POST", "/", 200, LineKind::kMethod},
      {"GET", "/app.CSS?v=1", 200, LineKind::kStaticFile},
      {"GET", "/app.js.map", 404, LineKind::kStaticFile},
      {"GET", "/favicon.ico", 404, LineKind::kStaticFile},
      {"GET", "/f.woff2", 200, LineKind::kStaticFile},
      {"GET", "/robots.txt", 200, LineKind::kStaticFile},
      {"GET", "/feed.xml", 200, LineKind::kStaticFile},
      {"GET", "/doc.pdf", 200, LineKind::kDownload},
      {"GET", "/src.tar.gz", 206, LineKind::kDownload},
      {"GET", "/x.ZIP", 200, LineKind::kDownload},
      {"GET", "/x.zip", 404, LineKind::kNotFound},
      {"GET", "/gone", 404, LineKind::kNotFound},
      {"GET", "/gone", 410, LineKind::kNotFound},
      {"GET", "/old", 301, LineKind::kRedirect},
      {"GET", "/admin", 403, LineKind::kErrorStatus},
      {"GET", "/", 500, LineKind::kErrorStatus},
      {"GET", "/", 204, LineKind::kErrorStatus},
      {"", "\x16\x03", 400, LineKind::kErrorStatus},
      {"GET", "/a.waytoolongextension", 200, LineKind::kPageView},
  };
  for (const auto& expected : cases) {
    const LogLine line{.method = expected.method, .target = expected.target, .status = expected.status};
    EXPECT_EQ(line_kind(line), expected.kind) << expected.method << " " << expected.target << " " << expected.status;
  }
}

}  // namespace
}  // namespace mainstay::analytics
