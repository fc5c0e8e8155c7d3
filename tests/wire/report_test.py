"""Reports over the wire: what one shows, the next can ask for."""
from harness import PHONE, MainstayTest, browser

DIMENSIONS = ("event:page", "event:hostname", "event:name", "event:goal", "event:props:plan", "visit:entry_page", "visit:exit_page",
              "visit:entry_page_hostname", "visit:exit_page_hostname", "visit:source", "visit:referrer", "visit:channel", "visit:utm_source",
              "visit:utm_medium", "visit:utm_campaign", "visit:utm_content", "visit:utm_term", "visit:country", "visit:country_name", "visit:region",
              "visit:region_name", "visit:city", "visit:city_name", "visit:device", "visit:screen", "visit:browser", "visit:browser_version", "visit:os",
              "visit:os_version", "visit:language")


class Breakdowns(MainstayTest):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.site = self.server.site()
        self.server.ask("POST", f"/api/v1/sites/{self.site['id']}/goals", {"kind": "event", "event_name": "Signup"})
        view = lambda address, headers=None, **event: self.server.hit(self.site, {**(headers or {}), "X-Forwarded-For": address}, **event)
        view("8.8.8.8")  # nothing is known of where from
        view("192.0.2.1", browser(agent=PHONE), url="https://example.com/a?utm_source=letter&utm_medium=email&utm_campaign=c", screen_width=400)
        view("192.0.2.2", url="https://www.example.com/b", referrer="https://www.google.com/", language="de-AT")
        view("192.0.2.2", url="https://example.com/b", name="Signup", props={"plan": "pro"})
        self.assertEqual(self.server.totals(self.site, "visitors", "events"), [3, 4])

    def test_each_row_is_what_a_filter_on_it_finds(self):
        for dimension in DIMENSIONS:
            rows = self.server.query(self.site, ["visitors", "events"], dimensions=[dimension])
            self.assertTrue(rows, dimension)
            for row in rows:
                with self.subTest(dimension=dimension, value=row["dimensions"]):
                    filters = [["is", dimension, row["dimensions"]]]
                    self.assertEqual(self.server.query(self.site, ["visitors", "events"], filters=filters)[0]["metrics"], row["metrics"])
                    self.assertEqual(self.server.query(self.site, ["visitors", "events"], dimensions=[dimension], filters=filters), [row])

    def test_each_row_is_what_a_compound_filter_on_it_finds(self):
        for dimension in DIMENSIONS:
            for row in self.server.query(self.site, ["visitors", "events"], dimensions=[dimension]):
                leaf = ["is", dimension, row["dimensions"]]
                for filters in ([["and", [leaf]]], [["or", [leaf]]], [["not", ["not", leaf]]]):
                    with self.subTest(dimension=dimension, filters=filters):
                        self.assertEqual(self.server.query(self.site, ["visitors", "events"], dimensions=[dimension], filters=filters), [row])
