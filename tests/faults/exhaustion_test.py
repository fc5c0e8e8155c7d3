"""Descriptors that run out and clients that do not read: the server neither spins, nor floods its log, nor grows."""
import os
import re
import resource
import socket
import time

from support import LONG, Load, MainstayTest, browser, until


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))


class Descriptors(MainstayTest):
    def pauses(self, server, connection):
        text = server.request("GET", "/metrics", connection=connection).text
        found = re.search(r"^mainstay_http_accept_pauses_total\S* (\d+)", text, re.M)
        return int(found.group(1)) if found else 0

    def test_running_out_pauses_accepting_and_recovers(self):
        server = self.serve({"io_threads": "2"}, preexec=few_descriptors)  # each has descriptors of its own
        known, site = server.site("known.example"), server.site(timezone="Pacific/Chatham")
        self.assertEqual(server.hit(known).status, 204)
        self.assertEqual(server.count(known), 1)  # the store is open; of the other site nothing has been asked yet
        before = server.connect()  # stays usable all the while
        self.assertEqual(self.pauses(server, before), 0)
        crowd = []
        self.addCleanup(lambda: [each.close() for each in crowd])
        for _ in range(250):
            crowd.append(socket.create_connection(("127.0.0.1", server.port), timeout=60))
        until("accepting pauses", lambda: self.pauses(server, before) > 0)
        # While it lasts: hits of those inside are taken, the site's first one too, and the processor rests.
        # The window ends by the server's own pauses.
        ticks, began, pauses = server.cpu_ticks(), time.monotonic(), self.pauses(server, before)
        until("some more pauses", lambda: (server.hit(site, connection=before).status == 204) and self.pauses(server, before) >= pauses + 4)
        spent = (server.cpu_ticks() - ticks) / os.sysconf("SC_CLK_TCK")
        self.assertLess(self.pauses(server, before) - pauses, 100)
        # The requests of this very loop cost something too: only a spinning thread comes near a whole core for each.
        self.assertLess(spent, 0.9 * (time.monotonic() - began) + 0.2)
        for each in crowd:
            each.close()
        until("new connections are served again", lambda: server.request("GET", "/readyz").status == 200)
        self.assertEqual(server.hit(site).status, 204)
        self.assertLess(server.log.count("cannot accept"), 10)
        self.assertLess(server.log.count("\n"), 60)
        stored = server.count(site)
        server.restart()
        self.assertEqual(server.count(site), stored)


class SlowConsumers(MainstayTest):
    def test_watchers_that_never_read_cost_little_and_are_let_go(self):
        server = self.serve({"limits.write_patience_ms": "1s"})
        sites = [server.site(f"s{n}.example") for n in range(20)]
        subjects = ",".join(f"events.analytics.live.{site['id']}" for site in sites)
        request = (f"GET /api/v1/events?subjects={subjects} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n\r\n").encode()
        before = server.status_field("VmRSS")
        watchers = []
        self.addCleanup(lambda: [each.close() for each in watchers])
        for _ in range(200):
            watcher = socket.socket()
            watcher.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            watcher.connect(("127.0.0.1", server.port))
            watcher.sendall(request)
            watchers.append(watcher)
        connections = lambda: float(re.search(r"^mainstay_http_connections\S* (\S+)", server.request("GET", "/metrics").text, re.M).group(1))
        until("all watch", lambda: connections() >= 200)
        connection = server.connect()
        sent = 0
        deadline = time.monotonic() + LONG
        while connections() >= 20 and time.monotonic() < deadline:
            for site in sites:
                sent += 1
                answer = server.hit(site, {"X-Forwarded-For": f"198.51.{sent // 250 % 250}.{sent % 250}"}, connection, url=f"https://{site['domain']}/{sent}")
                self.assertEqual(answer.status, 204)
        self.assertLess(connections(), 20, "watchers that take nothing are let go")
        self.assertLess(server.status_field("VmHWM") - before, 128 << 10, "kB")
        self.assertEqual(sum(server.count(site) for site in sites), sent)

    def test_a_client_that_does_not_read_its_answers_is_let_go(self):
        server = self.serve({"limits.write_patience_ms": "1s"})
        server.site()
        with socket.socket() as greedy:
            greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            greedy.connect(("127.0.0.1", server.port))
            greedy.settimeout(1)
            try:
                for _ in range(2_000):
                    greedy.sendall(b"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
            except OSError:  # either it is full, or the server has gone
                pass
            connections = lambda: float(re.search(r"^mainstay_http_connections\S* (\S+)", server.request("GET", "/metrics").text, re.M).group(1))
            until("it is let go", lambda: connections() <= 1)
        self.assertLess(server.status_field("VmHWM"), 400 << 10)

    def test_load_goes_on_beside_silent_connections(self):
        server = self.serve()
        site = server.site()
        silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(500)]
        self.addCleanup(lambda: [each.close() for each in silent])
        for each in silent[::2]:
            each.sendall(b"POST /api/v1/beacon HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
        with Load(server, site) as load:
            load.until_more(500)
        load.check(self)
        self.assertEqual(server.hit(site, browser()).status, 204)
