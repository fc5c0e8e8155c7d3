"""Server logs: by `mainstay import log` and by POST /api/v1/beacon/log."""
import gzip
import json
import subprocess
import time

from harness import BINARY, FIREFOX, GOOGLEBOT, LONG, MainstayTest, log_line, mainstay, must, plain_environment, until

HOUR_AGO = int(time.time()) - 3600


def stamp(at, form="%d/%b/%Y:%H:%M:%S +0000"):
    return time.strftime(form, time.gmtime(at))


def in_format(name, n):
    """The same hit in every format: page /p, 200, 1234 bytes, one visitor each `n`."""
    at, address = HOUR_AGO + n, f"198.51.100.{n + 1}"
    common = f'{address} - - [{stamp(at)}] "GET /p HTTP/1.1" 200 1234'
    combined = common + f' "https://www.google.com/" "{FIREFOX}"'
    iso = stamp(at, "%Y-%m-%dT%H:%M:%SZ")
    return {
        "common": common,
        "combined": combined,
        "vhost_common": "example.com:443 " + common,
        "vhost_combined": "example.com:443 " + combined,
        "nginx_json": json.dumps({"time_iso8601": stamp(at, "%Y-%m-%dT%H:%M:%S+00:00"), "remote_addr": address, "host": "example.com",
                                  "request_method": "GET", "request_uri": "/p", "server_protocol": "HTTP/1.1", "status": "200",
                                  "body_bytes_sent": "1234", "http_referer": "https://www.google.com/", "http_user_agent": FIREFOX}),
        "caddy": json.dumps({"level": "info", "ts": float(at), "logger": "http.log.access", "msg": "handled request",
                             "request": {"remote_ip": address, "client_ip": address, "proto": "HTTP/2.0", "method": "GET",
                                         "host": "example.com", "uri": "/p",
                                         "headers": {"User-Agent": [FIREFOX], "Referer": ["https://www.google.com/"]}},
                             "bytes_read": 0, "duration": 0.01, "size": 1234, "status": 200}),
        "traefik": json.dumps({"ClientHost": address, "ClientAddr": address + ":5123", "DownstreamContentSize": 1234,
                               "DownstreamStatus": 200, "RequestHost": "example.com", "RequestMethod": "GET", "RequestPath": "/p",
                               "RequestProtocol": "HTTP/1.1", "StartUTC": iso, "time": iso, "request_User-Agent": FIREFOX,
                               "request_Referer": "https://www.google.com/"}),
    }[name]


FORMATS = ("common", "combined", "vhost_common", "vhost_combined", "nginx_json", "caddy", "traefik")


class LogTest(MainstayTest):
    def check(self, summary):
        self.assertEqual(set(summary), {"lines", "unparsable", "accepted", "bots", "refused", "status", "bytes"})
        self.assertEqual(summary["lines"], summary["unparsable"] + summary["accepted"] + summary["bots"] + sum(summary["refused"].values()), summary)
        self.assertEqual(sum(summary["status"].values()), summary["lines"] - summary["unparsable"], summary)
        return summary

    def summary_of(self, text):
        """The last line of what `import log --json` prints."""
        return self.check(json.loads(text.splitlines()[-1]))

    def read(self, server, *files, stdin=None, site="example.com", more=()):
        return self.summary_of(must("import", "log", *files, "--site", site, "--json", *more, stdin=stdin, data=server.data))

    def spawn(self, server, log, *more):
        return subprocess.Popen([str(BINARY), "import", "log", str(log), "--site", "example.com", "--json", *more, "--data", str(server.data)],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=plain_environment())

    def write(self, name, lines):
        path = self.home / name
        path.write_text("".join(line + "\n" for line in lines))
        return path


def mixed_lines():
    """Ten of each kind; what is to become of them."""
    lines = []
    for n in range(10):
        lines += [
            log_line(n, "/a?utm_source=letter"), log_line(n, "/b", referrer="https://www.google.com/"),
            log_line(n, "/x.css"), log_line(n, "/gone", status=404), log_line(n, "/moved", status=301),
            log_line(n, "/boom", status=500), log_line(n, "/form", method="POST"), log_line(n, "/paper.pdf", size=99),
            log_line(n, "/c", agent=GOOGLEBOT), "complete nonsense", '"" [] \x01',
        ]
    return lines


class Import(LogTest):
    def test_the_summary_adds_up_and_every_line_has_its_reason(self):
        server = self.serve()
        site = server.site()
        summary = self.read(server, self.write("access.log", mixed_lines()))
        self.assertEqual(summary, {"lines": 110, "unparsable": 20, "accepted": 40, "bots": 10, "bytes": 80 * 1234 + 10 * 99,
                                   "refused": {"static_file": 10, "redirect": 10, "error_status": 10, "method": 10},
                                   "status": {"200": 60, "404": 10, "301": 10, "500": 10}} | {"refused": summary["refused"]})
        self.assertEqual(summary["refused"], {"static_file": 10, "redirect": 10, "error_status": 10, "method": 10})
        self.assertEqual(server.totals(site, "visitors", "pageviews", "events"), [10, 20, 40])
        names = {row["dimensions"][0]: row["metrics"][0] for row in server.query(site, ["events"], dimensions=["event:name"])}
        self.assertEqual(names, {"pageview": 20, "404": 10, "File Download": 10})
        self.assertEqual(server.ledger(site)["accepted"], 40)
        expected = {**summary["refused"], "unparsable": 20}
        until("the ledger has them all", lambda: sum(server.refused(site).values()) >= sum(expected.values()))
        self.assertEqual(server.refused(site), expected)
        self.assertEqual(sum(bot["hits"] for bot in server.ledger(site)["bots"]), 10)

    def test_three_imports_of_one_file_at_once_count_every_line_once(self):
        server = self.serve()
        site = server.site()
        log = self.write("access.log", [log_line(n % 500, f"/{n % 9}", at=HOUR_AGO + n // 50) for n in range(20_000)])
        running = [self.spawn(server, log) for _ in range(3)]
        summaries = [self.summary_of(each.communicate(timeout=LONG)[0]) for each in running]
        self.assertEqual(sum(summary["accepted"] for summary in summaries), 20_000)
        self.assertEqual(server.count(site, "pageviews"), 20_000)

    def test_beacons_go_on_beside_an_import_and_stay_one_visit(self):
        server = self.serve()
        site = server.site()
        log = self.write("access.log", [log_line(n % 500, f"/{n % 9}", at=HOUR_AGO - 3 * 86_400 + n // 50) for n in range(40_000)])
        running = self.spawn(server, log)
        connection, sent = server.connect(), 0
        while running.poll() is None:
            sent += 1
            answer = server.hit(site, {"X-Site-Key": site["key"]}, connection, url=f"https://example.com/beacon/{sent}")
            self.assertEqual(answer.status, 204)
        connection.close()
        self.assertEqual(self.summary_of(running.communicate()[0])["accepted"], 40_000)
        rows = server.query(site, ["visits", "pageviews"], filters=[["contains", "event:page", ["/beacon/"]]])
        self.assertEqual(rows[0]["metrics"], [1, sent])
        self.assertEqual(server.count(site, "pageviews"), 40_000 + sent)

    def test_with_or_without_a_server_the_numbers_are_the_same(self):
        log = self.write("access.log", mixed_lines())
        server = self.serve()
        site = server.site()
        server.terminate()
        offline = self.read(server, log)
        server.start()
        online_server = self.serve(name="online")
        online_site = online_server.site()
        self.assertEqual(self.read(online_server, log), offline)
        metrics = ("visitors", "visits", "pageviews", "events", "bounce_rate")
        self.assertEqual(server.totals(site, *metrics), online_server.totals(online_site, *metrics))

    def test_every_format_is_read_named_or_detected(self):
        server = self.serve()
        for name in FORMATS:
            for asked in (name, "auto"):
                with self.subTest(format=name, asked=asked):
                    domain = f"{asked}.{name}.example".replace("_", "-")
                    lines = [in_format(name, n).replace("example.com", domain) for n in range(20)]
                    site = server.site(domain)
                    summary = self.read(server, self.write("log", lines), site=domain, more=("--format", asked))
                    self.assertEqual((summary["lines"], summary["accepted"], summary["status"], summary["bytes"]),
                                     (20, 20, {"200": 20}, 20 * 1234), summary)
                    self.assertEqual(server.totals(site, "visitors", "pageviews"), [20, 20])
                    pages = server.query(site, ["pageviews"], dimensions=["event:page"])
                    self.assertEqual(pages, [{"metrics": [20], "dimensions": ["/p"]}])
                    sources = server.query(site, ["visits"], dimensions=["visit:source"])
                    self.assertEqual(sources[0]["dimensions"], ["Direct / None" if "common" in name else "Google"])

    def test_gzip_standard_input_and_several_files(self):
        server = self.serve()
        site = server.site()
        lines = [log_line(n, f"/{n}", at=HOUR_AGO + n) for n in range(300)]
        packed = self.home / "access.log.2.gz"
        packed.write_bytes(gzip.compress("".join(line + "\n" for line in lines[:100]).encode()))
        plain = self.write("access.log.1", lines[100:200])
        summary = self.read(server, packed, plain, "-", stdin="\n".join(lines[200:]))
        self.assertEqual((summary["lines"], summary["accepted"]), (300, 300), summary)
        self.assertEqual(server.count(site, "pageviews"), 300)

    def test_the_same_lines_again_add_nothing(self):
        server = self.serve()
        site = server.site()
        # Lines that are alike to the letter count each.
        log = self.write("access.log", [log_line(n // 3, "/same", at=HOUR_AGO + n // 9) for n in range(900)])
        first = self.read(server, log)
        self.assertEqual(first["accepted"], 900, first)
        again = self.read(server, log)
        self.assertEqual((again["lines"], again["accepted"], again["refused"]), (900, 0, {"duplicate": 900}))
        packed = self.home / "access.log.1.gz"
        packed.write_bytes(gzip.compress(log.read_bytes()))
        self.assertEqual(self.read(server, packed)["accepted"], 0)
        server.restart()
        with log.open("a") as file:
            file.write(log_line(999, "/new") + "\n")
        grown = self.read(server, log)
        self.assertEqual((grown["accepted"], grown["refused"]), (1, {"duplicate": 900}))
        self.assertEqual(server.count(site, "pageviews"), 901)

    def test_what_is_wrong_is_said(self):
        server = self.serve()
        server.site()
        log = self.write("access.log", [log_line(1)])
        for arguments, word in [((self.home / "absent.log", "--site", "example.com"), "absent.log"),
                                ((log, "--site", "nobody.example"), "site"),
                                ((log, "--site", "example.com", "--format", "klingon"), "format"),
                                ((self.home, "--site", "example.com"), "folder")]:
            with self.subTest(word):
                done = mainstay("import", "log", *arguments, data=server.data)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(word, done.stderr)


class OverHttp(LogTest):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.site = self.server.site()

    def send(self, body, query=None, **headers):
        answer = self.server.send_log(self.site, body, query, **headers)
        self.assertEqual(answer.status, 200, answer)
        return self.check(answer.json())

    def test_lines_come_plain_or_as_gzip(self):
        lines = ("".join(line + "\n" for line in mixed_lines())).encode()
        self.assertEqual(self.send(lines)["accepted"], 40)
        again = self.send(gzip.compress(lines), Content_Encoding="gzip")
        self.assertEqual((again["accepted"], again["refused"]["duplicate"]), (0, 50))
        self.assertEqual(self.server.totals(self.site, "visitors", "pageviews"), [10, 20])

    def test_who_may_manage_the_site_needs_no_key(self):
        answer = self.server.api("POST", f"/api/v1/beacon/log?site={self.site['id']}", log_line(1) + "\n")
        self.assertEqual((answer.status, answer.json()["accepted"]), (200, 1), answer)

    def test_without_the_key_nothing_is_taken_and_the_ledger_says_so(self):
        for headers, reason in (({}, "site_key_required"), ({"X-Site-Key": "sk_wrong"}, "wrong_site_key"), ({"Origin": "https://example.com"}, "site_key_required")):
            answer = self.server.request("POST", f"/api/v1/beacon/log?site={self.site['id']}", log_line(1), headers)
            self.assertProblem(answer, 403, "analytics." + reason)
        self.server.until_refused(self.site, "site_key_required", 2)
        self.server.until_refused(self.site, "wrong_site_key", 1)
        self.assertEqual(self.server.count(self.site), 0)

    def test_a_request_in_parts_under_one_name_is_one_import(self):
        lines = [log_line(n, f"/{n}") for n in range(30)]
        for part in range(3):
            self.send("\n".join(lines[part * 10:part * 10 + 10]) + "\n", "&import=night")
        summary = self.send("", "&import=night&finish=1")
        self.assertEqual((summary["lines"], summary["accepted"]), (30, 30))

    def test_lines_past_the_sites_retention_are_refused(self):
        self.server.ask("PATCH", f"/api/v1/sites/{self.site['id']}", {"retention_days": 30})
        summary = self.send(log_line(1, at=time.time() - 31 * 86400) + "\n" + log_line(2, at=time.time() - 29 * 86400) + "\n")
        self.assertEqual((summary["accepted"], summary["refused"]), (1, {"past_retention": 1}))

    def test_lines_of_another_host_are_refused(self):
        summary = self.send(in_format("vhost_combined", 1).replace("example.com", "other.example") + "\n" + in_format("vhost_combined", 2) + "\n")
        self.assertEqual((summary["accepted"], summary["refused"]), (1, {"foreign_page": 1}))
