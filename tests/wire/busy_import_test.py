"""`mainstay import log` and a server that is full for a while: 503 is waited for, and every line counts once."""
import os
import pty
import select
import signal
import socket
import subprocess
import time

from harness import BINARY, LONG, PATIENCE, MainstayTest, log_line, mainstay, plain_environment, until

HOUR_AGO = int(time.time()) - 3600
MEMORY = 8 << 20
SOFT = 75  # EX_TEMPFAIL


class Busy(MainstayTest):
    def setUp(self):
        super().setUp()
        self.server = self.serve({"limits.body_memory_bytes": MEMORY, "limits.body_patience_ms": "1h"})
        self.site = self.server.site()
        self.log = self.home / "access.log"
        self.said = self.home / "said"

    def fill(self):
        """A request that holds all of the memory for bodies and does not end; closing it frees the memory."""
        holder = socket.create_connection(("127.0.0.1", self.server.port))
        self.addCleanup(holder.close)
        holder.sendall(f"POST /api/v1/beacon/log?site={self.site['id']} HTTP/1.1\r\nHost: x\r\nX-Site-Key: {self.site['key']}\r\n"
                       f"Content-Length: {MEMORY}\r\n\r\n".encode() + b"x" * (MEMORY - 1))
        until("the memory is used up", lambda: f"\nmainstay_http_body_bytes {MEMORY}\n" in self.server.request("GET", "/metrics").text)
        return holder

    def write(self, lines):
        with self.log.open("a") as file:
            file.writelines(log_line(n % 500, f"/{n % 9}", at=HOUR_AGO + n // 50) + "\n" for n in range(lines))

    def spawn(self, *more, stderr=None):
        said = stderr or self.said.open("w")
        if not stderr:
            self.addCleanup(said.close)
        reader = subprocess.Popen([str(BINARY), "import", "log", str(self.log), "--site", "example.com", *more, "--data", str(self.server.data)],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, text=True, env=plain_environment())
        self.addCleanup(reader.kill)
        return reader

    def until_it_waits(self):
        until("the import says that the server is busy", lambda: "the server is busy, waiting: " in self.said.read_text())

    def test_it_waits_until_there_is_room_and_goes_on(self):
        self.write(60_000)
        holder = self.fill()
        reader = self.spawn()
        self.until_it_waits()
        holder.close()
        self.assertEqual(reader.wait(LONG), 0, self.said.read_text())
        self.assertEqual(self.said.read_text().count("\n"), 1, "said once")
        self.assertEqual(self.server.count(self.site, "pageviews"), 60_000)

    def test_it_gives_up_with_a_status_of_its_own_and_the_next_one_goes_on(self):
        self.write(1_000)
        holder = self.fill()
        done = mainstay("import", "log", self.log, "--site", "example.com", "--patience", "1", data=self.server.data)
        self.assertEqual(done.returncode, SOFT, done.stderr)
        self.assertIn("mainstay: the server is busy: Too many large bodies are under way", done.stderr)
        holder.close()
        self.assertEqual(self.spawn("--patience", "1").wait(LONG), 0)
        self.assertEqual(self.server.count(self.site, "pageviews"), 1_000)

    def test_killed_while_it_waits_it_goes_on_where_it_was(self):
        self.write(20)
        reader = self.spawn("--follow")
        until("the first lines are counted", lambda: self.server.count(self.site, "pageviews") == 20)
        holder = self.fill()
        self.write(1_000)  # the first twenty of them are alike to those before
        self.until_it_waits()
        reader.kill()
        reader.wait()
        holder.close()
        self.assertEqual(self.spawn().wait(LONG), 0, self.said.read_text())
        self.assertEqual(self.server.count(self.site, "pageviews"), 1_020)

    def test_on_a_terminal_it_says_how_long_and_can_be_interrupted(self):
        self.write(1_000)
        self.fill()
        terminal, other = pty.openpty()
        self.addCleanup(os.close, terminal)
        reader = self.spawn(stderr=other)
        os.close(other)
        shown = b""

        def waits():
            nonlocal shown
            if select.select([terminal], [], [], 0)[0]:
                shown += os.read(terminal, 4096)
            return b"Asking again in 1 s" in shown

        until("the terminal says when", waits)
        reader.send_signal(signal.SIGINT)
        self.assertEqual(reader.wait(PATIENCE), 130)
        self.assertEqual(self.server.count(self.site, "pageviews"), 0)

    def small(self):
        self.server.stop()
        small = self.serve({"limits.body_memory_bytes": 1 << 20}, name="small")
        site = small.site()
        self.write(60_000)
        return small, site

    def test_a_server_with_little_memory_is_sent_smaller_blocks(self):
        small, site = self.small()
        done = mainstay("import", "log", self.log, "--site", "example.com", data=small.data,
                        env={"MAINSTAY_LIMITS_BODY_MEMORY_BYTES": str(1 << 20)})  # as the server's configuration says
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(small.count(site, "pageviews"), 60_000)

    def test_a_block_that_never_fits_is_no_reason_to_wait(self):
        small, _ = self.small()
        done = mainstay("import", "log", self.log, "--site", "example.com", data=small.data)  # knows nothing of it
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("too large", done.stderr)
