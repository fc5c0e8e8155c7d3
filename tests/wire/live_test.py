"""Live reports: server-sent events and WebSocket, a snapshot at once and an update after each hit."""
import base64
import hashlib
import json
import os
import socket
import struct
import time

from harness import EMAIL, PASSWORD, PATIENCE, SAFARI, MainstayTest, browser


class Events:
    """A reader of one event stream."""

    def __init__(self, server, target, headers=None):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        fields = {"Host": "x", "Accept": "text/event-stream", **(headers or {})}
        lines = [f"GET {target} HTTP/1.1"] + [f"{name}: {value}" for name, value in fields.items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while (line := self.file.readline().strip()):
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()

    def next(self):
        """The next event; comments are passed over."""
        found, deadline = {}, time.monotonic() + PATIENCE
        for line in self.file:
            if time.monotonic() > deadline:
                raise AssertionError(f"no event within {PATIENCE} s")
            line = line.decode().rstrip("\r\n")
            if not line:
                if "data" in found:
                    return found
                found = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(":")
                if name in ("id", "event", "data", "retry"):
                    found[name] = value.strip()
        raise AssertionError("the stream ended")

    def until(self, condition):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            event = self.next()
            model = json.loads(event["data"])
            if condition(model):
                return event, model
        raise AssertionError(f"no such event within {PATIENCE} s; the last one is {model}")

    def close(self):
        self.file.close()
        self.socket.close()


class WebSocket:
    def __init__(self, server, target, headers=None):
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        fields = {"Host": "x", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13", **(headers or {})}
        self.socket.sendall((f"GET {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n").encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while (line := self.file.readline().strip()):
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()
        self.accepts = self.headers.get("sec-websocket-accept") == base64.b64encode(
            hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()

    def frame(self):
        head = self.file.read(2)
        if not head:
            raise AssertionError("the stream ended")
        first, second = head
        size = second & 127
        if size == 126:
            size, = struct.unpack(">H", self.file.read(2))
        elif size == 127:
            size, = struct.unpack(">Q", self.file.read(8))
        return first & 15, self.file.read(size)

    def send(self, opcode, payload=b""):
        mask = os.urandom(4)
        self.socket.sendall(bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)))

    def until(self, condition):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            opcode, payload = self.frame()
            if opcode == 1 and condition(message := json.loads(payload)):
                return message
        raise AssertionError(f"no such message within {PATIENCE} s")

    def close(self):
        self.file.close()
        self.socket.close()


class Live(MainstayTest):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.site = self.server.site()
        self.subject = f"events.analytics.live.{self.site['id']}"
        self.bearer = {"Authorization": f"Bearer {self.server.token}"}

    def events(self, target=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        stream = Events(self.server, target or f"/api/v1/events?subjects={self.subject}", {**self.bearer, **named})
        self.addCleanup(stream.close)
        return stream

    def test_a_snapshot_comes_at_once_and_an_update_after_a_hit(self):
        stream = self.events()
        self.assertEqual((stream.status, stream.headers["content-type"].split(";")[0]), (200, "text/event-stream"))
        first = stream.next()
        model = json.loads(first["data"])
        self.assertEqual(first["event"], self.subject)
        self.assertEqual((model["site_id"], model["current_visitors"], len(model["minutes"]), model["pages"]), (self.site["id"], 0, 30, []))
        self.server.hit(self.site, url="https://example.com/now", referrer="https://www.google.com/")
        _, model = stream.until(lambda model: model["current_visitors"] == 1)
        self.assertEqual(model["pages"], [{"value": "/now", "visitors": 1}])
        self.assertEqual(model["sources"], [{"value": "Google", "visitors": 1}])
        self.assertEqual(sum(minute["pageviews"] for minute in model["minutes"]), 1)
        self.server.hit(self.site, browser(agent=SAFARI), url="https://example.com/then")
        stream.until(lambda model: model["current_visitors"] == 2)
        listed = self.server.ask("GET", "/api/v1/sites")["items"]
        self.assertEqual([site["current_visitors"] for site in listed], [2])

    def test_the_model_has_all_that_a_page_shows(self):
        self.server.hit(self.site)
        self.server.hit(self.site, browser(agent="curl/8.4.0"))
        _, model = self.events().until(lambda model: model["ledger"]["bots"] == 1)
        self.assertLessEqual({"site_id", "at", "current_visitors", "minutes", "pages", "sources", "countries", "ledger"}, set(model))
        self.assertEqual(model["ledger"], {"accepted": 1, "bots": 1, "refused": 0})
        self.assertEqual([set(minute) for minute in model["minutes"]], [{"minute", "visitors", "pageviews"}] * 30)
        self.assertEqual([minute["minute"] for minute in model["minutes"]], sorted(minute["minute"] for minute in model["minutes"]))

    def test_who_comes_back_misses_nothing(self):
        stream = self.events()
        stream.next()
        self.server.hit(self.site)
        event, _ = stream.until(lambda model: model["current_visitors"] == 1)
        stream.close()
        self.server.hit(self.site, browser(agent=SAFARI))
        self.assertEqual(self.server.totals(self.site, "visitors"), [2])
        again = self.events(Last_Event_ID=event["id"])
        newest, _ = again.until(lambda model: model["current_visitors"] == 2)
        if "id" in newest:
            self.assertGreater(int(newest["id"]), int(event["id"]))
        # A nonsense id, or one of a time to come, begins with a snapshot.
        for id in ("nonsense", "99999999999999999999", "18446744073709551615"):
            self.events(Last_Event_ID=id).until(lambda model: model["current_visitors"] == 2)

    def test_nobody_is_told_more_than_four_times_a_second(self):
        began = time.monotonic()
        stream = self.events()
        stream.next()
        connection = self.server.connect()
        for n in range(300):
            answer = self.server.hit(self.site, {"X-Forwarded-For": f"198.51.{n // 200}.{n % 200}"}, connection)
            self.assertEqual(answer.status, 204)
        received = 0
        while True:
            received += 1
            model = json.loads(stream.next()["data"])
            if model["current_visitors"] == 300:
                break
        self.assertLessEqual(received, (time.monotonic() - began) / 0.25 + 2)

    def test_a_restart_keeps_the_current_visitors(self):
        for n in range(5):
            self.server.hit(self.site, {"X-Forwarded-For": f"198.51.100.{n}"}, url=f"https://example.com/{n}")
        _, before = self.events().until(lambda model: model["current_visitors"] == 5)
        self.server.restart()
        after = json.loads(self.events().next()["data"])
        self.assertEqual(after["current_visitors"], 5)
        for part in ("pages", "sources", "countries"):
            self.assertEqual(after[part], before[part])
        filled = lambda model: [minute for minute in model["minutes"] if minute["pageviews"]]
        self.assertEqual(filled(after), filled(before))

    def test_after_a_crash_too(self):
        for n in range(5):
            self.server.hit(self.site, {"X-Forwarded-For": f"198.51.100.{n}"})
        self.server.kill()
        self.server.start()
        self.events().until(lambda model: model["current_visitors"] == 5)

    def test_who_may_watch(self):
        other = self.server.site("other.example")
        share = self.server.ask("POST", f"/api/v1/sites/{self.site['id']}/shares", {"name": "All"})["token"]
        request = lambda query, headers=None: self.server.request("GET", "/api/v1/events?" + query, headers=headers)
        for query in (self.subject, f"events.analytics.live.{other['id']}&share={share}",
                      f"{self.subject},events.analytics.live.{other['id']}&share={share}"):
            self.assertProblem(request("subjects=" + query), 401, "analytics.sign_in_required")
        self.assertProblem(request("subjects=", self.bearer), 400, "analytics.unknown_subject", "subjects")
        self.assertProblem(request("subjects=events.*", self.bearer), 400, "analytics.unknown_subject")
        self.assertProblem(request("subjects=events.analytics.live.1", self.bearer), 404, "analytics.unknown_site")
        stream = Events(self.server, f"/api/v1/events?subjects={self.subject}&share={share}")
        self.addCleanup(stream.close)
        self.assertEqual(json.loads(stream.next()["data"])["site_id"], self.site["id"])

    def test_a_websocket_says_the_same(self):
        live = WebSocket(self.server, f"/api/v1/live?subjects={self.subject}", self.bearer)
        self.addCleanup(live.close)
        self.assertEqual((live.status, live.accepts), (101, True))
        first = live.until(lambda message: True)
        self.assertEqual((set(first), first["subject"]), ({"subject", "id", "data"}, self.subject))
        self.server.hit(self.site)
        message = live.until(lambda message: message["data"]["current_visitors"] == 1)
        self.assertRegex(message["id"], r"^\d+$")
        live.send(9, b"here?")
        while (frame := live.frame())[0] != 10:
            pass
        self.assertEqual(frame[1], b"here?")
        live.send(8, struct.pack(">H", 1000))
        while (frame := live.frame())[0] != 8:
            pass
        self.assertEqual(frame[1][:2], struct.pack(">H", 1000))

    def test_a_websocket_of_a_foreign_page_gets_nothing_by_cookie(self):
        live = WebSocket(self.server, f"/api/v1/live?subjects={self.subject}", {"Origin": "https://evil.example", "Cookie": "mainstay=x"})
        self.addCleanup(live.close)
        self.assertIn(live.status, (401, 403))

    def assertBothEnd(self, headers, end, share=None):
        """Opens a stream on both transports, calls `end`, and sees both of them end and not begin again."""
        query = f"?subjects={self.subject}" + (f"&share={share}" if share else "")
        stream = Events(self.server, "/api/v1/events" + query, headers)
        self.addCleanup(stream.close)
        stream.next()
        live = WebSocket(self.server, "/api/v1/live" + query, headers)
        self.addCleanup(live.close)
        live.until(lambda message: True)
        end()
        while stream.file.readline():
            pass
        while (frame := live.frame())[0] != 8:
            pass
        self.assertEqual(frame[1][:2], struct.pack(">H", 1008))
        self.assertEqual(live.file.read(), b"")
        for transport, path in ((Events, "/api/v1/events"), (WebSocket, "/api/v1/live")):
            again = transport(self.server, path + query, headers)
            self.addCleanup(again.close)
            self.assertIn(again.status, (401, 403, 404))

    def assertStillLive(self, stream):
        self.server.hit(self.site)
        stream.until(lambda model: model["current_visitors"] > 0)

    def test_a_withdrawn_share_ends_its_streams(self):
        shares = f"/api/v1/sites/{self.site['id']}/shares"
        kept, withdrawn = (self.server.ask("POST", shares, {"name": name}) for name in ("Kept", "Withdrawn"))
        other = Events(self.server, f"/api/v1/events?subjects={self.subject}&share={kept['token']}")
        self.addCleanup(other.close)
        self.assertBothEnd({}, lambda: self.server.ask("DELETE", f"{shares}/{withdrawn['id']}"), withdrawn["token"])
        self.assertStillLive(other)

    def test_a_withdrawn_share_ends_what_its_password_opened(self):
        shares = f"/api/v1/sites/{self.site['id']}/shares"
        share = self.server.ask("POST", shares, {"name": "Team", "password": PASSWORD})
        grant = self.server.ask("POST", f"/api/v1/shares/{share['token']}/unlock", {"password": PASSWORD})["grant"]
        self.assertBothEnd({}, lambda: self.server.ask("DELETE", f"{shares}/{share['id']}"), grant)

    def signed_in(self):
        """The headers of a signed-in browser."""
        signed = self.server.request("POST", "/api/v1/session", {"email": EMAIL, "password": PASSWORD},
                                     {"Host": f"localhost:{self.server.port}", "X-Mainstay-Request": "1", "Sec-Fetch-Site": "same-origin"})
        self.assertEqual(signed.status, 201, signed)
        cookie = signed.headers["Set-Cookie"].split(";")[0]
        return {"Host": f"localhost:{self.server.port}", "Cookie": cookie, "X-Mainstay-Request": "1", "Sec-Fetch-Site": "same-origin"}

    def test_signing_out_ends_the_streams_of_that_session_only(self):
        browser_a, browser_b = self.signed_in(), self.signed_in()
        other = Events(self.server, f"/api/v1/events?subjects={self.subject}", browser_b)
        self.addCleanup(other.close)
        self.assertBothEnd(browser_a, lambda: self.server.request("DELETE", "/api/v1/session", headers=browser_a))
        self.assertStillLive(other)

    def test_a_revoked_token_ends_its_streams(self):
        browser_a = self.signed_in()
        made = self.server.request("POST", "/api/v1/tokens", {"name": "Wall"}, browser_a).json()
        self.assertBothEnd({"Authorization": f"Bearer {made['token']}"},
                           lambda: self.server.request("DELETE", f"/api/v1/tokens/{made['id']}", headers=browser_a))

    def test_a_deleted_site_ends_its_streams(self):
        other = self.server.site("other.example")
        watched = Events(self.server, f"/api/v1/events?subjects=events.analytics.live.{other['id']}", self.bearer)
        self.addCleanup(watched.close)
        watched.next()
        self.assertBothEnd(self.bearer, lambda: self.server.ask("DELETE", f"/api/v1/sites/{self.site['id']}?confirm={self.site['domain']}"))
        self.server.hit(other)
        watched.until(lambda model: model["current_visitors"] == 1)

    def test_the_model_knows_today_and_the_first_hit(self):
        noon = f"Etc/GMT{time.gmtime().tm_hour - 12:+d}"  # where no day ends during the test
        self.site = self.server.site("noon.example", timezone=noon)
        self.subject = f"events.analytics.live.{self.site['id']}"
        stream = self.events()
        model = json.loads(stream.next()["data"])
        nothing = {"visitors": 0, "visits": 0, "pageviews": 0, "events": 0}
        self.assertEqual((model["totals_today"], model["hits_total"], model["first_hit_at"]), (nothing, 0, None))
        self.server.hit(self.site)
        _, model = stream.until(lambda model: model["first_hit_at"])
        self.assertEqual(model["hits_total"], 1)
        first = model["first_hit_at"]
        self.server.hit(self.site, name="Signup")
        self.server.hit(self.site, browser("noon.example", agent=SAFARI))
        _, model = stream.until(lambda model: model["hits_total"] == 3)
        today = {"visitors": 2, "visits": 2, "pageviews": 2, "events": 3}
        self.assertEqual(model["totals_today"], today)
        self.assertEqual(self.server.totals(self.site, *today), list(today.values()))
        self.server.restart()
        model = json.loads(self.events().next()["data"])
        self.assertEqual((model["totals_today"], model["hits_total"]), (today, 3))
        self.assertEqual(model["first_hit_at"], first)

    def test_streams_end_when_the_server_drains(self):
        stream = self.events()
        stream.next()
        live = WebSocket(self.server, f"/api/v1/live?subjects={self.subject}", self.bearer)
        self.addCleanup(live.close)
        live.until(lambda message: True)
        self.assertEqual(self.server.terminate(), 0)
        self.assertEqual(stream.file.read().replace(b": ping\n\n", b""), b"")
        while (frame := live.frame())[0] == 9:  # a ping
            pass
        opcode, payload = frame
        self.assertEqual((opcode, payload[:2]), (8, struct.pack(">H", 1001)))
