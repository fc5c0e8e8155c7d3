// How fast log lines are read, alone and with all that an import asks of each.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>
#include <vector>

#include "modules/analytics/classify/agent.h"
#include "modules/analytics/classify/log_line.h"
#include "modules/analytics/classify/match.h"
#include "modules/analytics/classify/network.h"
#include "modules/analytics/classify/page_url.h"
#include "modules/analytics/classify/referrer.h"

namespace {

using namespace mainstay::analytics;

constexpr std::string_view kAgents[] = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"};
constexpr std::string_view kReferrers[] = {"https://www.google.com/", "-", "https://blog.example.net/a/post?id=7",
                                           "https://example.com/shop"};

/// Combined lines of about 200 bytes, ten a second.
std::vector<std::string> combined_lines() {
  std::vector<std::string> lines;
  for (int i = 0; i < 4096; ++i) {
    const auto kind = static_cast<std::size_t>(i) % 4;
    const auto second = i / 10 % 60;
    lines.push_back("203.0." + std::to_string(i % 200) + "." + std::to_string(i % 250) +
                    " - - [17/May/2015:10:" + std::to_string(10 + i / 600) + ":" + (second < 10 ? "0" : "") +
                    std::to_string(second) + " +0000] \"GET /products/item-" + std::to_string(i % 300) +
                    "?utm_source=newsletter&x=1 HTTP/1.1\" 200 " + std::to_string(i * 7) + " \"" +
                    std::string{kReferrers[kind]} + "\" \"" + std::string{kAgents[kind]} + "\"");
  }
  return lines;
}

void parse_combined(benchmark::State& state) {
  const auto lines = combined_lines();
  LogParser parser{LogFormat::kCombined};
  LogLine line;
  std::size_t next = 0;
  std::size_t bytes = 0;
  for (auto _ : state) {
    const auto& text = lines[next++ % lines.size()];
    if (!parser.parse(text, line)) state.SkipWithError("a line did not parse");
    benchmark::DoNotOptimize(line);
    bytes += text.size();
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(parse_combined);

void parse_caddy(benchmark::State& state) {
  constexpr std::string_view kLine =
      R"x({"level":"info","ts":1431857103.5,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"192.0.2.7","remote_port":"5000","client_ip":"192.0.2.7","proto":"HTTP/2.0","method":"GET","host":"example.com","uri":"/x","headers":{"User-Agent":["curl/8"],"Accept":["*/*"]}},"bytes_read":0,"duration":0.1,"size":2326,"status":200,"resp_headers":{"Server":["Caddy"]}})x";
  LogParser parser{LogFormat::kCaddy};
  LogLine line;
  for (auto _ : state) {
    if (!parser.parse(kLine, line)) state.SkipWithError("a line did not parse");
    benchmark::DoNotOptimize(line);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(parse_caddy);

void judge_combined(benchmark::State& state) {
  const auto lines = combined_lines();
  const Agents agents;
  LogParser parser{LogFormat::kCombined};
  LogLine line;
  std::size_t next = 0;
  for (auto _ : state) {
    if (!parser.parse(lines[next++ % lines.size()], line)) state.SkipWithError("a line did not parse");
    benchmark::DoNotOptimize(line_kind(line));
    benchmark::DoNotOptimize(IpAddress::parse(line.address));
    const auto page = parse_request_target("example.com", line.target);
    const auto referrer = parse_referrer(line.referrer, page->hostname);
    benchmark::DoNotOptimize(classify_arrival(*page, referrer));
    benchmark::DoNotOptimize(registrable_domain(page->hostname));
    benchmark::DoNotOptimize(agents.look_up(line.user_agent));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(judge_combined);

void known_agent(benchmark::State& state) {
  const Agents agents;
  for (auto _ : state) benchmark::DoNotOptimize(agents.look_up(kAgents[0]));
}
BENCHMARK(known_agent);

void new_agent(benchmark::State& state) {
  const Agents agents;
  std::size_t next = 0;
  for (auto _ : state) benchmark::DoNotOptimize(agents.parse(kAgents[next++ % std::size(kAgents)]));
}
BENCHMARK(new_agent);

}  // namespace
