"""`mainstay import log` that is killed or stopped in the middle, and started again."""
import signal

from harness import FIREFOX, LONG, SAFARI, log_line, until
from logs_test import HOUR_AGO, LogTest

# The queue holds a part of the file, and an import waits until that is written.
PACED = {"stream.bytes_max": "8MiB", "analytics.flush_ms": "200ms"}
AS_OPTIONS = [word for key, value in PACED.items() for word in ("--set", f"{key}={value}")]  # for an import without a server


class Interrupted(LogTest):
    LINES = 150_000

    def big_file(self):
        path = self.home / "big.log"
        with path.open("w") as file:
            for n in range(self.LINES):
                pair = n // 2  # of lines that are alike
                visitor = pair * 7919 % 20_000
                file.write(log_line(visitor, f"/page/{pair % 97}", at=HOUR_AGO - 86_400 + n // 40,
                                    agent=FIREFOX if visitor % 2 else SAFARI, referrer="https://www.google.com/" if pair % 5 else "-") + "\n")
        return path

    def kill_in_the_middle(self, server, log):
        """Kills the command once it has read part of the file, or more of it than the one before."""
        bookmarks = lambda: {mark.read_text() for mark in (server.data / "imports").glob("*.json")}
        before = bookmarks()
        running = self.spawn(server, log, *AS_OPTIONS)
        try:
            until("the import is under way", lambda: running.poll() is not None or bookmarks() - before)
            self.assertIsNone(running.poll(), "the file is too small: the import ended before it was killed")
        finally:
            running.kill()
            running.communicate()

    def compare(self, server, site, log):
        clean = server.site("clean.example")
        lines = log.read_text()
        summary = self.read(server, "-", stdin=lines, site="clean.example")
        self.assertEqual(summary["accepted"], self.LINES)
        # Without history "all" of both sites is the same time.
        for metrics, dimensions in [(["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"], []),
                                    (["visitors", "pageviews"], ["event:page"]), (["visits", "pageviews"], ["visit:source"]),
                                    (["visits"], ["visit:entry_page"]), (["visits"], ["visit:browser"])]:
            with self.subTest(metrics=metrics, dimensions=dimensions):
                self.assertEqual(server.query(site, metrics, dimensions=dimensions), server.query(clean, metrics, dimensions=dimensions))

    def test_a_killed_import_goes_on_and_ends_with_the_same_numbers(self):
        server = self.serve(PACED)
        site = server.site()
        log = self.big_file()
        self.kill_in_the_middle(server, log)
        self.assertIsNone(server.process.poll())
        summary = self.read(server, log)
        self.assertLess(summary["accepted"], self.LINES)
        self.assertEqual(summary["unparsable"], 0)
        self.compare(server, site, log)

    def test_the_same_without_a_server(self):
        server = self.serve()
        site = server.site()
        server.terminate()
        log = self.big_file()
        for _ in range(2):
            self.kill_in_the_middle(server, log)
        self.read(server, log)
        server.start()
        self.compare(server, site, log)

    def begin(self, server, *more):
        """An import that has read part of the file."""
        running = self.spawn(server, self.big_file(), *more)
        self.addCleanup(running.kill)
        until("the import has begun", lambda: running.poll() is not None or any((server.data / "imports").glob("*.json")))
        self.assertIsNone(running.poll(), "the file is too small: the import ended already")
        return running

    def test_a_server_that_dies_meanwhile_and_comes_again_gets_the_rest(self):
        server = self.serve(PACED)
        site = server.site()
        running = self.begin(server)
        server.kill()
        server.start()
        out, err = running.communicate(timeout=LONG)
        self.assertEqual(running.returncode, 0, err)
        self.assertIn("the server forgot this import", err)
        self.summary_of(out)
        self.compare(server, site, self.home / "big.log")

    def test_a_server_that_stays_away_is_a_clear_error_and_the_next_try_ends_well(self):
        server = self.serve(PACED)
        site = server.site()
        running = self.begin(server, "--patience", "1")
        server.kill()
        out, err = running.communicate(timeout=LONG)
        self.assertEqual((running.returncode, out), (75, ""), err)
        self.assertRegex(err, "^mainstay: the server is away")
        server.start()
        self.read(server, self.home / "big.log")
        self.compare(server, site, self.home / "big.log")

    def test_a_site_made_anew_under_the_same_name_gets_all_of_the_file(self):
        server = self.serve()
        site = server.site()
        log = self.big_file()
        running = self.spawn(server, log, "--follow")
        until("all was read", lambda: any(str(log.stat().st_size) in mark.read_text() for mark in (server.data / "imports").glob("*.json")), LONG)
        running.kill()
        running.communicate()
        server.ask("DELETE", f"/api/v1/sites/{site['id']}?confirm=example.com", expect=204)
        anew = server.site()
        summary = self.read(server, log)
        self.assertEqual((summary["lines"], summary["unparsable"], summary["accepted"]), (self.LINES, 0, self.LINES))
        self.assertEqual(server.count(anew, "pageviews"), self.LINES)

    def test_ctrl_c_ends_with_the_summary_of_what_was_read(self):
        server = self.serve(PACED)
        site = server.site()
        running = self.begin(server)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=LONG)
        self.assertEqual(running.returncode, 130, err)
        summary = self.summary_of(out)
        self.assertEqual(server.count(site, "pageviews"), summary["accepted"])
