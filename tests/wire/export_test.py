"""Raw exports whose client stops reading and goes, and the end of the server in the middle of one."""
import csv
import http.client
import io
import os
import random
import re
import select
import signal
import socket
import struct

from harness import PATIENCE, MainstayTest, log_line, must, until

LINES = 40_000  # some 20 MB as CSV and 10 MB as Parquet: more than the sockets of both sides hold
AT_ONCE = 8  # exports that run or wait
# So that nothing but the client's going, or the server's, ends an export.
PATIENT = {"limits.write_patience_ms": "1h", "limits.handler_patience_ms": "1h"}


class Reader:
    """Asks for an export and reads no more of it than it is told to."""

    def __init__(self, server, site, form):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", server.port))
        self.socket.sendall(f"GET /api/v1/sites/{site['id']}/export?rows=events&format={form} HTTP/1.1\r\nHost: x\r\n"
                            f"Authorization: Bearer {server.token}\r\n\r\n".encode())
        self.answer = None

    def begin(self):
        self.answer = http.client.HTTPResponse(self.socket)
        self.answer.begin()
        return self.answer.status

    def has_answer(self):
        return bool(select.select([self.socket], [], [], 0)[0])

    def close(self):
        if self.answer:
            self.answer.close()
        self.socket.close()

    def reset(self):
        """The other side gets a reset instead of an end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()


class ExportTest(MainstayTest):
    def serve_with_events(self, **settings):
        server = self.serve({**PATIENT, **settings})
        site = server.site()
        source = random.Random(7)
        log = self.home / "access.log"
        with log.open("w") as lines:
            for n in range(LINES):  # no compression makes these paths small
                lines.write(log_line(n, "/" + source.randbytes(150).hex()) + "\n")
        must("import", "log", log, "--site", site["domain"], data=server.data)
        self.assertEqual(server.count(site), LINES)
        return server, site

    def ask(self, server, site, form):
        reader = Reader(server, site, form)
        self.addCleanup(reader.close)
        return reader

    def held_files(self, server):
        """Exports that the process has open, whether or not they still have a name."""
        folder, held = f"/proc/{server.process.pid}/fd", []
        for number in os.listdir(folder):
            try:
                held.append(os.readlink(f"{folder}/{number}"))
            except FileNotFoundError:
                pass  # closed meanwhile
        return [path for path in held if path.startswith(f"{server.data}/exports/")]

    def until_only_we_are_connected(self, server):
        connections = lambda: re.search(r"(?m)^mainstay_http_connections (\d+)$", server.request("GET", "/metrics").text).group(1)
        until("the server lets them go", lambda: connections() == "1")

    def check_that_reports_go_on(self, server, site):
        before = server.count(site)
        self.assertEqual(server.hit(site).status, 204)
        self.assertEqual(server.totals(site, "events", "pageviews"), [before + 1, before + 1])

    def check_whole(self, server, site, count):
        rows = server.events(site)
        self.assertEqual((len(rows), len({row["event_id"] for row in rows})), (count, count))
        self.assertEqual(list((server.data / "exports").iterdir()), [])


class Leaving(ExportTest):
    def test_csv_that_nobody_reads_holds_up_nothing_and_its_place_is_free_again(self):
        server, site = self.serve_with_events()
        readers = [self.ask(server, site, "csv") for _ in range(AT_ONCE + 1)]
        until("two run and one is too many", lambda: sum(reader.has_answer() for reader in readers) >= 3)
        statuses = [reader.begin() for reader in readers if reader.has_answer()]
        self.assertEqual((statuses.count(503), set(statuses)), (1, {200, 503}))
        self.check_that_reports_go_on(server, site)
        for reader in readers:
            reader.reset()
        self.until_only_we_are_connected(server)
        self.check_whole(server, site, LINES + 1)

    def test_parquet_that_nobody_reads_leaves_no_file(self):
        server, site = self.serve_with_events()
        readers = [self.ask(server, site, "parquet") for _ in range(3)]
        self.assertEqual({reader.begin() for reader in readers}, {200})
        self.assertEqual(readers[0].answer.read(4), b"PAR1")
        self.assertEqual(len(self.held_files(server)), 3)
        self.check_that_reports_go_on(server, site)
        for reader in readers:
            reader.reset()
        self.until_only_we_are_connected(server)
        until("the files are gone", lambda: not self.held_files(server))
        self.check_whole(server, site, LINES + 1)


class Stopping(ExportTest):
    def begun(self, form, **settings):
        """A server that was told to stop in the middle of an export, right behind an acknowledged hit."""
        server, site = self.serve_with_events(**settings)
        reader = self.ask(server, site, form)
        self.assertEqual(reader.begin(), 200)
        self.assertTrue(reader.answer.read(1))
        self.assertEqual(server.hit(site).status, 204)
        server.process.send_signal(signal.SIGTERM)
        until("it stops", lambda: "stopping" in server.log)
        return server, site, reader

    def check_after(self, server, site):
        self.assertEqual(server.process.wait(PATIENCE), 0)
        self.assertNotIn(" error ", server.log)
        self.assertNotIn("leaving without them", server.log)
        server.start()
        self.check_whole(server, site, LINES + 1)

    def overtaken(self, form):
        """The client reads on, but so slowly that it would take minutes."""
        server, site, reader = self.begun(form, drain_ms="1s")
        until("the server ends", lambda: reader.answer.read(512) and server.process.poll() is not None)
        with self.assertRaises((ConnectionResetError, http.client.IncompleteRead)):
            reader.answer.read()
        self.check_after(server, site)

    def test_csv_ends_with_the_drain(self):
        self.overtaken("csv")

    def test_parquet_ends_with_the_drain(self):
        self.overtaken("parquet")

    def test_who_reads_fast_enough_gets_the_whole_body(self):
        server, site, reader = self.begun("csv", drain_ms="10min")
        rows = list(csv.reader(io.StringIO(reader.answer.read().decode())))
        self.assertEqual(len(rows), 1 + LINES)
        self.check_after(server, site)
