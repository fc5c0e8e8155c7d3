-- Page views for wrk, each as a browser sends it with navigator.sendBeacon: many addresses, pages and agents.
-- usage: wrk -s beacons.lua URL -- SITE DOMAIN; prints one line of JSON after its own report.

local kRequests = 8192 -- prepared before the clock starts, so that the generator costs little
local kAddresses = 4096
local kPages = 200
local agents = {
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
  "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
}
local prepared, at = {}, 0

function init(args)
  local site, domain = args[1], args[2]
  for i = 1, kRequests do
    local visitor = (i * 7919) % kAddresses
    local body = string.format('{"n":"pageview","d":"%s","u":"https://%s/articles/%d","r":"https://www.google.com/","w":1440}',
      site, domain, (i * 31) % kPages)
    prepared[i] = wrk.format("POST", "/api/v1/beacon", {
      ["Content-Type"] = "text/plain",
      ["Origin"] = "https://" .. domain,
      ["Referer"] = "https://" .. domain .. "/",
      ["User-Agent"] = agents[visitor % #agents + 1],
      ["Accept"] = "*/*",
      ["Accept-Language"] = "en-GB,en;q=0.8",
      ["Accept-Encoding"] = "gzip, deflate, br",
      ["X-Forwarded-For"] = string.format("81.%d.%d.%d", 2 + math.floor(visitor / 4096), math.floor(visitor / 250), 1 + visitor % 250),
    }, body)
  end
end

function request()
  at = at % kRequests + 1
  return prepared[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"answers":%d,"seconds":%.6f,"not_ok":%d,"failed":%d,"p50_ms":%.3f,"p99_ms":%.3f,"p999_ms":%.3f,"max_ms":%.3f}\n',
    summary.requests, summary.duration / 1e6, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency:percentile(99.9) / 1000, latency.max / 1000))
end
