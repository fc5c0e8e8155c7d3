"""The table of bad input: what is sent → status, code, field. After each the server answers on, and nothing is stored."""
import gzip
import json
import socket
import zlib

from harness import FIREFOX, MainstayTest, browser

KNOWN = "SITE"  # stands for the site's id in the table


def event(**fields):
    return {"site": KNOWN, "url": "https://example.com/", **fields}


def bomb():
    """64 MB of nothing in 64 kB."""
    packer = zlib.compressobj(9, wbits=31)
    return packer.compress(bytes(64 << 20)) + packer.flush()


INT64_MAX = 2 ** 63 - 1

EVENTS = [
    # what, body (a value for JSON or bytes), status, code, field
    ("unknown site", event(site="nobody.example"), 404, "analytics.unknown_site", None),
    ("no site", {"url": "https://example.com/"}, 400, "analytics.bad_event", "/site"),
    ("site is a number", event(site=7), 400, "analytics.bad_event", "/site"),
    ("site too long", event(site="a" * 254), 400, "analytics.bad_event", "/site"),
    ("no URL", {"site": KNOWN}, 400, "analytics.bad_event", "/url"),
    ("relative URL", event(url="/page"), 400, "analytics.bad_event", "/url"),
    ("URL of no page", event(url="javascript:alert(1)"), 400, "analytics.bad_event", "/url"),
    ("URL too long", event(url="https://example.com/" + "a" * 2000), 400, "analytics.bad_event", "/url"),
    ("URL with NUL", event(url="https://example.com/\0"), 400, "analytics.bad_event", "/url"),
    ("name too long", event(name="n" * 121), 400, "analytics.bad_event", "/name"),
    ("name empty", event(name=""), 400, "analytics.bad_event", "/name"),
    ("name null", event(name=None), 400, "analytics.bad_event", "/name"),
    ("negative scroll depth", event(scroll_depth=-1), 400, "analytics.bad_event", "/scroll_depth"),
    ("scroll depth over 100", event(scroll_depth=101), 400, "analytics.bad_event", "/scroll_depth"),
    ("scroll depth is text", event(scroll_depth="50"), 400, "analytics.bad_event", "/scroll_depth"),
    ("negative engagement", event(engagement_ms=-5), 400, "analytics.bad_event", "/engagement_ms"),
    ("engagement of a year", event(engagement_ms=365 * 86400 * 1000), 400, "analytics.bad_event", "/engagement_ms"),
    ("engagement of 2^63", event(engagement_ms=INT64_MAX + 1), 400, "analytics.bad_event", "/engagement_ms"),
    ("engagement of 10^308", event(engagement_ms=1e308), 400, "analytics.bad_event", "/engagement_ms"),
    ("engagement without any", event(name="engagement"), 400, "analytics.bad_event", "/engagement_ms"),
    ("vitals without any", event(name="vitals"), 400, "analytics.bad_event", "/vitals"),
    ("negative screen", event(screen_width=-1), 400, "analytics.bad_event", "/screen_width"),
    ("absurd screen", event(screen_width=INT64_MAX), 400, "analytics.bad_event", "/screen_width"),
    ("negative vital", event(vitals={"lcp": -1}), 400, "analytics.bad_event", "/vitals"),
    ("absurd vital", event(vitals={"cls": 1e9}), 400, "analytics.bad_event", "/vitals"),
    ("absurd revenue", event(revenue={"currency": "EUR", "amount": 1e300}), 400, "analytics.bad_event", "/revenue"),
    ("revenue that is no number", event(revenue={"currency": "EUR", "amount": "NaN"}), 400, "analytics.bad_event", "/revenue"),
    ("unknown currency", event(revenue={"currency": "XXQ", "amount": 1}), 400, "analytics.bad_event", "/revenue"),
    ("unknown currency form", event(revenue={"currency": "euro", "amount": 1}), 400, "analytics.bad_event", "/revenue"),
    ("31 properties", event(props={str(n): n for n in range(31)}), 400, "analytics.bad_event", "/props"),
    ("property's name too long", event(props={"k" * 301: 1}), 400, "analytics.bad_event", "/props"),
    ("property's value too long", event(props={"k": "v" * 2001}), 400, "analytics.bad_event", "/props"),
    ("property is an object", event(props={"k": {"a": 1}}), 400, "analytics.bad_event", "/props"),
    ("properties are a list", event(props=[1]), 400, "analytics.bad_event", "/props"),
    ("event id too long", event(event_id="i" * 65), 400, "analytics.bad_event", "/event_id"),
    ("unknown field", event(colour="red"), 400, "analytics.bad_event", "/colour"),
    ("timestamp without the key", event(timestamp="2026-01-01T00:00:00Z"), 403, "analytics.site_key_required", None),
    ("timestamp that is none", event(timestamp="yesterday"), 400, "analytics.bad_event", "/timestamp"),
    ("timestamp before time", event(timestamp=-1), 400, "analytics.bad_event", "/timestamp"),
    ("101 events", [event()] * 101, 400, "analytics.too_many_events", None),
    ("an event that is a number", [event(), 5], 400, "analytics.bad_event", "/1"),
    ("a body that is a number", 5, 400, "analytics.bad_event", "/"),
    ("no body", b"", 400, "json.malformed", None),
    ("broken JSON", b'{"site": "', 400, "json.malformed", None),
    ("JSON and more", b'{"site":"a","url":"b"} {}', 400, "json.malformed", None),
    ("NaN", b'{"site":"SITE","url":"https://example.com/","scroll_depth":NaN}', 400, "json.malformed", None),
    ("invalid UTF-8", b'{"site":"SITE","url":"https://example.com/","name":"\xff\xfe"}', 400, "json.malformed", None),
    ("overlong UTF-8", b'{"site":"SITE","url":"https://example.com/","name":"\xc0\xaf"}', 400, "json.malformed", None),
    ("lone surrogate", b'{"site":"SITE","url":"https://example.com/","name":"\\ud800"}', 400, "json.malformed", None),
    ("deep JSON", b"[" * 10_000 + b"]" * 10_000, 400, "json.malformed", None),
    ("a body over the limit", b" " * (257 << 10), 413, "http.body_too_large", None),
]


class Table(MainstayTest):
    def setUp(self):
        super().setUp()
        self.server = self.serve({"limits.header_patience_ms": "2s", "limits.body_patience_ms": "2s"})
        self.site = self.server.site()

    def check_alive_and_empty(self):
        self.assertEqual(self.server.request("GET", "/readyz").status, 200)
        self.assertEqual(self.server.count(self.site), 0)
        self.assertIsNone(self.server.process.poll(), self.server.log)

    def tearDown(self):
        self.check_alive_and_empty()
        self.assertEqual(self.server.events(self.site), [])
        self.assertEqual(self.server.hit(self.site).status, 204)
        self.assertEqual(self.server.count(self.site), 1)
        self.assertNotIn(" error ", self.server.log)
        super().tearDown()

    def body_of(self, value):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return body.replace(b"SITE", self.site["id"].encode())

    def test_events(self):
        for what, value, status, code, field in EVENTS:
            with self.subTest(what):
                answer = self.server.request("POST", "/api/v1/beacon", self.body_of(value),
                                             {**browser(), "Content-Type": "application/json"})
                self.assertProblem(answer, status, code, field)
                self.check_alive_and_empty()

    def test_events_in_the_query(self):
        url = "url=https%3A%2F%2Fexample.com%2F"
        cases = [
            ("nothing", "", 400, "analytics.bad_event", "/site"),
            ("unknown site", f"site=nobody.example&{url}", 404, "analytics.unknown_site", None),
            ("no URL", "site=SITE", 400, "analytics.bad_event", "/url"),
            ("unknown field", f"site=SITE&{url}&colour=red", 400, "analytics.bad_event", "/colour"),
            ("negative number", f"site=SITE&{url}&scroll_depth=-3", 400, "analytics.bad_event", "/scroll_depth"),
            ("absurd number", f"site=SITE&{url}&e=99999999999999999999999999", 400, "analytics.bad_event", "/engagement_ms"),
            ("invalid UTF-8", f"site=SITE&{url}&name=%ff%fe", 400, "analytics.bad_event", "/name"),
            ("NUL", f"site=SITE&{url}&name=a%00b", 400, "analytics.bad_event", "/name"),
        ]
        for what, query, status, code, field in cases:
            with self.subTest(what):
                answer = self.server.request("GET", "/api/v1/beacon?" + query.replace("SITE", self.site["id"]), headers=browser())
                self.assertProblem(answer, status, code, field)
                self.check_alive_and_empty()

    def test_origins_and_media(self):
        body = self.body_of(event())
        json_type = {"Content-Type": "application/json"}
        cases = [
            ("foreign origin", {**browser("evil.example"), **json_type}, 403, "analytics.foreign_origin"),
            ("no origin", {"User-Agent": FIREFOX, **json_type}, 403, "analytics.site_key_required"),
            ("wrong key", {**browser(), **json_type, "X-Site-Key": "sk_x"}, 403, "analytics.wrong_site_key"),
            ("form", {**browser(), "Content-Type": "application/x-www-form-urlencoded"}, 415, "analytics.unsupported_media"),
            ("binary", {**browser(), "Content-Type": "application/octet-stream"}, 415, "analytics.unsupported_media"),
            ("unknown encoding", {**browser(), **json_type, "Content-Encoding": "br"}, 415, "http.unknown_encoding"),
            ("gzip that is none", {**browser(), **json_type, "Content-Encoding": "gzip"}, 400, "http.bad_encoding"),
        ]
        for what, headers, status, code in cases:
            with self.subTest(what):
                self.assertProblem(self.server.request("POST", "/api/v1/beacon", body, headers), status, code)
                self.check_alive_and_empty()
        for method in ("PUT", "PATCH", "DELETE"):
            answer = self.server.request(method, "/api/v1/beacon", body, {**browser(), **json_type})
            self.assertProblem(answer, 405, "http.method_not_allowed")
            self.assertIn("POST", answer.headers["Allow"])

    def test_gzip_bombs(self):
        packed = bomb()
        self.assertLess(len(packed), 256 << 10)
        before = self.server.status_field("VmHWM")
        for _ in range(3):
            answer = self.server.request("POST", "/api/v1/beacon", packed,
                                         {**browser(), "Content-Type": "application/json", "Content-Encoding": "gzip"})
            self.assertEqual(answer.status, 413, answer)
            self.assertEqual(answer.code, "http.body_too_large")
        many = gzip.compress(b"x" * (64 << 20) * 8, 9)
        for _ in range(2):
            answer = self.server.request("POST", f"/api/v1/beacon/log?site={self.site['id']}", many,
                                         {"X-Site-Key": self.site["key"], "Content-Encoding": "gzip"})
            self.assertIn((answer.status, answer.code), [(400, "http.compression_bomb"), (413, "http.body_too_large")], answer)
        self.assertLess(self.server.status_field("VmHWM") - before, 64 << 10, "kB more at its height")

    def test_headers(self):
        line = b"GET /api/v1/beacon HTTP/1.1\r\nHost: x\r\n"
        cases = [
            ("1 MB of one field", line + b"X-Long: " + b"a" * (1 << 20) + b"\r\n\r\n", 431, "http.header_too_large"),
            ("1 MB of many fields", line + b"".join(b"X-%d: a\r\n" % n for n in range(100_000)) + b"\r\n", 431, "http.header_too_large"),
            ("long target", b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "http.target_too_long"),
            ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "http.bad_request"),
            ("no host", b"GET /readyz HTTP/1.1\r\n\r\n", 400, "http.bad_host"),
            ("two hosts", b"GET /readyz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "http.bad_host"),
            ("two lengths", b"POST /api/v1/beacon HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", 400, "http.ambiguous_length"),
            ("length and chunks", b"POST /api/v1/beacon HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "http.ambiguous_length"),
            ("negative length", b"POST /api/v1/beacon HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, None),
            ("absurd length", b"POST /api/v1/beacon HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 400, None),
            ("huge length", b"POST /api/v1/beacon HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n", 413, "http.body_too_large"),
            ("broken chunk", b"POST /api/v1/beacon HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "http.bad_chunk"),
            ("HTTP/3.7", b"GET / HTTP/3.7\r\nHost: x\r\n\r\n", 505, "http.bad_version"),
            ("unknown method", b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501, "http.unknown_method"),
            ("slow header", b"GET /readyz HTTP/1.1\r\nHos", 408, "http.header_timeout"),
            ("slow body", b"POST /api/v1/beacon HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", 408, "http.body_timeout"),
        ]
        for what, data, status, code in cases:
            with self.subTest(what):
                answer = self.server.raw(data)
                self.assertEqual(answer.status, status, answer)
                if code:
                    self.assertProblem(answer, status, code)
                self.assertEqual(answer.headers.get("Connection", "").lower(), "close")
                self.check_alive_and_empty()

    def test_a_client_that_says_nothing_is_no_burden(self):
        silent = [socket.create_connection(("127.0.0.1", self.server.port)) for _ in range(200)]
        self.check_alive_and_empty()
        for connection in silent:
            connection.close()

    def test_log_lines(self):
        def send(body, query="", **headers):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return self.server.request("POST", f"/api/v1/beacon/log?site={self.site['id']}{query}", body,
                                       {"X-Site-Key": self.site["key"], **named})

        garbage = b"\x00\xff\xfe garbage\n" * 20 + b"[]{}\"\"\n" * 20
        self.assertProblem(send(garbage), 400, "analytics.unknown_log_format")
        for format_name in ("common", "combined", "vhost_common", "vhost_combined", "nginx_json", "caddy", "traefik"):
            with self.subTest(format_name):
                answer = send(garbage + b"a" * (100 << 10) + b"\n", f"&format={format_name}")
                self.assertEqual(answer.status, 200, answer)
                summary = answer.json()
                self.assertEqual((summary["lines"], summary["unparsable"], summary["accepted"]), (41, 41, 0), summary)
        self.assertProblem(send(b"", "&format=klingon"), 400, "analytics.unknown_log_format", "format")
        self.assertProblem(send(b"x", Content_Encoding="gzip"), 400, "http.bad_encoding")
        self.assertProblem(send(b"x", Content_Encoding="zstd"), 400, "analytics.unsupported_encoding")
        self.assertProblem(send(b"x", X_Site_Key="sk_wrong"), 403, "analytics.wrong_site_key")
        self.assertProblem(send(b"x", X_Site_Key=""), 403, "analytics.site_key_required")
        self.assertProblem(self.server.request("POST", "/api/v1/beacon/log?site=nobody.example", b"x"), 404, "analytics.unknown_site")
        self.assertEqual(send(b" " * (33 << 20)).status, 413)

    def test_a_log_without_the_key_is_refused_before_its_body_comes(self):
        for query, status in (("site=nobody.example", 404), (f"site={self.site['id']}", 403)):
            with socket.create_connection(("127.0.0.1", self.server.port), timeout=30) as client:
                client.sendall(f"POST /api/v1/beacon/log?{query} HTTP/1.1\r\nHost: x\r\nContent-Length: {32 << 20}\r\n\r\n".encode())
                self.assertIn(f" {status} ".encode(), client.recv(65536).split(b"\r\n")[0])
        self.assertIn("mainstay_http_body_bytes 0", self.server.request("GET", "/metrics").text)

    def test_bad_dates_are_named_by_their_parameter(self):
        ranges = (("from=x", "from"), ("to=x", "to"), ("from=2026-02-30&to=2026-03-01", "from"), ("from=2026-02-01&to=2026-01-01", "to"))
        for path in (f"/api/v1/sites/{self.site['id']}/ledger", f"/api/v1/sites/{self.site['id']}/properties", "/api/v1/ledger"):
            for query, field in ranges:
                with self.subTest(f"{path}?{query}"):
                    answer = self.server.api("GET", f"{path}?{query}")
                    self.assertProblem(answer, 400, "analytics.bad_query", field)
                    self.assertEqual(len(answer.json()["errors"]), 1, answer)

    def test_bad_queries(self):
        good = {"site_id": self.site["id"], "metrics": ["visitors"], "date_range": "all"}
        cases = [
            ({}, "/site_id"), ({**good, "metrics": []}, "/metrics"), ({**good, "metrics": ["money"]}, "/metrics/0"),
            ({**good, "date_range": "decade"}, "/date_range"), ({**good, "date_range": ["2026-13-01", "2026-01-01"]}, None),
            ({**good, "date_range": ["2026-02-01", "2026-01-01"]}, None),
            ({**good, "dimensions": ["visit:shoe_size"]}, "/dimensions/0"),
            ({**good, "filters": [["is", "visit:country"]]}, None), ({**good, "filters": [["like", "visit:country", ["DE"]]]}, None),
            ({**good, "filters": [["matches", "event:page", ["(((("]]]}, None),
            ({**good, "pagination": {"limit": 10_001}}, None), ({**good, "pagination": {"offset": -1}}, None),
            ({**good, "order_by": [["visitors", "sideways"]]}, None), ({**good, "colour": "red"}, "/colour"),
            ({**good, "filters": [["and", [["and", [["and", [["and", []]]]]]]]] * 2}, None),
        ]
        for body, field in cases:
            with self.subTest(body):
                answer = self.server.api("POST", "/api/v2/query", body)
                self.assertEqual(answer.status, 400, answer)
                self.assertTrue(answer.code, answer)
                if field:
                    self.assertIn(field, [error["field"] for error in answer.json().get("errors", [])], answer)
        quoted = "'; drop table events; --"
        answer = self.server.api("POST", "/api/v2/query", {**good, "filters": [["is", "event:page", [quoted]], ["contains", "event:props:" + quoted, [quoted]]]})
        self.assertIn(answer.status, (200, 400))
