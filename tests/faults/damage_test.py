"""Damaged files: a torn end is cut, anything else is a clear error at start; never a crash, never a silent loss."""
import subprocess

from support import PATIENCE, MainstayTest


class Damaged(MainstayTest):
    def filled(self, hits=50):
        """A server that was killed after so many acknowledged hits; they are in the queue only."""
        server = self.serve({"analytics.flush_ms": "1min"})
        self.site = server.site()
        connection = server.connect()
        for n in range(hits):
            self.assertEqual(server.hit(self.site, connection=connection, url=f"https://example.com/{n}").status, 204)
        server.kill()
        return server

    def segment(self, server):
        return max((server.data / "queue" / "analytics").glob("*.log"), key=lambda file: file.name)

    def fails_clearly(self, server, *words):
        server.spawn()
        try:
            status = server.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.fail("it neither serves nor ends:\n" + server.log_of_this_run())
        said = server.log_of_this_run()
        self.assertGreater(status, 0, f"it ended by signal {-status}:\n{said}")
        for word in words:
            self.assertIn(word, said)

    def test_a_torn_end_of_the_queue_is_cut_and_served(self):
        for torn in (b"\0" * 100, b"\xff" * 7, b"half a record"):
            with self.subTest(torn):
                server = self.prepared(name=f"data-{len(torn)}", settings={"analytics.flush_ms": "1min"}).start()
                site = server.site()
                for n in range(20):
                    server.hit(site, url=f"https://example.com/{n}")
                server.kill()
                with self.segment(server).open("ab") as file:
                    file.write(torn)
                server.start()
                self.assertEqual(server.count(site), 20)
                self.assertEqual(server.hit(site).status, 204)
                server.kill()
                server.start()
                self.assertEqual(server.count(site), 21)

    def test_a_record_that_was_half_written_is_cut_and_the_others_are_served(self):
        server = self.filled()
        segment = self.segment(server)
        data = segment.read_bytes().rstrip(b"\0")
        with segment.open("r+b") as file:
            file.truncate(len(data) - 3)
        server.start()
        self.assertEqual(server.count(self.site), 49)
        self.assertEqual(sorted(int(row["path"][1:]) for row in server.events(self.site)), list(range(49)))
        self.assertEqual(server.hit(self.site).status, 204)
        self.assertEqual(server.count(self.site), 50)

    def test_a_record_damaged_in_the_middle_is_no_silent_loss(self):
        server = self.filled()
        segment = self.segment(server)
        data = bytearray(segment.read_bytes())
        for n in range(20):
            data[len(data.rstrip(b"\0")) // 2 + n] ^= 0xFF
        segment.write_bytes(data)
        self.fails_clearly(server, segment.name)

    def test_a_damaged_database_is_a_clear_error(self):
        server = self.filled()
        database = server.data / "mainstay.db"
        for wal in server.data.glob("mainstay.db-*"):
            wal.unlink()
        data = bytearray(database.read_bytes())
        data[0:64] = b"no database " * 5 + b"1234"
        database.write_bytes(data)
        self.fails_clearly(server, "mainstay.db")

    def test_a_damaged_column_store_is_a_clear_error(self):
        server = self.filled()
        file = server.data / "columns" / "columns.duckdb"
        data = bytearray(file.read_bytes())
        data[0:len(data)] = b"\xa5" * len(data)
        file.write_bytes(data)
        self.fails_clearly(server, "columns.duckdb")

    def test_a_column_store_damaged_further_in_is_a_clear_error(self):
        server = self.filled()
        server.start()
        self.assertEqual(server.count(self.site), 50)
        self.assertEqual(server.terminate(), 0)
        file = server.data / "columns" / "columns.duckdb"
        data = bytearray(file.read_bytes())
        data[4096:len(data)] = bytes(byte ^ 0x5A for byte in data[4096:])
        file.write_bytes(data)
        self.fails_clearly(server, "columns.duckdb")

    def test_a_folder_that_cannot_be_written_is_a_clear_error(self):
        server = self.prepared()
        server.terminate if server.process else None
        blocker = self.home / "file"
        blocker.write_text("no folder")
        server.data = blocker / "data"
        self.fails_clearly(server, "data")

    def test_a_lost_queue_loses_nothing_that_was_processed(self):
        server = self.filled()
        server.start()
        self.assertEqual(server.count(self.site), 50)
        self.assertEqual(server.terminate(), 0)
        for file in (server.data / "queue" / "analytics").iterdir():
            file.unlink()
        server.start()
        self.assertEqual(server.count(self.site), 50)
        self.assertEqual(server.hit(self.site).status, 204)
        self.assertEqual(server.count(self.site), 51)
