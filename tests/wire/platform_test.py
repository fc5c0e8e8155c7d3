"""What every module stands on: health, metrics, the interface's description, the script, draining."""
import gzip
import json
import re
import signal
import socket

from harness import BINARY, FIREFOX, PATIENCE, MainstayTest, browser, mainstay, until


class Platform(MainstayTest):
    def test_health_readiness_and_metrics(self):
        server = self.serve()
        site = server.site()
        self.assertEqual(server.request("GET", "/healthz").status, 200)
        self.assertEqual(server.request("GET", "/readyz").status, 200)
        for _ in range(3):
            server.hit(site)
        metrics = server.request("GET", "/metrics")
        self.assertTrue(metrics.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        self.assertRegex(metrics.text, r"(?m)^mainstay_analytics_hits_total(\{\})? 3$")
        for line in metrics.text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) |[a-z_]+(\{([a-z]+="[^"]*",?)*\})? [-+0-9.einfNa]+$)')
        outside = server.request("GET", "/metrics", headers={"X-Forwarded-For": "198.51.100.1"})
        self.assertProblem(outside, 401, "http.metrics_not_permitted")

    def test_only_a_shared_dashboard_may_be_shown_in_a_frame(self):
        server = self.serve()
        page = lambda path: server.request("GET", path, headers={"Accept": "text/html"}).headers
        for path in ("/", "/sites", "/sharex", "/share"):
            self.assertIn("frame-ancestors 'none'", page(path)["Content-Security-Policy"], path)
            self.assertEqual(page(path)["X-Frame-Options"], "DENY")
        self.assertIn("frame-ancestors *", page("/share/abc")["Content-Security-Policy"])
        self.assertIsNone(page("/share/abc")["X-Frame-Options"])

    def test_readiness_ends_first_and_requests_in_flight_finish(self):
        server = self.serve({"io_threads": "1", "drain_ms": "10min", "limits.header_patience_ms": "10min", "limits.body_patience_ms": "10min"})
        site = server.site()
        body = json.dumps({"site": site["id"], "url": "https://example.com/"}).encode()
        with socket.create_connection(("127.0.0.1", server.port)) as slow, socket.create_connection(("127.0.0.1", server.port)) as probe:
            head = f"POST /api/v1/beacon HTTP/1.1\r\nHost: x\r\nOrigin: https://example.com\r\nAccept-Language: en\r\nUser-Agent: {FIREFOX}\r\nContent-Length: {len(body)}\r\n\r\n"
            slow.sendall(head.encode() + body[:10])
            probe.sendall(b"GET /readyz HTTP/1.1\r\nHost")
            # Its only thread for connections has begun with both once it answers a third.
            self.assertEqual(server.request("GET", "/readyz").status, 200)
            server.process.send_signal(signal.SIGTERM)
            until("it stops", lambda: "stopping" in server.log)

            def refused():
                try:
                    socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
                except OSError:
                    return True

            until("no new connection is taken", refused)
            probe.sendall(b": x\r\n\r\n")
            answer = b""
            while part := probe.recv(65536):
                answer += part
            self.assertIn(b" 503 ", answer.split(b"\r\n")[0], answer)
            self.assertIn(b"http.not_ready", answer)
            slow.sendall(body[10:])
            answer = slow.recv(65536)
            self.assertIn(b" 204 ", answer.split(b"\r\n")[0], answer)
        self.assertEqual(server.process.wait(PATIENCE), 0)
        server.start()
        self.assertEqual(server.count(site), 1)

    def test_the_script_is_served_at_its_path(self):
        server = self.serve()
        site = server.site()
        plain = server.request("GET", "/s.js")
        self.assertEqual((plain.status, plain.headers["Content-Type"]), (200, "text/javascript; charset=utf-8"))
        self.assertIn(b"/api/v1/beacon", plain.body)
        packed = server.request("GET", "/s.js", headers={"Accept-Encoding": "gzip"})
        self.assertEqual(gzip.decompress(packed.body), plain.body)
        self.assertLess(len(packed.body), 2048)
        self.assertEqual(server.request("GET", "/s.js", headers={"If-None-Match": plain.headers["ETag"]}).status, 304)
        self.assertEqual(plain.headers["Access-Control-Allow-Origin"], "*")
        unwanted = server.request("GET", "/s.js", headers={"Accept-Encoding": "br;q=0, gzip;q=0"})
        self.assertEqual(unwanted.body, plain.body)
        for answer in (plain, packed, unwanted):
            self.assertEqual(answer.headers.get_all("Vary"), ["Accept-Encoding"])
        self.assertNotEqual(server.request("GET", "/js/app.js").headers["Content-Type"], plain.headers["Content-Type"])
        server.ask("PATCH", f"/api/v1/sites/{site['id']}", {"script_path": "/js/app.js"})
        self.assertEqual(server.request("GET", "/js/app.js").body, plain.body)
        server.restart()
        self.assertEqual(server.request("GET", "/js/app.js").body, plain.body)

    def test_every_answer_of_the_app_is_guarded(self):
        server = self.serve()
        page = server.request("GET", "/")
        self.assertEqual(page.status, 200)
        policy = page.headers["Content-Security-Policy"]
        self.assertIn("default-src 'self'", policy)
        self.assertNotIn("unsafe-inline", re.search(r"script-src[^;]*", policy).group(0))
        for path in ("/", "/api/v1/session", "/api/v1/nothing", "/s.js"):
            self.assertEqual(server.request("GET", path).headers["X-Content-Type-Options"], "nosniff")
        if "without its web app" in page.text and BINARY.parent.name != "release":
            self.skipTest("this build has no web app in it; the release has")
        assets = set(re.findall(r'(?:src|href)="(/[^"]+)"', page.text))
        self.assertTrue(assets)
        for asset in assets:
            answer = server.request("GET", asset)
            self.assertEqual(answer.status, 200, asset)
            if asset.startswith("/assets/"):
                self.assertIn("immutable", answer.headers["Cache-Control"])
        self.assertNotRegex(page.text, r'(src|href)="(https?:)?//')
        # A path of the app's own router is the app too; an unknown file or API is not.
        self.assertEqual(server.request("GET", "/sites/1", headers={"Accept": "text/html"}).body, page.body)
        self.assertProblem(server.request("GET", "/api/v1/nothing"), 404, "http.not_found")
        for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2fetc/passwd"):
            self.assertNotIn(b"root:", server.request("GET", path).body)

    def test_two_servers_on_one_folder_the_second_says_why_not(self):
        server = self.serve()
        done = mainstay("serve", "--listen", "127.0.0.1:0", data=server.data)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("in use by another process", done.stderr)
        self.assertIn(str(server.data), done.stderr)
        self.assertEqual(server.request("GET", "/readyz").status, 200)

    def test_two_servers_on_one_port_the_second_says_why_not(self):
        server = self.serve()
        done = mainstay("serve", "--listen", f"127.0.0.1:{server.port}", data=self.home / "other")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(server.port), done.stderr)
        self.assertEqual(server.request("GET", "/readyz").status, 200)

    def test_one_address_cannot_take_it_all(self):
        server = self.serve({"limits.requests_per_second": "1", "limits.requests_burst": "10"})
        statuses = [server.request("GET", "/healthz", headers={"X-Forwarded-For": "198.51.100.1"}) for _ in range(40)]
        refused = [answer for answer in statuses if answer.status == 429]
        self.assertTrue(refused)
        self.assertGreater(int(refused[0].headers["Retry-After"]), 0)
        self.assertEqual(server.request("GET", "/healthz", headers={"X-Forwarded-For": "198.51.100.2"}).status, 200)

    def test_events_of_one_address_have_a_limit_too_and_a_request_is_refused_whole(self):
        server = self.serve()
        site = server.site()
        events = [{"site": site["id"], "url": "https://example.com/"}] * 100
        send = lambda client, **key: server.request("POST", "/api/v1/beacon", events, browser(**{"X-Forwarded-For": client}, **key))
        taken = 0

        def refused():
            nonlocal taken
            if (answer := send("198.51.100.1")).status != 204:
                return answer
            taken += 100
            return None

        answer = until("one address has sent enough", refused)
        self.assertProblem(answer, 429, "http.rate_limited")
        self.assertGreater(int(answer.headers["Retry-After"]), 0)
        self.assertGreaterEqual(taken, 1000)
        for exempt in (("127.9.9.9", {}), ("198.51.100.1", {"X-Site-Key": site["key"]})):
            for _ in range(15):
                self.assertEqual(send(exempt[0], **exempt[1]).status, 204, exempt)
                taken += 100
        self.assertEqual(server.count(site), taken)

    def test_who_is_not_signed_in_is_asked_to_with_a_link_or_without_one(self):
        server = self.serve()
        site = server.site()
        path, live = f"/api/v1/sites/{site['id']}", f"subjects=events.analytics.live.{site['id']}"
        link = {"X-Mainstay-Share": server.ask("POST", path + "/shares", {"name": "all"}, expect=201)["token"]}
        query = {"site_id": site["id"], "metrics": ["visitors"], "date_range": "all"}
        shared = [("POST", "/api/v2/query", query, "analytics.no_access"), ("GET", path + "/ledger", None, "analytics.no_access"),
                  ("GET", path + "/properties", None, "analytics.no_access"), ("GET", path + "/goals", None, "analytics.sign_in_required"),
                  ("GET", path + "/annotations", None, "analytics.sign_in_required")]
        single = [("GET", path + "/export?rows=events", None, "analytics.no_access"), ("GET", path + "/bots", None, "analytics.no_access"),
                  ("GET", path + "/snippet", None, "http.sign_in_required"), ("GET", "/api/v1/ledger", None, "http.sign_in_required")]
        for method, target, body, code in shared + single:
            with self.subTest(target):
                self.assertProblem(server.request(method, target, body), 401, code)
        for method, target, body, _ in shared:
            self.assertEqual(server.request(method, target, body, link).status, 200, target)
        for method, target, body, code in single:
            with self.subTest(target + " with a link"):
                self.assertProblem(server.request(method, target, body, link), 401, code)
        for target in ("/api/v1/events?", "/api/v1/live?"):
            self.assertProblem(server.request("GET", target + live), 401, "analytics.sign_in_required")

    def test_connections_have_a_limit_and_the_next_ones_are_told(self):
        server = self.serve({"limits.connections_max": "20"})
        held = [server.connect() for _ in range(20)]
        for connection in held:
            self.assertEqual(server.request("GET", "/healthz", connection=connection).status, 200)
        self.assertEqual(server.request("GET", "/healthz").status, 503)
        held.pop().close()
        until("a place is free", lambda: server.request("GET", "/healthz").status == 200)
        for connection in held:
            connection.close()


class Description(MainstayTest):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.document = self.server.request("GET", "/api/openapi.json").json()

    def test_it_is_openapi_and_names_every_route(self):
        self.assertTrue(self.document["openapi"].startswith("3.1"))
        self.assertEqual(set(self.document), set(self.document) | {"info", "paths"})
        operations = {(method.upper(), path) for path, item in self.document["paths"].items() for method in item}
        for expected in [("GET", "/api/v1/beacon"), ("POST", "/api/v1/beacon"), ("POST", "/api/v1/beacon/log"), ("POST", "/api/v1/analytics/classify"),
                         ("GET", "/api/v1/events"), ("GET", "/api/v1/live"), ("POST", "/api/v2/query"), ("GET", "/api/v1/sites"), ("POST", "/api/v1/sites"),
                         ("PATCH", "/api/v1/sites/{site_id}"), ("DELETE", "/api/v1/sites/{site_id}"), ("GET", "/api/v1/sites/{site_id}/export"),
                         ("GET", "/api/v1/sites/{site_id}/ledger"), ("GET", "/api/v1/sites/{site_id}/bots"), ("POST", "/api/v1/setup"), ("GET", "/api/v1/session"),
                         ("POST", "/api/v1/session"), ("DELETE", "/api/v1/session"), ("GET", "/api/v1/tokens"), ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics")]:
            self.assertIn(expected, operations)

    def test_the_collector_is_described_field_by_field(self):
        beacon = self.document["paths"]["/api/v1/beacon"]
        parameters = {each["name"]: each["schema"] for each in beacon["get"]["parameters"]}
        content = beacon["post"]["requestBody"]["content"]
        self.assertEqual(set(content), {"application/json", "text/plain"})
        name = content["text/plain"]["schema"]["$ref"].removeprefix("#/components/schemas/")
        one, several = self.document["components"]["schemas"][name]["oneOf"]
        self.assertEqual((several["type"], several["items"], several["maxItems"]), ("array", one, 100))
        self.assertLessEqual({"site", "url", "props", "revenue", "vitals", "event_id", "timestamp"}, set(parameters))
        self.assertLess(set(parameters), set(one["properties"]), "the body has short names besides")
        self.assertEqual(parameters["scroll_depth"]["maximum"], 100)
        log = self.document["paths"]["/api/v1/beacon/log"]["post"]
        self.assertEqual({each["name"] for each in log["parameters"]}, {"site", "key", "format", "import", "piece", "finish"})
        self.assertIn("text/plain", log["requestBody"]["content"])
        self.assertIn("application/json", log["responses"]["200"]["content"])
        classify = self.document["paths"]["/api/v1/analytics/classify"]["post"]
        self.assertIn("application/json", classify["requestBody"]["content"])
        self.assertIn("application/json", classify["responses"]["200"]["content"])

    def references(self, value):
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for inner in value.values():
                yield from self.references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from self.references(inner)

    def test_every_reference_leads_somewhere(self):
        for reference in self.references(self.document):
            place = self.document
            for step in reference.removeprefix("#/").split("/"):
                place = place[step.replace("~1", "/").replace("~0", "~")]

    def sample(self, schema, depth=0):
        """Some value that the schema allows."""
        if "$ref" in schema:
            place = self.document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                place = place[step]
            return self.sample(place, depth)
        for choice in ("oneOf", "anyOf"):
            if choice in schema:
                return self.sample(schema[choice][0], depth)
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind == "object":
            return {name: self.sample(inner, depth + 1) for name, inner in schema.get("properties", {}).items() if depth < 4}
        return {"array": [], "integer": 1, "number": 1, "boolean": True, "null": None}.get(kind, "text")

    def test_every_operation_answers_as_documented(self):
        site = self.server.site()
        documented = 0
        for path, item in sorted(self.document["paths"].items()):
            for method, operation in item.items():
                with self.subTest(f"{method.upper()} {path}"):
                    documented += 1
                    self.assertTrue(operation.get("summary"), "no summary")
                    target = path.replace("{site_id}", site["id"])
                    parameters = re.findall(r"\{(\w+)\}", target)
                    target = re.sub(r"\{\w+\}", "1", target)
                    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
                    body = self.sample(schema) if schema else ({} if method in ("post", "patch", "put") else None)
                    answer = self.server.api(method.upper(), target, body)
                    self.assertNotIn(answer.status, (405, 500, 501), answer)
                    self.assertFalse(answer.status == 404 and answer.code == "http.not_found", answer)
                    if answer.status == 404 and not parameters:
                        self.assertNotEqual(answer.code, None, answer)
                    if answer.status >= 400:
                        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
                        self.assertTrue(answer.code and answer.json()["request_id"])
                    elif "application/json" in (answer.headers.get("Content-Type") or ""):
                        answer.json()
                    foreign = self.server.request(method.upper(), target, body)
                    self.assertNotEqual(foreign.status, 500, foreign)
        self.assertGreater(documented, 30)
        self.assertNotIn(" error ", self.server.log)
