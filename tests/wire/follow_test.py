"""`mainstay import log --follow`: new lines, rotation, and a server that comes and goes."""
import json
import os
import pathlib
import re
import signal
import subprocess
import time

from harness import BINARY, PATIENCE, log_line, plain_environment, until
from logs_test import LogTest


class Follow(LogTest):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.site = self.server.site()
        self.log = self.write("access.log", [log_line(n, f"/{n}") for n in range(10)])
        self.running = self.spawn(self.server, self.log, "--follow")
        self.addCleanup(self.end)

    def end(self):
        if self.running.poll() is None:
            self.running.kill()
        self.running.communicate()

    def again(self):
        """Follows once more, after the reader ended."""
        self.end()
        self.running = self.spawn(self.server, self.log, "--follow")

    def until_counted(self, count):
        until(f"{count} page views", lambda: self.server.count(self.site, "pageviews") >= count)
        self.assertEqual(self.server.count(self.site, "pageviews"), count)

    def append(self, *lines):
        with self.log.open("a") as file:
            for line in lines:
                file.write(line + "\n")

    def finish(self, lines):
        self.running.send_signal(signal.SIGTERM)
        out, err = self.running.communicate(timeout=PATIENCE)
        summary = self.summary_of(out)
        self.assertEqual(summary["lines"], lines, err)

    def test_new_lines_are_counted_as_they_come(self):
        self.until_counted(10)
        self.append(log_line(20, "/20"))
        self.until_counted(11)
        with self.log.open("a") as file:  # half a line is no line yet
            file.write(log_line(21, "/21")[:40])
            file.flush()
            self.append_rest(file)
        self.until_counted(12)
        self.finish(12)

    def append_rest(self, file):
        until("the reader has seen the half", lambda: self.read_up_to(self.log) == self.log.stat().st_size)
        file.write(log_line(21, "/21")[40:] + "\n")

    def read_up_to(self, path):
        """How far the reader is in a file; None while it has not opened it."""
        folder = pathlib.Path(f"/proc/{self.running.pid}")
        for descriptor in (folder / "fd").iterdir():
            try:
                if descriptor.samefile(path):
                    return int(re.search(r"^pos:\s+(\d+)", (folder / "fdinfo" / descriptor.name).read_text(), re.M).group(1))
            except FileNotFoundError:  # it was closed meanwhile
                continue
        return None

    def test_rotation_by_renaming_loses_nothing(self):
        self.until_counted(10)
        os.rename(self.log, self.home / "access.log.1")
        with (self.home / "access.log.1").open("a") as old:  # the web server still writes to the old one
            old.write(log_line(30, "/30") + "\n")
        self.append(*(log_line(n, f"/{n}") for n in range(40, 45)))
        self.until_counted(16)
        os.rename(self.log, self.home / "access.log.2")
        self.append(log_line(50, "/50"))
        self.until_counted(17)
        self.finish(17)

    def writes_in_time_after_rotation(self, n):
        """Rotates, and writes a line to the old file once the reader has the new one; whether before the reader, who waits
        three seconds for such lines, may have given the old one up."""
        began, old = time.monotonic(), self.home / f"access.log.{n}"
        os.rename(self.log, old)
        self.append(log_line(40 + n, f"/new/{n}"))
        until("the reader has opened the new file", lambda: self.read_up_to(self.log) is not None)
        with old.open("a") as file:
            file.write(log_line(30 + n, f"/old/{n}") + "\n")
        if time.monotonic() - began < 2:
            return True
        until("the reader has given the old file up", lambda: self.read_up_to(old) is None)
        return False

    def test_lines_that_come_into_the_old_file_after_the_new_one_was_opened_are_counted(self):
        self.until_counted(10)
        last = next(n for n in range(1, 10) if self.writes_in_time_after_rotation(n))
        late = {f"/old/{n}" for n in range(1, last)}
        expected = {f"/{n}" for n in range(10)} | {f"/new/{n}" for n in range(1, last + 1)} | {f"/old/{last}"}
        pages = lambda: {row["dimensions"][0]: row["metrics"][0] for row in self.server.query(self.site, ["pageviews"], dimensions=["event:page"])}
        until("the lines of both files are counted", lambda: expected <= set(pages()))
        self.assertEqual({page: count for page, count in pages().items() if page not in late}, dict.fromkeys(expected, 1))

    def test_rotation_by_truncation_goes_on_from_the_start(self):
        self.until_counted(10)
        self.log.write_text(log_line(60, "/60") + "\n")
        self.until_counted(11)
        self.append(log_line(61, "/61"))
        self.until_counted(12)
        self.finish(12)

    def test_lines_that_come_while_the_server_is_away_are_counted_when_it_is_back(self):
        self.until_counted(10)
        self.server.kill()
        self.append(log_line(20, "/20"))
        self.server.start()
        self.until_counted(11)
        self.assertIsNone(self.running.poll())

    def is_bookmarked(self):
        marks = (self.server.data / "imports").glob("*.json")
        return any(json.loads(mark.read_text())["offset"] == self.log.stat().st_size for mark in marks)

    def test_what_was_written_before_a_rotation_while_nobody_followed_is_counted(self):
        self.until_counted(10)
        until("the reader has noted where it is", self.is_bookmarked)
        self.end()
        self.append(log_line(20, "/20"))
        os.rename(self.log, self.home / "access.log.2")
        self.append(log_line(30, "/30"))
        os.rename(self.log, self.home / "access.log.1")
        self.append(log_line(40, "/40"))
        self.again()
        self.until_counted(13)


class WithoutServer(LogTest):
    def test_who_follows_waits_for_the_server_and_does_not_keep_it_from_starting(self):
        server = self.serve()
        site = server.site()
        server.terminate()
        said = self.home / "said"
        with said.open("w") as err:
            running = subprocess.Popen([str(BINARY), "import", "log", str(self.write("access.log", [log_line(1)])), "--follow", "--site", "example.com",
                                        "--data", str(server.data)], stdin=subprocess.DEVNULL, stderr=err, env=plain_environment())
        self.addCleanup(running.wait, PATIENCE)
        self.addCleanup(running.kill)
        until("it says that it waits", lambda: "the server is away, waiting" in said.read_text())
        server.start()
        until("the line is counted", lambda: server.count(site) == 1)
