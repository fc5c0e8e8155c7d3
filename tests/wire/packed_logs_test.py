"""Server logs that come over HTTP packed by gzip: large ones, and broken ones."""
import contextlib
import gzip
import io

from harness import LONG, MainstayTest, log_line


class Packed(MainstayTest):
    def setUp(self):
        super().setUp()
        self.server = self.serve({"limits.handler_patience_ms": "1h"})
        self.site = self.server.site()

    def post(self, packed, query=""):
        with contextlib.closing(self.server.connect(timeout=LONG)) as connection:
            return self.server.request("POST", f"/api/v1/beacon/log?site={self.site['id']}{query}", packed,
                                       {"X-Site-Key": self.site["key"], "Content-Encoding": "gzip"}, connection)

    def send(self, packed, query=""):
        answer = self.server.until_counted(lambda: self.post(packed, query))
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def test_a_large_one_takes_no_more_memory_than_its_packed_size(self):
        count, packed = 700_000, io.BytesIO()
        with gzip.open(packed, "wb", compresslevel=1) as file:
            for n in range(count):
                file.write(log_line(n % 9, f"/{n * 7919 % 1_000_003}.css").encode() + b"\n")
            unpacked = file.tell()
        self.assertGreater(unpacked, 100 << 20)
        self.send(gzip.compress((log_line(1, "/a.css") + "\n").encode() * 20_000))
        before = self.server.status_field("VmHWM")
        summary = self.send(packed.getvalue())
        self.assertEqual((summary["lines"], summary["refused"]), (count, {"static_file": count}))
        more = (self.server.status_field("VmHWM") - before) << 10
        self.assertLess(more, len(packed.getvalue()) * 2 + (32 << 20))

    def test_one_that_is_cut_off_counts_nothing(self):
        packed = gzip.compress("".join(log_line(n, f"/{n}") + "\n" for n in range(20_000)).encode())
        self.assertProblem(self.post(packed[:-9]), 400, "http.bad_encoding")
        self.assertEqual(self.send(packed, "&import=night&piece=0&finish=1")["accepted"], 20_000)
