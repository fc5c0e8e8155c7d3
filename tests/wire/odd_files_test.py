"""What an import does with files that are not what they should be, and small promises of the snippet."""
import gzip
import json

from harness import FIREFOX, MainstayTest, browser, log_line, mainstay
from logs_test import FORMATS, LogTest, in_format


class OddFiles(MainstayTest):
    def import_bytes(self, server, name, data):
        path = self.home / name
        path.write_bytes(data)
        return mainstay("import", "log", path, "--site", "example.com", "--json", data=server.data)

    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.site = self.server.site()
        self.lines = "".join(log_line(n) + "\n" for n in range(200)).encode()

    def test_a_damaged_archive_is_a_clear_error(self):
        whole = gzip.compress(self.lines * 200)
        damaged = whole[:-8] + b"\0" * 8  # its checksum is wrong
        for name, data in (("damaged.log.gz", damaged), ("cut.log.gz", whole[:len(whole) // 2])):
            done = self.import_bytes(self.server, name, data)
            self.assertEqual(done.returncode, 1, done)
            self.assertIn("cannot read", done.stderr)

    def test_what_follows_an_endless_line_is_read_too(self):
        done = self.import_bytes(self.server, "long.log", self.lines + b"x" * (12 << 20) + b"\n" + self.lines.replace(b"/", b"/later"))
        summary = json.loads(done.stdout.splitlines()[-1])
        self.assertGreaterEqual(summary["lines"], 401)
        self.assertGreaterEqual(summary["unparsable"], 1)

    def test_following_several_files_is_refused(self):
        done = mainstay("import", "log", "a", "b", "--follow", "--site", "example.com", data=self.server.data)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--follow takes one file", done.stderr)


class Formats(LogTest):
    def test_a_log_that_keeps_no_agents_is_not_one_of_robots(self):
        server = self.serve()
        for name in ("common", "nginx_json", "traefik"):  # the last one keeps no headers unless it is told to
            with self.subTest(format=name):
                domain = f"{name}.example".replace("_", "-")
                lines = [in_format(name, n).replace("example.com", domain) for n in range(3)]
                if name != "common":
                    lines = [json.dumps({key: value for key, value in json.loads(line).items() if "gent" not in key}) for line in lines]
                server.site(domain)
                summary = self.read(server, self.write("log", lines), site=domain)
                self.assertEqual((summary["accepted"], summary["bots"]), (3, 0), summary)

    def test_files_of_several_formats_go_together(self):
        server = self.serve()
        site = server.site()
        files = [self.write(name, [in_format(name, n + 10 * at) for n in range(10)]) for at, name in enumerate(FORMATS)]
        files.insert(2, self.write("error.log", ["2026/10/01 10:00:00 [error] 7#7: *1 no such file"] * 5))
        summary = self.read(server, *files)
        self.assertEqual((summary["lines"], summary["accepted"], summary["unparsable"]), (75, 70, 5), summary)
        sources = server.query(site, ["visits"], dimensions=["visit:source"])
        self.assertEqual({row["dimensions"][0]: row["metrics"][0] for row in sources}, {"Google": 50, "Direct / None": 20})


class Snippet(MainstayTest):
    def test_an_image_without_url_counts_the_page_it_stands_on(self):
        server = self.serve()
        site = server.site()
        answer = server.request("GET", f"/api/v1/beacon?site={site['id']}",
                                headers={"Referer": "https://example.com/deep/page", "User-Agent": FIREFOX, "Accept-Language": "de"})
        self.assertEqual(answer.status, 204, answer)
        self.assertIn("/deep/page", str(server.events(site)))

    def test_hash_routing_is_in_the_snippet(self):
        server = self.serve()
        site = server.site(hash_routing=True)
        self.assertIn("data-hash", server.ask("GET", f"/api/v1/sites/{site['id']}/snippet")["html"])
