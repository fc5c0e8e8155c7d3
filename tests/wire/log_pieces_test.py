"""A server log that comes over HTTP in numbered pieces, some of them again."""
import signal
import subprocess
import time

from harness import BINARY, LONG, PATIENCE, MainstayTest, log_line, plain_environment, until

HOUR_AGO = int(time.time()) - 3600


class Pieces(MainstayTest):
    def begin(self):
        self.server = self.serve()
        self.site = self.server.site()

    def post(self, body, query):
        return self.server.api("POST", f"/api/v1/beacon/log?site={self.site['id']}{query}", body)

    def send(self, body, query):
        answer = self.server.until_counted(lambda: self.post(body, query))
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def test_a_piece_sent_again_counts_once_and_has_the_same_answer(self):
        self.begin()
        piece = (log_line(1, "/same", at=HOUR_AGO) + "\n") * 50
        first = self.send(piece, "&import=night&piece=0")
        self.assertEqual(self.send(piece, "&import=night&piece=0"), first)
        done = self.send(piece, "&import=night&piece=1&finish=1")
        self.assertEqual((done["lines"], done["accepted"]), (100, 100))
        self.assertEqual(self.send(piece, "&import=night&piece=1&finish=1"), done)
        self.assertEqual(self.server.totals(self.site, "pageviews"), [100])

    def test_a_piece_that_the_server_took_too_long_over_counts_once(self):
        self.begin()
        self.server.settings["limits.handler_patience_ms"] = 100
        self.server.restart()
        count = 80_000  # each of another agent: takes many times as long, while the same piece again takes no time
        piece = "".join(log_line(n, "/same", at=HOUR_AGO, agent=f"Mozilla/5.0 Firefox/{n}.0") + "\n" for n in range(count))
        self.assertProblem(self.post(piece, "&import=night&piece=0"), 503, "http.handler_timeout")
        for body, query in ((piece, "&piece=0"), ("", "&finish=1")):
            answer = self.ask_until_answered(body, "&import=night" + query)
        self.assertEqual((answer["lines"], answer["accepted"]), (count, count))
        del self.server.settings["limits.handler_patience_ms"]
        self.server.restart()
        self.assertEqual(self.server.totals(self.site, "pageviews"), [count])

    def ask_until_answered(self, body, query):
        """Asks again, as the answer says, while the piece or an earlier try of it is being worked on."""
        def ask():
            answer = self.post(body, query)
            if answer.status == 200:
                return answer
            self.assertEqual(answer.status, 503, answer)
            time.sleep(int(answer.headers["Retry-After"]))
            return None
        return until("an answer", ask, LONG).json()

    def test_a_log_that_fits_one_piece_is_followed_by_the_next_under_the_same_name(self):
        self.begin()
        lines = [log_line(n, f"/page/{n}", at=HOUR_AGO) + "\n" for n in range(50)]
        done = self.send("".join(lines[:20]), "&import=night&piece=0&finish=1")
        self.assertEqual(self.send("".join(lines[:20]), "&import=night&piece=0&finish=1"), done)
        grown = self.send("".join(lines), "&import=night&piece=0&finish=1")
        self.assertEqual((grown["lines"], grown["accepted"], grown["refused"]), (50, 30, {"duplicate": 20}))
        self.assertEqual(self.server.totals(self.site, "pageviews"), [50])

    def test_an_import_begun_again_adds_only_what_is_new(self):
        self.begin()
        pieces = [(log_line(1, f"/{n}", at=HOUR_AGO + n) + "\n") * 10 for n in range(3)]
        for number in (0, 1):
            self.send(pieces[number], f"&import=night&piece={number}")
        other = self.post(pieces[2], "&import=night&piece=1")
        self.assertProblem(other, 409, "analytics.piece_out_of_order", "piece")
        for number in (0, 1, 2):
            done = self.send(pieces[number], f"&import=night&piece={number}{'&finish=1' if number == 2 else ''}")
        self.assertEqual((done["lines"], done["accepted"], done["refused"]), (30, 10, {"duplicate": 20}))
        self.assertEqual(self.server.totals(self.site, "pageviews"), [30])

    def test_a_piece_out_of_order_is_refused(self):
        self.begin()
        line = log_line(1) + "\n"
        self.assertProblem(self.post(line, "&import=night&piece=1"), 409, "analytics.piece_out_of_order", "piece")
        for query in ("&import=night&piece=x", "&import=night&piece=-1", "&piece=0"):
            self.assertProblem(self.post(line, query), 400, "analytics.bad_piece", "piece")
        self.assertEqual(self.send(line, "&import=night&piece=0&finish=1")["accepted"], 1)

    def follow_over_a_restart(self):
        self.begin()
        log = self.home / "access.log"
        log.write_text(log_line(1, "/before") + "\n")
        reader = subprocess.Popen([str(BINARY), "import", "log", "--follow", str(log), "--site", "example.com", "--data", str(self.server.data)],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=plain_environment())
        self.addCleanup(reader.kill)
        until("the first line is counted", lambda: self.server.count(self.site) == 1)
        self.server.stop()
        self.server.start()
        return log, reader

    def test_following_goes_on_after_the_server_was_started_again(self):
        log, reader = self.follow_over_a_restart()
        with log.open("a") as more:
            more.write(log_line(2, "/after") + "\n")
        until("the second line is counted", lambda: self.server.count(self.site) == 2)
        reader.send_signal(signal.SIGINT)
        said, complained = reader.communicate(timeout=PATIENCE)
        self.assertEqual((complained.count("the server forgot this import"), reader.returncode), (1, 130), complained)
        self.assertIn("2 lines read", said)  # the first one once more
        self.assertEqual(self.server.count(self.site), 2)

    def test_a_server_that_forgot_an_import_does_not_sum_it_up_as_nothing(self):
        _, reader = self.follow_over_a_restart()
        reader.send_signal(signal.SIGINT)
        said, complained = reader.communicate(timeout=PATIENCE)
        self.assertEqual(reader.returncode, 130, complained)
        self.assertIn("the server forgot this import", complained)
        self.assertIn("1 not counted: duplicate", said)
