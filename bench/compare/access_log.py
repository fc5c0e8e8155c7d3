"""Makes up the access log (combined format) of a busy site: the same bytes for the same arguments, at any time and place.

usage: python3 bench/compare/access_log.py FILE [--lines N] [--seed S] [--kind mixed|views]
  mixed: visits of 1 to 10 pages with the files each page needs, browsers that have them cached, robots, probes, errors
  views: nothing but pages seen, for filling a store
Lines are in order of time and span 30 days, which a fixed date begins. Made here and not by tools/generate-traffic,
whose month ends now: a comparison wants millions of lines fast, and the same ones on every machine.
"""
import argparse
import datetime
import heapq
import os
import pathlib
import random

START = 1_740_787_200  # 2025-03-01T00:00:00Z
SPAN = 30 * 86_400
HOST = "https://example.com"
SHARED = ["/assets/site.css", "/assets/site.js", "/assets/fonts/text.woff2", "/assets/logo.svg", "/favicon.ico"]
REFERRERS = (["-"] * 35 + ["https://www.google.com/"] * 28 + ["https://duckduckgo.com/"] * 6 + ["https://www.bing.com/"] * 5
             + ["https://news.ycombinator.com/item?id=1"] * 4 + ["https://old.reddit.com/r/selfhosted/"] * 4
             + ["https://t.co/abc"] * 4 + ["https://www.linkedin.com/feed/"] * 3 + ["https://chatgpt.com/"] * 3
             + [f"https://blog{i}.example.net/posts/{i}" for i in range(60)])
CAMPAIGNS = ([""] * 90 + ["?utm_source=newsletter&utm_medium=email&utm_campaign=spring"] * 6
             + ["?utm_source=google&utm_medium=cpc&utm_campaign=brand&gclid=x"] * 4)
ROBOTS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "python-requests/2.32.3", "curl/8.5.0", "Go-http-client/1.1", "facebookexternalhit/1.1",
]
PROBES = ["/wp-login.php", "/.env", "/xmlrpc.php", "/.git/config", "/phpmyadmin/", "/admin.php", "/wp-admin/setup-config.php"]


def agents(rng):
    """Some thousand browsers: the few common ones come first."""
    found = []
    for version in range(138, 142):
        for build in range(240):
            patch = f"{version}.0.{7200 + build}.{rng.randint(10, 250)}"
            found.append(f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{patch} Safari/537.36")
            found.append(f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{patch} Safari/537.36")
            found.append(f"Mozilla/5.0 (Linux; Android {rng.randint(10, 16)}; SM-{rng.choice('AGS')}{rng.randint(100, 999)}B) AppleWebKit/537.36 "
                         f"(KHTML, like Gecko) Chrome/{patch} Mobile Safari/537.36")
            found.append(f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{patch} Safari/537.36 Edg/{patch}")
    for major in range(14, 19):
        for minor in range(8):
            found.append(f"Mozilla/5.0 (iPhone; CPU iPhone OS {major}_{minor} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                         f"Version/{major}.{minor} Mobile/15E148 Safari/604.1")
            found.append(f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{major}.{minor} Safari/605.1.15")
    for version in range(115, 146):
        for system in ("X11; Linux x86_64", "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10.15", "Android 14; Mobile"):
            found.append(f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0")
    rng.shuffle(found)
    return found


class Maker:
    """Visits begin evenly over the span; what is to be written yet waits in a heap by time."""

    def __init__(self, lines, seed, kind):
        self.rng, self.kind = random.Random(seed), kind
        self.agents = agents(self.rng)
        self.pages = ["/", "/pricing", "/docs/"] + [f"/articles/{i}-how-to-{i * 7 % 97}" for i in range(800)]
        self.lines_wanted = lines
        self.visitor = 0
        self.stamps = {}

    def stamp(self, at):
        if at // 60 not in self.stamps:
            self.stamps = {at // 60: datetime.datetime.fromtimestamp(at // 60 * 60, datetime.timezone.utc).strftime("%d/%b/%Y:%H:%M:")}
        return f"{self.stamps[at // 60]}{at % 60:02d} +0000"

    def address(self):
        self.visitor += 1
        mixed = self.visitor * 2_654_435_761 & 0xFFFFFFFF
        return f"{(80, 81, 84, 91, 73, 86, 90, 178)[mixed >> 29]}.{mixed >> 21 & 255}.{mixed >> 13 & 255}.{1 + (mixed >> 5) % 254}"

    def page(self):
        return self.pages[min(int(self.rng.expovariate(1 / 60)), len(self.pages) - 1)]

    def visit(self, at):
        """Yields (time, address, request, status, bytes, referrer, agent) of one visit."""
        rng = self.rng
        address, agent = self.address(), self.agents[min(int(rng.expovariate(1 / 900)), len(self.agents) - 1)]
        referrer, suffix, cached = rng.choice(REFERRERS), rng.choice(CAMPAIGNS), rng.random()
        for number in range(min(10, 1 + int(rng.expovariate(0.5)))):
            path = self.page()
            missing = rng.random() < 0.01
            yield at, address, f"GET {path if not missing else '/gone' + path}{suffix}", 404 if missing else 200, rng.randint(4_000, 60_000), referrer, agent
            referrer, suffix = HOST + path, ""
            if self.kind == "mixed" and not missing:
                for asset in SHARED if number == 0 and cached > 0.35 else ():
                    yield (at + 1, address, f"GET {asset}", *((304, 0) if cached < 0.55 else (200, rng.randint(800, 90_000))), referrer, agent)
                for _ in range(rng.choice((0, 0, 0, 1, 1, 2))):
                    yield at + 1, address, f"GET /images/{rng.randint(1, 900)}.webp", 200, rng.randint(3_000, 200_000), referrer, agent
            at += 2 + int(rng.expovariate(1 / 40))

    def robot(self, at):
        rng = self.rng
        address, agent = f"66.249.{rng.randint(64, 95)}.{rng.randint(1, 254)}", rng.choice(ROBOTS)
        for _ in range(rng.randint(1, 4)):
            probe = rng.random() < 0.25
            path = rng.choice(PROBES) if probe else "/robots.txt" if rng.random() < 0.1 else self.page()
            yield at, address, f"{'POST' if probe and rng.random() < 0.3 else 'GET'} {path}", 404 if probe else 200, rng.randint(200, 40_000), "-", agent
            at += rng.randint(1, 30)

    def lines(self):
        rng = self.rng
        per_visit = 6.2 if self.kind == "mixed" else 1.9  # lines; only the span depends on it, not the count
        step = SPAN * per_visit / self.lines_wanted
        waiting, at, serial, written = [], float(START), 0, 0
        while written < self.lines_wanted:
            at += rng.random() * 2 * step
            maker = self.robot if self.kind == "mixed" and rng.random() < 0.25 else self.visit
            for entry in maker(int(at)):
                serial += 1
                heapq.heappush(waiting, (entry[0], serial, entry))
            while waiting and waiting[0][0] < at and written < self.lines_wanted:
                when, _, (_, address, request, status, size, referrer, agent) = heapq.heappop(waiting)
                yield f'{address} - - [{self.stamp(when)}] "{request} HTTP/1.1" {status} {size} "{referrer}" "{agent}"\n'
                written += 1


def make(path, lines, seed=1, kind="mixed"):
    """Writes the file unless it is there; its path."""
    path = pathlib.Path(path)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("w", buffering=1 << 20) as out:
            out.writelines(Maker(lines, seed, kind).lines())
        os.replace(part, path)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=("mixed", "views"), default="mixed")
    options = parser.parse_args()
    make(options.file, options.lines, options.seed, options.kind)


if __name__ == "__main__":
    main()
