"""kill -9 and SIGTERM under full load: what was acknowledged is stored, once, and visits go on.

KILL_ROUNDS says how often the server is killed (5; the benchmark asks for 20).
"""
import os
import random
import threading

from support import Load, MainstayTest, until

ROUNDS = int(os.environ.get("KILL_ROUNDS", "5"))


class Killed(MainstayTest):
    def kill_rounds(self, settings, rounds):
        server = self.serve(settings)
        site = server.site()
        with Load(server, site) as load:
            for _ in range(rounds):
                load.until_more(random.randint(1, 1500))
                load.serving.clear()
                server.kill()
                server.start()
                load.serving.set()
            load.until_more(50)
        self.assertEqual(load.other, {}, "answers other than 204")
        load.check(self)
        # And the same after an orderly stop.
        self.assertEqual(server.terminate(), 0)
        server.start()
        load.check(self)
        print(f"[{rounds} kills, {load.total()} acknowledged]", end=" ", flush=True)

    def test_what_was_acknowledged_is_stored_once_however_often_it_is_killed(self):
        self.kill_rounds({}, ROUNDS)

    def test_the_same_while_rows_are_written_all_the_time(self):
        self.kill_rounds({"analytics.flush_ms": "20ms"}, ROUNDS)

    def test_killed_again_while_it_starts(self):
        server = self.serve()
        site = server.site()
        with Load(server, site) as load:
            load.until_more(500)
            load.serving.clear()
            server.kill()
            for n in range(ROUNDS):
                server.spawn()
                # Each time a little further into the start.
                until("the start has begun", lambda: server.cpu_ticks() >= n or " ready " in server.log_of_this_run())
                server.kill()
            server.start()
            load.serving.set()
            load.until_more(50)
        load.check(self)

    def test_killed_while_a_report_and_an_export_are_read(self):
        server = self.serve({"analytics.flush_ms": "20ms"})
        site = server.site()
        reading = threading.Event()
        reading.set()

        def read():
            while reading.is_set():
                try:
                    server.totals(site, "visitors", "pageviews")
                    server.api("GET", f"/api/v1/sites/{site['id']}/export?format=parquet&rows=events")
                except Exception:  # the server is gone for a moment, which is what this is about
                    pass

        readers = [threading.Thread(target=read, daemon=True) for _ in range(2)]
        with Load(server, site, visitors=4) as load:
            for reader in readers:
                reader.start()
            for _ in range(max(2, ROUNDS // 2)):
                load.until_more(random.randint(100, 600))
                load.serving.clear()
                server.kill()
                server.start()
                load.serving.set()
            load.until_more(50)
            reading.clear()
            for reader in readers:
                reader.join()
        load.check(self)


class Stopped(MainstayTest):
    def test_sigterm_under_load_stores_every_204_and_ends_well(self):
        server = self.serve()
        site = server.site()
        with Load(server, site) as load:
            for _ in range(3):
                load.until_more(random.randint(300, 1500))
                load.serving.clear()
                self.assertEqual(server.terminate(), 0)
                server.start()
                load.serving.set()
            load.until_more(50)
        load.check(self)
        self.assertNotIn(" error ", server.log)
        self.assertNotIn("leaving without them", server.log)

    def test_the_ledger_is_written_before_it_ends(self):
        server = self.serve({"analytics.flush_ms": "1min"})
        site = server.site()
        for n in range(7):
            self.assertEqual(server.hit(site, {"Origin": "https://evil.example"}).status, 403)
        self.assertEqual(server.terminate(), 0)
        server.start()
        server.until_refused(site, "foreign_origin", 7)
