"""Events from browsers and servers: every field, who may send what, and where each of them ends."""
import datetime
import json
import re
import threading
import urllib.parse

from harness import FIREFOX, GOOGLEBOT, GPTBOT, PHONE, SAFARI, MainstayTest, browser, mainstay, until


def properties(row):
    """The properties of an exported event, whatever way the file writes a map."""
    return row["properties"]


class Fields(MainstayTest):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.site = self.server.site()

    def only_event(self):
        events = self.server.events(self.site)
        self.assertEqual(len(events), 1, events)
        return events[0]

    WHOLE = {
        "name": "Order", "url": "https://example.com/shop/?utm_source=letter&utm_medium=email&utm_campaign=may&"
                                "utm_content=top&utm_term=rope&gclid=x1y2z3",
        "referrer": "https://news.ycombinator.com/item?id=1", "props": {"colour": "red", "size": 42, "gift": True},
        "revenue": {"currency": "EUR", "amount": 12.5}, "interactive": False, "scroll_depth": 55,
        "engagement_ms": 4200, "screen_width": 1920, "language": "de-AT", "event_id": "order-1",
        "vitals": {"lcp": 1200.5, "inp": 80, "cls": 0.05, "fcp": 700, "ttfb": 90},
    }
    ALIASES = {"site": "d", "name": "n", "url": "u", "referrer": "r", "props": "p", "revenue": "$", "interactive": "i",
               "scroll_depth": "sd", "engagement_ms": "e", "screen_width": "w", "language": "l", "event_id": "id",
               "vitals": "v"}

    def check_whole(self):
        row = self.only_event()
        expected = {"name": "Order", "interactive": "false", "hostname": "example.com", "path": "/shop",
                    "utm_source": "letter", "utm_medium": "email", "utm_campaign": "may", "utm_content": "top",
                    "utm_term": "rope", "click_id": "gclid", "currency": "EUR", "scroll_depth": "55",
                    "engagement_ms": "4200", "language": "de-AT", "screen": "Desktop", "browser": "Firefox",
                    "device": "Desktop", "origin": "0", "entry_page": ""}
        found = {name: row[name] for name in expected}
        expected["entry_page"] = found["entry_page"]  # of a visit that has no page view: not of interest here
        self.assertEqual(found, expected)
        for name, value in (("revenue", 12.5), ("lcp", 1200.5), ("inp", 80), ("cls", 0.05), ("fcp", 700), ("ttfb", 90)):
            self.assertAlmostEqual(float(row[name]), value, places=3, msg=name)
        for text in ("colour", "red", "size", "42", "gift", "true"):
            self.assertIn(text, properties(row))
        self.assertNotIn("x1y2z3", json.dumps(row))

    def test_every_field_of_json_is_stored(self):
        self.assertEqual(self.server.hit(self.site, **self.WHOLE).status, 204)
        self.check_whole()

    def test_every_short_name_means_the_same(self):
        body = {self.ALIASES[name]: value for name, value in {"site": self.site["id"], **self.WHOLE}.items()}
        self.assertEqual(self.server.request("POST", "/api/v1/beacon", body, browser()).status, 204)
        self.check_whole()

    def test_every_field_can_be_a_query_parameter(self):
        query = {"site": "example.com"}
        for name, value in self.WHOLE.items():
            if name == "props":
                query |= {f"props.{key}": json.dumps(inner) if not isinstance(inner, str) else inner for key, inner in value.items()}
            else:
                query[name] = value if isinstance(value, str) else json.dumps(value)
        answer = self.server.request("GET", "/api/v1/beacon?" + urllib.parse.urlencode(query), headers=browser())
        self.assertEqual((answer.status, answer.body), (204, b""), answer)
        self.check_whole()

    def test_short_names_work_as_query_parameters_too(self):
        query = {self.ALIASES[name]: value if isinstance(value, str) else json.dumps(value)
                 for name, value in {"site": self.site["id"], **self.WHOLE}.items() if name != "props"}
        query |= {"props.colour": "red", "props.size": "42", "props.gift": "true"}
        answer = self.server.request("GET", "/api/v1/beacon?" + urllib.parse.urlencode(query), headers=browser())
        self.assertEqual(answer.status, 204, answer)
        self.check_whole()

    def test_send_beacon_sends_text_plain(self):
        body = json.dumps({"site": self.site["id"], "url": "https://example.com/a"})
        for content_type in ("text/plain", "text/plain;charset=UTF-8", "application/json; charset=utf-8"):
            answer = self.server.request("POST", "/api/v1/beacon", body, {**browser(), "Content-Type": content_type})
            self.assertEqual(answer.status, 204, answer)
        self.assertEqual(self.server.count(self.site, "pageviews"), 3)

    def test_a_slash_at_the_end_makes_no_other_page(self):
        for path in ("/shop", "/shop/", "/shop?x=1", "/shop/#top"):
            self.server.hit(self.site, url="https://example.com" + path)
        rows = self.server.query(self.site, ["pageviews"], dimensions=["event:page"])
        self.assertEqual(rows, [{"metrics": [4], "dimensions": ["/shop"]}])

    def test_pages_of_any_origin_may_ask_with_a_preflight(self):
        answer = self.server.request("OPTIONS", "/api/v1/beacon", headers={
            "Origin": "https://example.com", "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type"})
        self.assertEqual((answer.status, answer.headers["Access-Control-Allow-Origin"]), (204, "*"))
        self.assertNotIn("Access-Control-Allow-Credentials", answer.headers)

    def test_an_array_is_stored_whole_or_not_at_all(self):
        page = lambda n: {"site": self.site["id"], "url": f"https://example.com/{n}"}
        answer = self.server.request("POST", "/api/v1/beacon", [page(n) for n in range(100)], browser())
        self.assertEqual(answer.status, 204)
        self.assertEqual(self.server.count(self.site), 100)
        bad = [page(1), page(2), {**page(3), "scroll_depth": 101}, page(4)]
        answer = self.server.request("POST", "/api/v1/beacon", bad, browser())
        self.assertProblem(answer, 400, "analytics.bad_event", "/2/scroll_depth")
        self.assertEqual(self.server.count(self.site), 100)

    def test_a_204_is_seen_by_the_very_next_query(self):
        for n in range(1, 31):
            self.assertEqual(self.server.hit(self.site, url=f"https://example.com/{n}").status, 204)
            self.assertEqual(self.server.totals(self.site, "pageviews", "visitors", "visits"), [n, 1, 1])

    def test_hits_of_one_person_are_one_visit_and_others_are_others(self):
        for agent in (FIREFOX, SAFARI, PHONE):
            for path in ("/", "/a", "/b"):
                self.server.hit(self.site, browser(agent=agent), url="https://example.com" + path)
        self.server.hit(self.site, browser(agent=FIREFOX, **{"X-Forwarded-For": "198.51.100.7"}))
        self.assertEqual(self.server.totals(self.site, "visitors", "visits", "pageviews", "views_per_visit", "bounce_rate"),
                         [4, 4, 10, 2.5, 25])

    def test_engagement_and_vitals_are_no_events(self):
        self.server.hit(self.site)
        self.server.hit(self.site, name="engagement", engagement_ms=5000, scroll_depth=80)
        self.server.hit(self.site, name="vitals", vitals={"lcp": 1000, "cls": 0.1})
        self.assertEqual(self.server.totals(self.site, "events", "pageviews", "bounce_rate", "lcp_p75"), [1, 1, 100, 1000])
        rows = self.server.query(self.site, ["time_on_page", "scroll_depth"], dimensions=["event:page"])
        self.assertEqual(rows, [{"metrics": [5, 80], "dimensions": ["/"]}])

    def test_the_fragment_counts_when_it_is_asked_for(self):
        self.server.hit(self.site, url="https://example.com/app#/one")
        self.server.hit(self.site, url="https://example.com/app#/two", hash=True)
        pages = {row["dimensions"][0] for row in self.server.query(self.site, ["pageviews"], dimensions=["event:page"])}
        self.assertEqual(len(pages), 2)
        self.assertIn("/app", pages)
        self.assertTrue(any("/two" in page for page in pages), pages)

    def test_the_same_event_id_is_stored_once(self):
        for _ in range(3):
            self.assertEqual(self.server.hit(self.site, event_id="twin").status, 204)
        self.assertEqual(self.server.hit(self.site, event_id="other").status, 204)
        self.assertEqual(self.server.count(self.site), 2)
        self.server.until_refused(self.site, "duplicate", 2)
        ids = [event["event_id"] for event in self.server.events(self.site)]
        self.assertEqual(len(set(ids)), 2)


    def test_the_same_event_id_from_many_at_once_is_stored_once(self):
        def send():
            connection = self.server.connect()
            for n in range(100):
                statuses.add(self.server.hit(self.site, {"X-Site-Key": self.site["key"]}, connection, event_id=f"x{n}").status)
            connection.close()

        statuses = set()
        senders = [threading.Thread(target=send) for _ in range(8)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        self.assertEqual(statuses, {204})
        self.assertEqual(self.server.count(self.site), 100)

    def test_text_of_any_script_is_kept(self):
        self.server.hit(self.site, name="Größe 漢字 " + "é" * 100, url="https://example.com/ü/漢?utm_campaign=Ü")
        row = self.only_event()
        self.assertEqual((row["name"], row["path"], row["utm_campaign"]), ("Größe 漢字 " + "é" * 100, "/ü/漢", "Ü"))


class Authorisation(MainstayTest):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.site = self.server.site(hosts=["example.com", "*.example.com", "shop.example.net"])

    def post(self, event, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = {"site": self.site["id"], "url": "https://example.com/", **event}
        return self.server.request("POST", "/api/v1/beacon", body, {"User-Agent": FIREFOX, "Accept-Language": "en", **named})

    def test_who_may_send_what(self):
        own, foreign, key = "https://example.com", "https://evil.example", self.site["key"]
        cases = [
            # event, headers, status, code, reason in the ledger
            ({}, {"Origin": own}, 204, None, None),
            ({}, {"Origin": "https://www.example.com"}, 204, None, None),
            ({}, {"Origin": "http://EXAMPLE.com:8080"}, 204, None, None),
            ({}, {"Origin": "https://shop.example.net"}, 204, None, None),
            ({}, {"Referer": own + "/page?x=1"}, 204, None, None),
            ({"site": "example.com"}, {"Origin": own}, 204, None, None),
            ({"site": "nobody.example"}, {"Origin": own}, 404, "analytics.unknown_site", None),
            ({"site": "0"}, {"Origin": own}, 404, "analytics.unknown_site", None),
            ({}, {"Origin": foreign}, 403, "analytics.foreign_origin", "foreign_origin"),
            ({}, {"Origin": "https://example.com.evil.example"}, 403, "analytics.foreign_origin", "foreign_origin"),
            ({}, {"Origin": "https://notexample.com"}, 403, "analytics.foreign_origin", "foreign_origin"),
            ({}, {"Referer": foreign + "/https://example.com/"}, 403, "analytics.foreign_origin", "foreign_origin"),
            ({}, {"Origin": foreign, "Referer": own}, 403, "analytics.foreign_origin", "foreign_origin"),
            ({}, {"Origin": "https://example.com@evil.example"}, 403, "analytics.foreign_origin", "foreign_origin"),
            ({}, {}, 403, "analytics.site_key_required", "no_origin"),
            ({}, {"Origin": "null"}, 403, "analytics.site_key_required", "no_origin"),
            ({"address": "192.0.2.9"}, {"Origin": own}, 403, "analytics.site_key_required", "site_key_required"),
            ({"user_agent": SAFARI}, {"Origin": own}, 403, "analytics.site_key_required", "site_key_required"),
            ({"timestamp": "2026-01-01T00:00:00Z"}, {"Origin": own}, 403, "analytics.site_key_required", "site_key_required"),
            ({}, {"X_Site_Key": key}, 204, None, None),
            ({"key": key}, {}, 204, None, None),
            ({"k": key}, {}, 204, None, None),
            ({"key": key}, {"Origin": foreign}, 204, None, None),
            ({"key": key[:-1]}, {}, 403, "analytics.wrong_site_key", "wrong_site_key"),
            ({}, {"Origin": own, "X_Site_Key": "sk_wrong"}, 403, "analytics.wrong_site_key", "wrong_site_key"),
        ]
        stored, reasons = 0, {}
        for event, headers, status, code, reason in cases:
            with self.subTest(event=event, headers=headers):
                answer = self.post(event, **headers)
                if status == 204:
                    self.assertEqual(answer.status, 204, answer)
                    stored += 1
                else:
                    self.assertProblem(answer, status, code)
                if reason:
                    reasons[reason] = reasons.get(reason, 0) + 1
        self.assertEqual(self.server.count(self.site), stored)
        for reason, count in reasons.items():
            self.server.until_refused(self.site, reason, count)
        self.assertEqual(self.server.refused(self.site), reasons)

    def test_a_page_on_a_host_that_is_not_the_sites_is_refused_and_counted(self):
        self.assertEqual(self.post({"url": "https://evil.example/"}, Origin="https://example.com").status, 204)
        self.server.until_refused(self.site, "foreign_page")
        self.assertEqual([row["host"] for row in self.server.ledger(self.site)["refused"]], ["evil.example"])
        self.assertEqual(self.server.count(self.site), 0)

    def counted(self):
        """What /metrics says of refusals, by reason; those that never happened left out."""
        text = self.server.request("GET", "/metrics").text
        found = re.findall(r'^mainstay_analytics_refused_total\{reason="(\w+)"\} (\d+)$', text, re.M)
        return {reason: int(count) for reason, count in found if count != "0"}

    def test_every_refusal_is_counted_by_its_reason(self):
        self.assertEqual(self.counted(), {})
        site, own = self.site["id"], {"Origin": "https://example.com"}

        def send(body, target="", **headers):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return self.server.request("POST", "/api/v1/beacon" + target, body, {**browser(), **own, **named}).status

        self.assertEqual(self.post({"site": "nobody.example"}, **own).status, 404)
        self.assertEqual(self.post({}, Origin="https://evil.example").status, 403)
        self.assertEqual(send(b"{"), 400)
        self.assertEqual(send({"site": site, "url": "https://example.com/", "colour": "red"}), 400)
        self.assertEqual(send({"site": site, "url": "page"}), 400)
        self.assertEqual(send([{"site": site, "url": "https://example.com/"}] * 101), 400)
        self.assertEqual(send(b"{}", Content_Type="image/png"), 415)
        self.assertEqual(send(b"{}", Content_Encoding="br"), 415)
        self.assertEqual(send(b"{}", Content_Encoding="gzip"), 400)
        self.assertEqual(send(b" " * (257 << 10)), 413)
        self.assertEqual(self.server.request("GET", f"/api/v1/beacon?d={site}&u=page", headers=own).status, 400)
        self.assertEqual(self.server.request("GET", f"/api/v1/beacon?d={site}&w=wide", headers=own).status, 400)
        self.assertEqual(send(b"x", "/log?site=nobody.example"), 404)
        self.assertEqual(send(b"x", f"/log?site={site}"), 403)
        self.assertEqual(send(b"x", f"/log?site={site}&key={self.site['key']}&format=odd"), 400)
        self.assertEqual(self.counted(), {
            "unknown_site": 2, "foreign_origin": 1, "malformed": 1, "bad_event": 2, "bad_url": 2, "too_many_events": 1,
            "unsupported_media": 1, "unknown_encoding": 1, "bad_encoding": 1, "body_too_large": 1, "site_key_required": 1,
            "unknown_log_format": 1})
        # What names a site stands in that site's ledger, also when it could not be read to its end.
        for reason, count in {"bad_event": 2, "bad_url": 2, "too_many_events": 1}.items():
            self.server.until_refused(self.site, reason, count)

    def test_one_foreign_event_stops_the_whole_array(self):
        events = [{"site": self.site["id"], "url": "https://example.com/"}, {"site": "nobody.example", "url": "https://example.com/"}]
        self.assertProblem(self.server.request("POST", "/api/v1/beacon", events, browser()), 404, "analytics.unknown_site")
        self.assertEqual(self.server.count(self.site), 0)

    def test_with_the_key_address_agent_and_time_are_the_senders(self):
        at = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=2)).replace(microsecond=0)
        answer = self.post({"address": "8.8.8.8", "user_agent": PHONE, "timestamp": at.isoformat().replace("+00:00", "Z")},
                           X_Site_Key=self.site["key"])
        self.assertEqual(answer.status, 204, answer)
        row, = self.server.events(self.site)
        self.assertEqual((row["country"], row["device"], row["os"], row["origin"]), ("US", "Mobile", "iOS", "1"))
        self.assertEqual(datetime.datetime.fromisoformat(row["at"].replace("Z", "+00:00")), at)
        self.assertEqual(self.post({"address": "8.8.8.8", "user_agent": PHONE, "timestamp": int(at.timestamp()) + 60},
                                   X_Site_Key=self.site["key"]).status, 204)
        self.assertEqual(self.server.totals(self.site, "visitors", "visits", "pageviews"), [1, 1, 2])

    def test_late_and_future_events_are_counted_by_reason(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        for hours, reason in ((-73, "late"), (1, "future")):
            at = (now + datetime.timedelta(hours=hours)).isoformat().replace("+00:00", "Z")
            self.assertEqual(self.post({"timestamp": at}, X_Site_Key=self.site["key"]).status, 204)
            self.server.until_refused(self.site, reason)
        self.assertEqual(self.server.count(self.site), 0)

    def test_forwarded_addresses_are_believed_from_proxies_only(self):
        self.post({}, Origin="https://example.com", X_Forwarded_For="8.8.8.8")
        self.assertEqual([row["country"] for row in self.server.events(self.site)], ["US"])
        strict = self.serve({"trusted_proxies": "192.0.2.0/24"}, name="strict")
        site = strict.site()
        strict.hit(site, {"X-Forwarded-For": "8.8.8.8"})
        self.assertEqual([row["country"] for row in strict.events(site)], [""])


class Bots(MainstayTest):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.site = self.server.site()

    def test_bots_are_recorded_apart_with_the_reason(self):
        self.server.hit(self.site)
        self.server.hit(self.site, browser(agent=GOOGLEBOT), url="https://example.com/crawled")
        self.server.hit(self.site, browser(agent=GPTBOT))
        self.server.hit(self.site, browser(agent="curl/8.4.0"))
        self.server.hit(self.site, {**browser(), "Accept-Language": ""}, url="https://example.com/silent")
        self.server.hit(self.site, webdriver=True)
        self.server.hit(self.site, browser(agent=""))
        self.assertEqual(self.server.totals(self.site, "visitors", "pageviews"), [1, 1])
        ledger = self.server.ledger(self.site)
        self.assertEqual(ledger["accepted"], 1)
        bots = {(row["name"], row["category"]) for row in ledger["bots"]}
        self.assertTrue(any(name == "Googlebot" and category.startswith("search") for name, category in bots), bots)
        self.assertIn(("GPTBot", "ai_crawler"), bots)
        self.assertEqual(sum(row["hits"] for row in ledger["bots"]), 6)
        self.assertTrue(all(row["reason"] for row in ledger["bots"]), ledger)
        first = self.server.ask("GET", f"/api/v1/sites/{self.site['id']}/bots?limit=4")
        rest = self.server.ask("GET", f"/api/v1/sites/{self.site['id']}/bots?limit=4&cursor={first['next_cursor']}")
        shown = first["items"] + rest["items"]
        self.assertEqual((len(shown), rest["next_cursor"]), (6, None))
        self.assertEqual(set(shown[0]), {"at", "name", "category", "reason", "hostname", "path", "country", "status"})
        self.assertIn("/crawled", [item["path"] for item in shown])
        self.assertEqual([item["at"] for item in shown], sorted((item["at"] for item in shown), reverse=True))

    def test_classify_says_how_and_why(self):
        answer = self.server.ask("POST", "/api/v1/analytics/classify", {
            "user_agent": PHONE, "referrer": "https://www.google.com/", "url": "https://example.com/?utm_source=google&utm_medium=cpc&gclid=1"})
        self.assertEqual(set(answer), {"bot", "browser", "os", "device", "referrer", "utm", "click_id"})
        self.assertEqual((answer["device"], answer["os"]["name"], answer["bot"]["is_bot"]), ("Mobile", "iOS", False))
        self.assertEqual((answer["click_id"], answer["utm"]["medium"], answer["referrer"]["channel"]), ("gclid", "cpc", "Paid Search"))
        self.assertTrue(answer["referrer"]["why"])
        bot = self.server.ask("POST", "/api/v1/analytics/classify", {"user_agent": GPTBOT})["bot"]
        self.assertEqual((bot["is_bot"], bot["name"], bot["category"]), (True, "GPTBot", "ai_crawler"))
        self.assertTrue(bot["reason"])
        self.assertProblem(self.server.api("POST", "/api/v1/analytics/classify", {}), 400, "json.invalid")


class FullQueue(MainstayTest):
    LIMIT = 8 << 20  # the least that may be set

    def setUp(self):
        super().setUp()
        # What is in the queue stays there until its rows are written, which a report asks for.
        self.server = self.serve({"stream.bytes_max": str(self.LIMIT), "analytics.flush_ms": "1min"})
        self.site = self.server.site()
        value = "v" * 2000
        event = {"site": self.site["id"], "url": "https://example.com/", "props": {str(n): value for n in range(20)}}
        self.large = json.dumps([event] * 6).encode()

    def send(self):
        return self.server.request("POST", "/api/v1/beacon", self.large, {**browser(), "Content-Type": "application/json"})

    def fill(self):
        """Sends in parallel until the queue is full; answers what the last one was told."""
        answers = []

        def run():
            for _ in range(4 * self.LIMIT // len(self.large)):
                if any(answer.status != 204 for answer in answers):
                    return
                answers.append(self.send())

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [answer for answer in answers if answer.status != 204]

    def test_a_full_queue_is_answered_503_until_it_has_been_processed(self):
        for _ in range(2):
            refused = self.fill()
            self.assertTrue(refused, "never full")
            for answer in refused:
                self.assertProblem(answer, 503, "stream.full")
                self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
            self.server.count(self.site)
            until("the queue has room again", lambda: self.send().status == 204)
        self.assertGreater(self.server.refused(self.site).get("queue_full", 0), 0)

    def test_the_limit_holds_several_segments(self):
        smaller = mainstay("config", "check", "--set", f"stream.bytes_max={self.LIMIT - 1}", data=self.home / "other")
        self.assertNotEqual(smaller.returncode, 0)
        self.assertIn("stream.bytes_max", smaller.stderr + smaller.stdout)
