"""A disk that is full or refuses: 503 with Retry-After and never a false 204; afterwards everything goes on."""
import os
import resource
import shutil
import signal
import subprocess
import time

from support import BINARY, LONG, Load, MainstayTest, log_line, plain_environment, until

MIB = 1 << 20
HOUR_AGO = int(time.time()) - 3600


def ignore_file_size_signal():
    """The refused write then answers EFBIG, as a full disk answers ENOSPC."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


class Full(MainstayTest):
    def check_refused_and_recovered(self, server, site, fill, free):
        with Load(server, site, visitors=4) as load:
            load.until_more(100)
            fill()
            until("hits are refused", lambda: load.other[503] >= 500)
            self.assertIsNone(server.process.poll(), server.log[-2000:])
            refused = server.hit(site, url="https://example.com/0/999999")
            if refused.status != 204:  # a little may have become free again
                self.assertEqual(refused.status, 503, refused)
                self.assertGreater(int(refused.headers["Retry-After"]), 0)
                self.assertEqual(refused.headers["Content-Type"], "application/problem+json")
            else:
                load.sent.add("/0/999999")
            self.assertEqual(server.request("GET", "/healthz").status, 200)
            free()
            load.until_more(100)
        self.assertEqual(set(load.other), {503})
        self.assertEqual(load.without_retry_after, 0)
        load.sent.add("/0/999999")
        rows = until("everything acknowledged is in the tables", lambda: self.whole(server, site, load))
        self.assertEqual(len({row["path"] for row in rows}), len(rows), "stored twice")
        self.assertEqual(sorted({row["path"] for row in rows} - load.sent), [])
        self.assertEqual(server.terminate(), 0)
        server.start()
        self.assertIsNotNone(self.whole(server, site, load))
        self.assertLess(server.log.count("\n"), 100, "the log is no flood")

    @staticmethod
    def whole(server, site, load):
        rows = server.events(site)
        return rows if set(load.acknowledged) <= {row["path"] for row in rows} else None

    def test_a_full_file_system(self):
        if os.geteuid() != 0:
            self.skipTest("mounting a small file system needs root; the limit on file sizes below is tried as well")
        folder = self.home / "small"
        folder.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest(f"mount: {mounted.stderr.strip()}; the limit on file sizes below is tried as well")
        self.addCleanup(subprocess.run, ["umount", "-l", str(folder)], check=False)
        server = self.prepared(name="small/data", settings={"analytics.flush_ms": "50ms"})
        server.log_path = self.home / "server.log"
        server.start()
        site = server.site()
        filler = folder / "filler"

        def fill():
            with filler.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(64 << 10))
                except OSError:
                    pass

        self.check_refused_and_recovered(server, site, fill, filler.unlink)

    def test_a_limit_on_the_size_of_files(self):
        server = self.serve({"analytics.flush_ms": "50ms"}, preexec=ignore_file_size_signal)
        site, other = server.site(), server.site("other.example")
        large = {str(n): "v" * 2_000 for n in range(20)}
        largest = lambda: max(file.stat().st_size for file in server.data.rglob("*") if file.is_file())
        unlimited = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)

        def fill():
            log = max((server.data / "queue" / "analytics").glob("*.log"), key=lambda file: file.stat().st_size)
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, unlimited[1]))
            until("the queue has no room", lambda: server.hit(other, props=large).status == 503)  # what was reserved still is some

        def free():
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)

        self.assertGreater(largest(), 0)
        self.check_refused_and_recovered(server, site, fill, free)

    def test_an_import_waits_for_the_disk_and_every_line_counts_once(self):
        server = self.serve(preexec=ignore_file_size_signal)
        site = server.site()
        self.assertEqual(server.hit(site).status, 204)
        log = self.home / "access.log"
        log.write_text("".join(log_line(n % 500, f"/{n % 9}", at=HOUR_AGO + n // 50) + "\n" for n in range(60_000)))
        queue = max((server.data / "queue" / "analytics").glob("*.log"), key=lambda file: file.stat().st_size)
        unlimited = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (queue.stat().st_size, unlimited[1]))
        said = self.home / "said"
        with said.open("w") as stderr:
            reader = subprocess.Popen([str(BINARY), "import", "log", str(log), "--site", "example.com", "--data", str(server.data)],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, env=plain_environment())
        self.addCleanup(reader.kill)
        until("the import says that it waits", lambda: "the server is busy, waiting: " in said.read_text())
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)
        self.assertEqual(reader.wait(LONG), 0, said.read_text())
        self.assertEqual(server.count(site, "pageviews"), 60_001)

    def test_a_queue_that_may_not_grow_answers_503(self):
        server = self.serve({"stream.bytes_max": "64MiB"})
        self.assertEqual(server.hit(server.site()).status, 204)
        self.assertGreater(shutil.disk_usage(self.home).free, 0)
