"""Sites: settings and what they do to hits, goals, annotations, shares, export, retention, deletion."""
import calendar
import csv
import io
import json
import threading
import time

from harness import FIREFOX, SAFARI, MainstayTest, browser, log_line, quote, until


class SiteTest(MainstayTest):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.site = self.server.site()
        self.path = f"/api/v1/sites/{self.site['id']}"

    def change(self, **settings):
        return self.server.ask("PATCH", self.path, settings)


class Settings(SiteTest):
    def test_a_site_reads_back_as_it_was_made(self):
        made = self.server.ask("POST", "/api/v1/sites", {"domain": "Shop.Example.ORG", "timezone": "Europe/Vienna", "name": "Shop"}, expect=201)
        self.assertEqual((made["domain"], made["name"], made["timezone"], made["script_path"], made["first_hit_at"]),
                         ("shop.example.org", "Shop", "Europe/Vienna", "/s.js", None))
        self.assertEqual(set(made["collect"]), {"referrer", "campaign", "place", "agent", "screen", "language", "engagement", "properties", "vitals"})
        self.assertEqual(made["excluded"], {"networks": [], "paths": [], "hosts": [], "countries": []})
        self.assertEqual(self.server.ask("GET", f"/api/v1/sites/{made['id']}"), made)
        listed = self.server.ask("GET", "/api/v1/sites")
        self.assertEqual([item["domain"] for item in listed["items"]], ["example.com", "shop.example.org"])
        self.assertTrue(all(item["current_visitors"] == 0 for item in listed["items"]))
        self.assertProblem(self.server.api("POST", "/api/v1/sites", {"domain": "shop.example.org", "timezone": "Etc/UTC"}), 409, "analytics.domain_taken", "/domain")

    def test_wrong_settings_are_refused_each_by_its_field(self):
        before = self.server.ask("GET", self.path)
        for settings, field in [({"domain": "https://x"}, "/domain"), ({"timezone": "Nowhere"}, "/timezone"), ({"hosts": []}, "/hosts"),
                                ({"hosts": ["a b"]}, "/hosts/0"), ({"script_path": "/api/x.js"}, "/script_path"), ({"retention_days": 0}, "/retention_days"),
                                ({"excluded": {"networks": ["10.0.0.0/33"]}}, "/excluded/networks/0"), ({"excluded": {"countries": ["XX"]}}, "/excluded/countries/0"),
                                ({"excluded": {"paths": ["admin"]}}, "/excluded/paths/0"), ({"name": ""}, "/name")]:
            with self.subTest(settings):
                self.assertProblem(self.server.api("PATCH", self.path, settings), 400, "analytics.bad_site", field)
        self.assertProblem(self.server.api("PATCH", self.path, {"shoe_size": 44}), 400, "json.invalid")
        self.assertEqual(self.server.ask("GET", self.path), before)

    def test_a_lost_update_is_refused(self):
        tag = self.server.api("GET", self.path).headers["ETag"]
        self.assertEqual(self.server.api("PATCH", self.path, {"name": "One"}, {"If-Match": tag}).status, 200)
        self.assertProblem(self.server.api("PATCH", self.path, {"name": "Two"}, {"If-Match": tag}), 412, "analytics.version_mismatch")
        self.assertEqual(self.server.ask("GET", self.path)["name"], "One")

    def test_the_first_hit_is_noted(self):
        self.server.hit(self.site)
        at = until("the first hit is noted", lambda: self.server.ask("GET", self.path)["first_hit_at"])
        self.server.hit(self.site)
        self.server.restart()
        self.server.hit(self.site)
        self.assertEqual(self.server.count(self.site), 3)
        self.assertEqual(self.server.ask("GET", self.path)["first_hit_at"], at)

    def test_the_snippet_names_the_script_and_the_site(self):
        self.change(script_path="/js/app.js")
        snippet = self.server.ask("GET", self.path + "/snippet")
        self.assertEqual(snippet["html"], f'<script defer src="http://127.0.0.1:{self.server.port}/js/app.js" data-site="{self.site["id"]}"></script>')
        self.assertIn("<noscript>", snippet["noscript"])


class Exclusions(SiteTest):
    def test_what_is_excluded_is_answered_204_counted_by_reason_and_not_stored(self):
        self.change(excluded={"networks": ["203.0.113.0/24", "2001:db8::/32"], "paths": ["/admin/**", "/draft-*"], "hosts": ["staging.example.com"], "countries": ["US"]})
        page = "https://example.com"
        cases = [({"X-Forwarded-For": "203.0.113.77"}, page + "/", "excluded_network"), ({"X-Forwarded-For": "2001:db8::1"}, page + "/", "excluded_network"),
                 ({}, page + "/admin/users/1", "excluded_path"), ({}, page + "/draft-7", "excluded_path"),
                 ({}, "https://staging.example.com/", "excluded_host"), ({"X-Forwarded-For": "8.8.8.8"}, page + "/", "excluded_country")]
        for headers, url, _ in cases:
            self.assertEqual(self.server.hit(self.site, headers, url=url).status, 204)
        for headers, url in [({"X-Forwarded-For": "203.0.114.1"}, page + "/"), ({}, page + "/administration"), ({}, page + "/a/draft-7")]:
            self.assertEqual(self.server.hit(self.site, headers, url=url).status, 204)
        for reason, count in (("excluded_network", 2), ("excluded_path", 2), ("excluded_host", 1), ("excluded_country", 1)):
            self.server.until_refused(self.site, reason, count)
        self.assertEqual(self.server.count(self.site), 3)

    def test_the_same_holds_for_log_lines(self):
        self.change(excluded={"networks": ["203.0.113.0/24"], "paths": ["/admin/**"], "countries": ["US"]})
        lines = [log_line(1), log_line(2, address="203.0.113.5"), log_line(3, "/admin/x"), log_line(4, address="8.8.8.8")]
        answer = self.server.send_log(self.site, "\n".join(lines) + "\n")
        self.assertEqual((answer.json()["accepted"], answer.json()["refused"]), (1, {"excluded_network": 1, "excluded_path": 1, "excluded_country": 1}))

    def test_do_not_track_counts_where_the_site_honours_it(self):
        dnt, gpc = {"DNT": "1"}, {"Sec-GPC": "1"}
        self.change(honour_dnt=False, honour_gpc=False)
        for headers in (dnt, gpc):
            self.server.hit(self.site, headers)
        self.assertEqual(self.server.count(self.site), 2)
        self.change(honour_dnt=True, honour_gpc=True)
        for headers in (dnt, gpc, {"DNT": "0"}, {}):
            self.assertEqual(self.server.hit(self.site, headers).status, 204)
        self.server.until_refused(self.site, "dnt")
        self.server.until_refused(self.site, "gpc")
        self.assertEqual(self.server.count(self.site), 4)

    def test_fields_that_are_not_collected_are_not_stored(self):
        off = {name: False for name in ("referrer", "campaign", "agent", "screen", "language", "engagement", "properties", "vitals")}
        self.change(collect={**off, "place": "none"})
        event = {"url": "https://example.com/p?utm_source=letter&utm_medium=email&gclid=1", "referrer": "https://news.ycombinator.com/", "language": "de-AT",
                 "screen_width": 1920, "engagement_ms": 4000, "scroll_depth": 50, "props": {"colour": "red"}, "revenue": {"currency": "EUR", "amount": 3},
                 "vitals": {"lcp": 100, "inp": 1, "cls": 0, "fcp": 1, "ttfb": 1}}
        self.server.hit(self.site, {"X-Forwarded-For": "8.8.8.8"}, **event)
        row, = self.server.events(self.site)
        for name in ("referrer", "source", "utm_source", "utm_medium", "click_id", "country", "region", "city", "browser", "browser_version", "os", "os_version",
                     "device", "screen", "language", "scroll_depth", "revenue", "currency", "lcp", "inp", "cls", "fcp", "ttfb"):
            self.assertEqual(row[name], "", name)
        self.assertEqual((row["engagement_ms"], row["path"]), ("0", "/p"))
        self.assertNotIn("red", json.dumps(row))
        self.change(collect={name: True for name in off} | {"place": "country"})
        self.server.hit(self.site, {"X-Forwarded-For": "8.8.4.4"}, **event)
        row = [row for row in self.server.events(self.site) if row["country"]][0]
        self.assertEqual((row["country"], row["utm_source"], row["language"], row["browser"], row["engagement_ms"]), ("US", "letter", "de-AT", "Firefox", "4000"))

    def test_source_and_channel_come_from_what_is_collected(self):
        event = {"url": "https://example.com/?utm_source=LetterToAda&utm_medium=email&gclid=1", "referrer": "https://news.ycombinator.com/item"}

        def stored(address, **collect):
            self.change(collect=collect)
            self.server.hit(self.site, {"X-Forwarded-For": address}, **event, name=address)
            row, = [row for row in self.server.events(self.site) if row["name"] == address]
            return [row[name] for name in ("referrer", "source", "channel", "utm_source", "click_id")]

        self.assertEqual(stored("8.8.8.8", campaign=False, referrer=True), ["news.ycombinator.com/item", "Hacker News", "Organic Social", "", ""])
        self.assertEqual(stored("8.8.4.4", campaign=True, referrer=False), ["", "LetterToAda", "Email", "LetterToAda", "gclid"])

    def test_no_address_no_agent_and_no_click_id_lie_on_disk(self):
        agent = FIREFOX.replace("Gecko/20100101", "Gecko/20100101 SecretAgent77")
        for n in range(20):
            self.server.hit(self.site, browser(agent=agent, **{"X-Forwarded-For": "198.51.100.222"}), url=f"https://example.com/{n}?gclid=SecretClick88",
                            referrer="https://mail.example.org/inbox?user=SecretMail99")
        self.assertEqual(self.server.count(self.site), 20)
        self.server.terminate()
        found = b"".join(file.read_bytes() for file in self.server.data.rglob("*") if file.is_file())
        for secret in (b"198.51.100.222", b"SecretAgent77", b"SecretClick88", b"SecretMail99"):
            self.assertNotIn(secret, found)
            self.assertNotIn(secret.decode(), self.server.log)


class Markers(SiteTest):
    def test_what_may_name_an_event_may_name_a_goal(self):
        for name, status in (("ü" * 120, 204), ("ü" * 121, 400)):
            self.assertEqual(self.server.hit(self.site, name=name).status, status)
            made = self.server.api("POST", self.path + "/goals", {"kind": "event", "event_name": name})
            self.assertEqual(made.status, 201 if status == 204 else 400, made)
        self.assertProblem(made, 400, "analytics.bad_goal", "/event_name")

    def test_goals_convert(self):
        make = lambda **goal: self.server.ask("POST", self.path + "/goals", goal, expect=201)
        goals = [make(kind="event", event_name="Sign up", display_name="Sign-ups"), make(kind="page", page_pattern="/docs/**"), make(kind="scroll", page_pattern="/long", scroll_depth=60)]
        listed = self.server.ask("GET", self.path + "/goals")["items"]
        self.assertEqual(sorted(goal["id"] for goal in listed), sorted(goal["id"] for goal in goals))
        self.assertEqual({goal["kind"] for goal in listed}, {"event", "page", "scroll"})
        for n, agent in enumerate([FIREFOX, SAFARI]):
            self.server.hit(self.site, browser(agent=agent), url="https://example.com/docs/a/b")
            self.server.hit(self.site, browser(agent=agent), url="https://example.com/long")
            self.server.hit(self.site, browser(agent=agent), url="https://example.com/long", name="engagement", scroll_depth=50 + n * 20)
        self.server.hit(self.site, browser(), name="Sign up")
        rows = {row["dimensions"][0]: row["metrics"] for row in self.server.query(self.site, ["visitors", "conversion_rate"], dimensions=["event:goal"])}
        self.assertEqual(rows["Sign-ups"], [1, 50])
        self.assertEqual(rows[goals[1]["display_name"]], [2, 100])
        self.assertEqual(rows[goals[2]["display_name"]], [1, 50])
        self.assertProblem(self.server.api("POST", self.path + "/goals", {"kind": "scroll", "scroll_depth": 101, "page_pattern": "/"}), 400, "analytics.bad_goal")
        self.assertProblem(self.server.api("POST", self.path + "/goals", {"kind": "event", "event_name": "Sign up", "display_name": "Sign-ups"}), 409, "analytics.goal_taken")
        self.assertEqual(self.server.api("DELETE", f"{self.path}/goals/{goals[0]['id']}").status, 204)
        self.assertProblem(self.server.api("DELETE", f"{self.path}/goals/{goals[0]['id']}"), 404, "analytics.unknown_goal")
        self.assertEqual(len(self.server.ask("GET", self.path + "/goals")["items"]), 2)

    def test_annotations(self):
        made = self.server.ask("POST", self.path + "/annotations", {"at": "2026-01-02T03:04:05Z", "text": "Launch <b>"}, expect=201)
        self.assertEqual((made["at"], made["text"]), ("2026-01-02T03:04:05Z", "Launch <b>"))
        self.assertEqual(self.server.ask("GET", self.path + "/annotations")["items"], [made])
        self.assertProblem(self.server.api("POST", self.path + "/annotations", {"at": "2026-01-02T03:04:05Z", "text": ""}), 400, "analytics.bad_annotation")
        self.assertEqual(self.server.api("DELETE", f"{self.path}/annotations/{made['id']}").status, 204)
        self.assertEqual(self.server.ask("GET", self.path + "/annotations")["items"], [])


class Shares(SiteTest):
    def setUp(self):
        super().setUp()
        self.server.hit(self.site)
        self.query = {"site_id": self.site["id"], "metrics": ["visitors"], "date_range": "all"}

    def visitors(self, share):
        return self.server.request("POST", "/api/v2/query", self.query, {"X-Mainstay-Share": share} if share else {})

    def test_an_open_link_shows_the_report_and_nothing_else(self):
        share = self.server.ask("POST", self.path + "/shares", {"name": "Everyone"}, expect=201)
        self.assertEqual((share["name"], share["has_password"]), ("Everyone", False))
        shown = self.server.request("GET", f"/api/v1/shares/{share['token']}").json()
        self.assertEqual(shown, {"site": {"id": self.site["id"], "domain": "example.com", "name": "example.com", "timezone": "Etc/UTC"}, "password_required": False})
        self.assertEqual(self.visitors(None).status, 401)
        self.assertEqual(self.visitors("nonsense").status, 401)
        self.assertEqual(self.visitors(share["token"]).json()["results"][0]["metrics"], [1])
        link = f"share={quote(share['token'])}"
        self.assertEqual(self.server.hit(self.site, {"Origin": "https://staging.example"}).status, 403)
        self.server.until_refused(self.site, "foreign_origin")
        self.assertEqual([row["host"] for row in self.server.ledger(self.site)["refused"]], ["staging.example"])
        shown = self.server.request("GET", f"{self.path}/ledger?{link}").json()["refused"]
        self.assertEqual([(row["reason"], row["host"], row["count"]) for row in shown], [("foreign_origin", "", 1)])
        for path in ("/goals", "/annotations", "/ledger", "/export?query=" + quote(json.dumps(self.query))):
            answer = self.server.request("GET", self.path + path + ("&" if "?" in path else "?") + link)
            self.assertEqual(answer.status, 200, (path, answer))
        for method, path in [("GET", "/export?format=csv&rows=events"), ("GET", "/bots"), ("GET", "/shares"), ("PATCH", ""), ("DELETE", "?confirm=example.com"), ("POST", "/goals"), ("GET", "")]:
            answer = self.server.request(method, self.path + path, {} if method in ("PATCH", "POST") else None, {"X-Mainstay-Share": share["token"]})
            self.assertIn(answer.status, (401, 403), (method, path, answer))
        other = self.server.site("other.example")
        answer = self.server.request("POST", "/api/v2/query", {**self.query, "site_id": other["id"]}, {"X-Mainstay-Share": share["token"]})
        self.assertIn(answer.status, (401, 403, 404), answer)
        self.assertEqual(self.server.api("DELETE", f"{self.path}/shares/{share['id']}").status, 204)
        self.assertEqual(self.visitors(share["token"]).status, 401)
        self.assertProblem(self.server.request("GET", f"/api/v1/shares/{share['token']}"), 404, "analytics.unknown_share")

    def test_a_link_with_a_password_opens_by_it(self):
        share = self.server.ask("POST", self.path + "/shares", {"name": "Board", "password": "tight ropes 9"}, expect=201)
        self.assertTrue(share["has_password"])
        self.assertTrue(self.server.request("GET", f"/api/v1/shares/{share['token']}").json()["password_required"])
        self.assertEqual(self.visitors(share["token"]).status, 401)
        unlock = lambda password: self.server.request("POST", f"/api/v1/shares/{share['token']}/unlock", {"password": password})
        self.assertProblem(unlock("wrong"), 401, "analytics.bad_share_password")
        grant = unlock("tight ropes 9").json()["grant"]
        self.assertEqual(self.visitors(grant).json()["results"][0]["metrics"], [1])
        self.server.restart()
        self.assertEqual(self.visitors(grant).status, 200, "a grant holds over a restart")


class Pins(SiteTest):
    def listed(self):
        return [(site["domain"], site["pinned"]) for site in self.server.ask("GET", "/api/v1/sites")["items"]]

    def test_pinned_sites_come_first_and_stay_so(self):
        zebra = self.server.site("zebra.example")
        self.assertEqual(self.listed(), [("example.com", False), ("zebra.example", False)])
        self.server.ask("PUT", "/api/v1/pinned-sites", {"site_ids": [zebra["id"]]}, expect=204)
        self.assertEqual(self.listed(), [("zebra.example", True), ("example.com", False)])
        self.server.restart()
        self.assertEqual(self.listed(), [("zebra.example", True), ("example.com", False)])
        for wrong in (["1"], ["nonsense"], [zebra["id"], zebra["id"]]):
            self.assertProblem(self.server.api("PUT", "/api/v1/pinned-sites", {"site_ids": wrong}), 400, "analytics.bad_pins", f"/site_ids/{len(wrong) - 1}")
        self.assertProblem(self.server.api("PUT", "/api/v1/pinned-sites", {}), 400, "json.invalid", "/site_ids")
        self.assertEqual(self.server.request("PUT", "/api/v1/pinned-sites", {"site_ids": []}).status, 401)
        self.server.ask("PUT", "/api/v1/pinned-sites", {"site_ids": []}, expect=204)
        self.assertEqual(self.listed(), [("example.com", False), ("zebra.example", False)])


class Properties(SiteTest):
    def names(self, query="", **options):
        return [(item["name"], item["events"]) for item in self.server.ask("GET", f"{self.path}/properties{query}", **options)["items"]]

    def test_the_names_of_properties_are_listed_the_commonest_first(self):
        self.assertEqual(self.names(), [])
        for n in range(3):
            self.server.hit(self.site, name="Signup", props={"plan": "pro", "b": str(n)} if n else {"plan": "free"})
        self.server.hit(self.site)
        self.assertEqual(self.names(), [("plan", 3), ("b", 2)])
        self.assertEqual(self.names("?from=2020-01-01&to=2020-01-02"), [])
        self.assertProblem(self.server.api("GET", self.path + "/properties?from=yesterday"), 400, "analytics.bad_query")
        share = self.server.ask("POST", self.path + "/shares", {"name": "All"})["token"]
        self.assertEqual(self.server.request("GET", f"{self.path}/properties?share={share}").json()["items"][0]["name"], "plan")
        self.assertEqual(self.server.request("GET", self.path + "/properties").status, 401)


class Strays(SiteTest):
    def strays(self, query=""):
        return self.server.ask("GET", "/api/v1/ledger" + query)["refused"]

    def test_an_owner_sees_what_asked_for_an_unknown_site(self):
        self.assertEqual(self.strays(), [])
        for n in range(2):
            wrong = self.server.request("POST", "/api/v1/beacon", {"site": "exmaple.com", "url": "https://example.com/"}, browser())
            self.assertProblem(wrong, 404, "analytics.unknown_site")
        rows = until("two refusals of an unknown site", lambda: [row for row in self.strays() if row["count"] == 2])
        self.assertEqual([(row["reason"], row["source"], row["asked_site"], row["asked_host"]) for row in rows], [("unknown_site", "collector", "exmaple.com", "example.com")])
        self.assertLess(abs(time.time() - calendar.timegm(time.strptime(rows[0]["last_at"][:19], "%Y-%m-%dT%H:%M:%S"))), 600)
        self.assertEqual(self.server.refused(self.site), {}, "it belongs to no site")
        self.assertEqual(self.strays("?from=2020-01-01&to=2020-01-02"), [])
        self.server.restart()
        self.assertEqual(self.strays()[0]["count"], 2)

    def test_what_cannot_be_read_is_counted_by_reason(self):
        send = lambda body, **headers: self.server.request("POST", "/api/v1/beacon", body, {**browser(), **{name.replace("_", "-"): value for name, value in headers.items()}}).status
        self.assertEqual(send(b"{"), 400)
        self.assertEqual(send(b"x" * (1 << 20)), 413)
        self.assertEqual(send(b"a=b", Content_Type="application/x-www-form-urlencoded"), 415)
        wanted = {"malformed": 1, "body_too_large": 1, "unsupported_media": 1}
        until("all three are counted", lambda: {row["reason"]: row["count"] for row in self.strays()} == wanted)
        self.assertEqual({(row["asked_site"], row["asked_host"]) for row in self.strays()}, {("", "")})

    def test_only_an_owner_sees_it(self):
        self.assertEqual(self.server.request("GET", "/api/v1/ledger").status, 401)
        share = self.server.ask("POST", self.path + "/shares", {"name": "All"})["token"]
        self.assertEqual(self.server.request("GET", f"/api/v1/ledger?share={share}").status, 401)


class Export(SiteTest):
    def setUp(self):
        super().setUp()
        for n in range(30):
            self.server.hit(self.site, url=f"https://example.com/{n % 3}", event_id=f"e{n}")

    def test_a_query_streams_as_csv(self):
        query = {"metrics": ["pageviews"], "dimensions": ["event:page"], "date_range": "all", "order_by": [["event:page", "asc"]]}
        answer = self.server.api("GET", f"{self.path}/export?format=csv&query={quote(json.dumps(query))}")
        self.assertEqual(answer.status, 200, answer)
        self.assertTrue(answer.headers["Content-Type"].startswith("text/csv"))
        self.assertIn("attachment", answer.headers["Content-Disposition"])
        rows = list(csv.reader(io.StringIO(answer.text, newline="")))
        self.assertEqual(rows, [["event:page", "pageviews"], ["/0", "10"], ["/1", "10"], ["/2", "10"]])

    def test_a_cell_cannot_become_a_formula(self):
        self.server.hit(self.site, url="https://example.com/x", name='=HYPERLINK("https://evil.example")')
        query = {"metrics": ["events"], "dimensions": ["event:name"], "date_range": "all"}
        for path in (f"/export?query={quote(json.dumps(query))}", "/export?rows=events"):
            answer = self.server.api("GET", self.path + path)
            for row in csv.reader(io.StringIO(answer.text, newline="")):
                self.assertFalse([cell for cell in row if cell.startswith(("=", "@"))], row)

    def test_raw_events_have_their_ids(self):
        rows = self.server.events(self.site)
        self.assertEqual((len(rows), len({row["event_id"] for row in rows}), len({row["visit_id"] for row in rows})), (30, 30, 1))
        filtered = {"metrics": ["events"], "date_range": "all", "filters": [["is", "event:page", ["/1"]]]}
        answer = self.server.api("GET", f"{self.path}/export?rows=events&query={quote(json.dumps(filtered))}")
        self.assertEqual({row["path"] for row in csv.DictReader(io.StringIO(answer.text, newline=""))}, {"/1"})

    def test_raw_events_come_as_parquet(self):
        answer = self.server.api("GET", self.path + "/export?format=parquet&rows=events")
        self.assertEqual((answer.status, answer.body[:4], answer.body[-4:]), (200, b"PAR1", b"PAR1"))
        self.assertIn(b"event_id", answer.body)
        self.assertEqual(list((self.server.data / "exports").iterdir()), [])

    def test_what_cannot_be_exported_is_refused(self):
        for query, field in [("rows=shoes", "rows"), ("format=xls&rows=events", "format"), ("format=parquet&query=%7B%7D", "format"), ("", "query")]:
            self.assertProblem(self.server.api("GET", f"{self.path}/export?{query}"), 400, "analytics.bad_export", field)
        self.assertEqual(self.server.request("GET", self.path + "/export?rows=events").status, 401)


class Ends(SiteTest):
    def import_days(self, *days):
        lines = [log_line(day, f"/{day}", at=time.time() - day * 86400 - 3600) for day in days]
        answer = self.server.send_log(self.site, "\n".join(lines) + "\n")
        self.assertEqual(answer.json()["accepted"], len(days), answer)

    def test_rows_past_the_retention_are_gone(self):
        self.import_days(1, 5, 20, 40, 400)
        self.assertEqual(self.server.totals(self.site, "pageviews", "visitors", "visits"), [5, 5, 5])
        self.change(retention_days=30)
        self.server.restart()
        until("old rows are gone", lambda: self.server.count(self.site, "pageviews") == 3)
        self.assertEqual(self.server.totals(self.site, "pageviews", "visitors", "visits"), [3, 3, 3])
        self.assertEqual(sorted(row["path"] for row in self.server.events(self.site)), ["/1", "/20", "/5"])
        self.change(retention_days=None)
        self.server.restart()
        self.assertEqual(self.server.count(self.site, "pageviews"), 3)

    def test_deleting_asks_for_the_domain_and_leaves_nothing(self):
        self.server.hit(self.site, name="Rare", url="https://example.com/LastTrace1234", props={"a": "LastTrace5678"})
        self.server.hit(self.site, browser(agent="curl/8.4.0"), url="https://example.com/LastTrace9999")
        other = self.server.site("other.example")
        self.server.hit(other)
        self.assertEqual(self.server.count(self.site), 1)
        for confirm in ("", "?confirm=", "?confirm=other.example"):
            self.assertProblem(self.server.api("DELETE", self.path + confirm), 400, "analytics.confirm_mismatch", "confirm")
        self.assertEqual(self.server.count(self.site), 1)
        self.assertEqual(self.server.api("DELETE", self.path + "?confirm=example.com").status, 204)
        self.assertEqual(self.server.api("GET", self.path).status, 404)
        self.assertProblem(self.server.hit(self.site), 404, "analytics.unknown_site")
        self.assertProblem(self.server.api("POST", "/api/v2/query", {"site_id": self.site["id"], "metrics": ["visitors"], "date_range": "all"}), 404, "analytics.unknown_site")
        self.assertEqual(self.server.count(other), 1)
        again = self.server.site()
        self.assertNotEqual(again["id"], self.site["id"])
        self.assertEqual((self.server.count(again), self.server.events(again), self.server.ledger(again)["bots"]), (0, [], []))

    def test_a_site_deleted_under_load_leaves_nothing(self):
        statuses, connection = set(), self.server.connect()
        until("hits are stored", lambda: self.server.hit(self.site, {"X-Site-Key": self.site["key"]}, connection).status == 204 and self.server.count(self.site) >= 20)

        def send():
            own = self.server.connect()
            while 404 not in statuses:
                statuses.add(self.server.hit(self.site, {"X-Site-Key": self.site["key"]}, own).status)
            own.close()

        senders = [threading.Thread(target=send) for _ in range(4)]
        for sender in senders:
            sender.start()
        self.assertEqual(self.server.api("DELETE", self.path + "?confirm=example.com").status, 204)
        for sender in senders:
            sender.join()
        connection.close()
        self.assertLessEqual(statuses, {204, 404})
        again = self.server.site()
        self.assertEqual((self.server.count(again), self.server.events(again)), (0, []))
        self.assertEqual(self.server.terminate(), 0)
