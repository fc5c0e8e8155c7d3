"""The OpenAPI document: it says what every route takes and gives, and what it says is true."""
import json

from harness import GOOGLEBOT, MainstayTest, browser, until

# What is no JSON: log lines, a download of either format, a page of numbers for Prometheus, and answers of one word.
NOT_JSON = {("POST", "/api/v1/beacon/log"), ("GET", "/api/v1/sites/{site_id}/export"), ("GET", "/metrics"), ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/api/openapi.json")}
# What says all in its path.
NO_BODY = {("POST", "/api/v1/sites/{site_id}/key")}
KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float), "null": type(None)}


class Document(MainstayTest):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.site = self.server.site()
        self.path = f"/api/v1/sites/{self.site['id']}"
        self.document = self.server.request("GET", "/api/openapi.json").json()

    def operations(self):
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def schema(self, method, path):
        operation = self.document["paths"][path][method.lower()]
        answers = [answer["content"] for status, answer in operation["responses"].items() if status != "default"]
        return list(answers[0].values())[0]["schema"]

    def check(self, value, schema, where=""):
        """Validates the part of JSON Schema that the document uses."""
        if "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        kinds = schema.get("type")
        if kinds is None:
            return
        kinds = kinds if isinstance(kinds, list) else [kinds]
        fits = any(isinstance(value, KINDS[kind]) and not (isinstance(value, bool) and kind != "boolean") for kind in kinds)
        self.assertTrue(fits, f"{where} is {value!r}, expected {kinds}")
        if "enum" in schema:
            self.assertIn(value, schema["enum"], where)
        if isinstance(value, dict) and ("properties" in schema or "additionalProperties" in schema):
            for name in schema.get("required", []):
                self.assertIn(name, value, where)
            for name, member in value.items():
                known = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
                self.assertTrue(known not in (None, False), f"{where}/{name} is not in the document")
                if isinstance(known, dict):
                    self.check(member, known, f"{where}/{name}")
        if isinstance(value, list):
            for i, item in enumerate(value):
                self.check(item, schema.get("items", {}), f"{where}/{i}")

    def test_every_body_and_answer_has_a_schema(self):
        missing = []
        for method, path, operation in self.operations():
            if (method, path) in NOT_JSON:
                continue
            if method in ("POST", "PUT", "PATCH") and (method, path) not in NO_BODY and "requestBody" not in operation:
                missing.append(f"{method} {path}: body")
            for status, answer in operation["responses"].items():
                if status not in ("204", "default") and "content" not in answer:
                    missing.append(f"{method} {path}: answer {status}")
        self.assertEqual(missing, [])

    def test_answers_are_what_the_document_says(self):
        self.server.hit(self.site, name="Signup", props={"plan": "pro"})
        self.server.hit(self.site, browser(agent=GOOGLEBOT))
        self.server.hit(self.site, browser("foreign.example"))
        self.server.request("POST", "/api/v1/beacon", {"site": "nowhere.example", "url": "https://example.com/"}, browser())
        self.server.ask("POST", self.path + "/goals", {"kind": "event", "event_name": "Signup"})
        self.server.ask("POST", self.path + "/annotations", {"at": "2026-01-01T00:00:00Z", "text": "Launch"})
        share = self.server.ask("POST", self.path + "/shares", {"name": "All"})
        until("the ledgers are written", lambda: self.server.ledger(self.site)["refused"] and self.server.ask("GET", "/api/v1/ledger")["refused"])
        one = "/api/v1/sites/{site_id}"
        for path in ("/ledger", "/bots", "/properties", "/goals", "/annotations", "/shares", "/snippet", ""):
            answer = self.server.ask("GET", self.path + path)
            self.assertTrue(answer.get("items", True), path)
            self.check(answer, self.schema("GET", one + path), path)
        for path in ("/api/v1/ledger", "/api/v1/sites", "/api/v1/tokens", "/api/v1/session"):
            self.check(self.server.ask("GET", path), self.schema("GET", path), path)
        self.check(self.server.ask("GET", f"/api/v1/shares/{share['token']}"), self.schema("GET", "/api/v1/shares/{token}"))
        answer = self.server.ask("POST", "/api/v2/query", {"site_id": self.site["id"], "metrics": ["visitors"], "date_range": "day"})
        self.check(answer, self.schema("POST", "/api/v2/query"))

    def test_live_events_are_what_the_document_says(self):
        self.server.hit(self.site, referrer="https://www.google.com/")
        connection = self.server.connect()
        self.addCleanup(connection.close)
        connection.request("GET", f"/api/v1/events?subjects=events.analytics.live.{self.site['id']}", headers={"Authorization": f"Bearer {self.server.token}"})
        response = connection.getresponse()
        answers = self.document["paths"]["/api/v1/events"]["get"]["responses"]
        self.assertEqual(list(answers["200"]["content"]), ["text/event-stream"])
        while True:
            line = response.readline().decode()
            self.assertTrue(line, "the stream ended")
            if line.startswith("data: "):
                model = json.loads(line[6:])
                self.check(model, self.schema("GET", "/api/v1/events"))
                if model["pages"]:
                    break
        message = {"subject": "events.analytics.live.1", "id": None, "data": model}
        self.check(message, self.schema("GET", "/api/v1/live"))
