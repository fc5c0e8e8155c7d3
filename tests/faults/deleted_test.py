"""What was deleted leaves the disk: no file of the data folder holds it any more, also when the server was killed while
it was at it; and nobody else's hits are lost meanwhile."""
import os
import pathlib
import random

from support import LONG, Load, MainstayTest, log_line, mainstay, until

ROUNDS = int(os.environ.get("KILL_ROUNDS", "5"))
NEEDLE = "a-page-that-somebody-wants-to-be-forgotten"


class Deleted(MainstayTest):
    def on_disk(self, server, text=NEEDLE):
        """The files of the data folder that hold `text`."""
        found = []
        for folder, _, names in os.walk(server.data):
            for file in (pathlib.Path(folder, name) for name in names):
                try:
                    if file.is_file() and text.encode() in file.read_bytes():
                        found.append(str(file.relative_to(server.data)))
                except FileNotFoundError:  # it went meanwhile
                    pass
        return found

    def until_gone(self, server):
        try:
            until("no file holds it", lambda: not self.on_disk(server), LONG)
        except AssertionError:
            self.fail(f"still in {self.on_disk(server)}")

    def filled(self, server, lines=3_000):
        """A site with views of pages named by the needle: in rows, and one in the queue."""
        site = server.site("forgotten.example")
        log = self.home / f"{random.getrandbits(40)}.log"
        log.write_text("".join(log_line(n, path=f"/{NEEDLE}/{n}") + "\n" for n in range(lines)))
        imported = mainstay("import", "log", log, "--site", "forgotten.example", "--json", data=server.data)
        self.assertEqual(imported.returncode, 0, imported.stderr)
        self.assertEqual(server.hit(site, url=f"https://forgotten.example/{NEEDLE}/hit").status, 204)
        self.assertEqual(server.count(site), lines + 1)
        self.assertTrue(self.on_disk(server), "the test looks at the right files")
        return site

    def delete(self, server, site):
        answer = server.api("DELETE", f"/api/v1/sites/{site['id']}?confirm={site['domain']}")
        self.assertIn(answer.status, (200, 204), answer)

    def test_a_deleted_site_leaves_every_file_and_the_others_stay(self):
        server = self.serve()
        kept = server.site()
        site = self.filled(server)
        with Load(server, kept, visitors=4) as load:
            load.until_more(100)
            self.delete(server, site)
            self.until_gone(server)
            load.until_more(100)
        load.check(self)
        self.assertEqual(server.terminate(), 0)
        self.assertEqual(self.on_disk(server), [])
        server.start()
        load.check(self)

    def test_the_same_however_often_it_is_killed_meanwhile(self):
        server = self.serve({"analytics.flush_ms": "20ms"})
        kept = server.site()
        compact = server.data / "columns" / "compact"
        with Load(server, kept, visitors=4) as load:
            for n in range(ROUNDS):
                load.until_more(50)
                site = self.filled(server, lines=20_000)
                self.delete(server, site)
                if n % 2 == 0:
                    until("it makes a new file", lambda: compact.exists() or not self.on_disk(server))
                else:
                    load.until_more(random.randint(1, 20))
                load.serving.clear()
                server.kill()
                server.start()
                load.serving.set()
                self.until_gone(server)
            load.until_more(50)
        load.check(self)
        until("the new file has its place", lambda: not compact.exists())

    def test_a_salt_that_was_destroyed_is_in_no_file(self):
        """By the clock of the database: a salt made 48 hours ago is destroyed within a minute, its bytes a minute later."""
        import sqlite3
        server = self.serve()
        self.assertEqual(server.hit(server.site()).status, 204)
        self.assertEqual(server.terminate(), 0)
        with sqlite3.connect(server.data / "mainstay.db") as database:
            [salt], = database.execute("select salt from analytics_salts").fetchall()
            database.execute("update analytics_salts set created_at = created_at - 49 * 3600 * 1000000")
        database.close()
        holds = lambda: [file for file in server.data.glob("mainstay.db*") if salt in file.read_bytes()]
        self.assertTrue(holds(), "the test looks at the right files")
        server.start()
        until("no file holds it", lambda: not holds(), patience=180)
        server.kill()
        self.assertEqual(holds(), [])
