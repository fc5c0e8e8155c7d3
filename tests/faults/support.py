"""What the fault tests share with those over the wire, and the load that runs while things break."""
import collections
import http.client
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "wire"))

from harness import (BINARY, LONG, PATIENCE, MainstayTest, Server, browser, log_line, mainstay,  # noqa: E402,F401
                     plain_environment, until)


class Load:
    """Visitors that send page views as fast as they are answered, one connection each; with the
    site's key, because one address may not send so much without. Every view has a path and an event id
    of its own; one whose fate is unknown is sent again under the same id, as a careful client does."""

    def __init__(self, server, site, visitors=8):
        self.server, self.site, self.visitors = server, site, visitors
        self.acknowledged = collections.Counter()  # path → how often it was answered 204
        self.sent = set()
        self.other = collections.Counter()  # status → answers that were no 204
        self.without_retry_after = 0
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.serving = threading.Event()
        self.serving.set()
        self.connections = {}  # by thread
        self.threads = [threading.Thread(target=self.visit, args=(n,), daemon=True) for n in range(visitors)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Every visitor brings its last view to an end; the server has to serve."""
        self.stopping.set()
        self.serving.set()
        for thread in self.threads:
            thread.join(PATIENCE)
            if thread.is_alive():
                raise AssertionError("a visitor got no answer")

    def visit(self, visitor):
        headers = browser(self.site["domain"], **{"X-Forwarded-For": f"198.51.100.{visitor + 1}", "X-Site-Key": self.site["key"]})
        number = 0
        while not self.stopping.is_set():
            number += 1
            self.send_until_acknowledged(f"/{visitor}/{number}", headers)

    def send_until_acknowledged(self, path, headers):
        connection = None
        with self.lock:
            self.sent.add(path)
        while True:
            self.serving.wait(PATIENCE)
            try:
                connection = connection or self.connection_of(threading.get_ident())
                answer = self.server.hit(self.site, headers, connection, url=f"https://{self.site['domain']}{path}", event_id=path)
            except (OSError, http.client.HTTPException):
                pass  # the server is gone, or went while it answered
            else:
                with self.lock:
                    if answer.status == 204:
                        self.acknowledged[path] += 1
                        return
                    self.other[answer.status] += 1
                    if answer.status == 503 and not answer.headers.get("Retry-After"):
                        self.without_retry_after += 1
                if answer.status != 503:
                    raise AssertionError(f"{path}: {answer!r}")
            self.drop(threading.get_ident())
            connection = None
            if self.stopping.is_set() and self.server.process.poll() is not None:
                return

    def connection_of(self, thread):
        """The thread's own, made anew after a failure."""
        if thread not in self.connections:
            self.connections[thread] = self.server.connect(timeout=20)
        return self.connections[thread]

    def drop(self, thread):
        connection = self.connections.pop(thread, None)
        if connection:
            connection.close()

    def total(self):
        with self.lock:
            return len(self.acknowledged)

    def until_more(self, more):
        """Waits until so many more views were acknowledged, for as long as some come."""
        reached = self.total()
        target = reached + more
        while reached < target:
            reached = until(f"one of {more} more views is acknowledged", lambda: (total := self.total()) > reached and total)

    def check(self, test):
        """What was acknowledged is stored, each once; nothing is stored that was not sent; and nobody's visit was split."""
        rows = self.server.events(self.site)
        stored = collections.Counter(row["path"] for row in rows)
        test.assertEqual([path for path in self.acknowledged if path not in stored], [], "acknowledged but not stored")
        test.assertEqual({path: count for path, count in stored.items() if count > 1}, {}, "stored twice")
        test.assertEqual(sorted(set(stored) - self.sent), [], "stored but never sent")
        test.assertEqual(len({row["event_id"] for row in rows}), len(rows))
        visits = collections.defaultdict(set)
        for row in rows:
            visits[row["path"].split("/")[1]].add((row["visit_id"], row["visitor_id"]))
        test.assertEqual({visitor: len(ids) for visitor, ids in visits.items() if len(ids) != 1}, {}, "visits were split")
        totals = self.server.totals(self.site, "visitors", "visits", "pageviews", "events", "bounce_rate")
        test.assertEqual(totals, [len(visits), len(visits), len(rows), len(rows), 0])

