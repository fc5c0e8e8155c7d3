"""Drives the built `mainstay` from outside: the command line, a server on a port and a folder of its own, and HTTP.

The binary is $MAINSTAY_BINARY (or $MAINSTAY_BIN), else build/release/mainstay, else build/debug/mainstay.
Nothing here sleeps for a fixed time: `until` waits on a condition with a deadline.
"""
import csv
import http.client
import io
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds; generous, because machines under test are busy
LONG = 5 * PATIENCE  # for what takes much of a processor, such as an import, whose threads give way to all others
EMAIL = "ada@harbour.example"
PASSWORD = "a mast needs its stays"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
SAFARI = ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
          "Version/18.5 Safari/605.1.15")
PHONE = ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/18.5 Mobile/15E148 Safari/604.1")
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
GPTBOT = ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)")


def find_binary():
    for name in ("MAINSTAY_BINARY", "MAINSTAY_BIN"):
        if os.environ.get(name):
            return pathlib.Path(os.environ[name]).resolve()
    for preset in ("release", "debug"):
        if (found := ROOT / "build" / preset / "mainstay").exists():
            return found
    raise FileNotFoundError("build mainstay first, or name it in MAINSTAY_BINARY")


BINARY = find_binary()


def plain_environment():
    """Every MAINSTAY_ variable is a setting, so none of the caller's may reach the program."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")}


def until(what, check, patience=PATIENCE):
    """Gives what `check` gives as soon as that is true; an error when the patience ends."""
    deadline = time.monotonic() + patience
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {patience} s")
        time.sleep(0.01)


def mainstay(*arguments, stdin=None, data=None, env=None, cwd=None):
    """Runs a command to its end; answers a CompletedProcess with text."""
    command = [str(BINARY), *map(str, arguments)]
    if data is not None:
        command += ["--data", str(data)]
    return subprocess.run(command, input=stdin if stdin is not None else "", text=True, capture_output=True, cwd=cwd,
                          timeout=LONG, env={**plain_environment(), **(env or {})})


def must(*arguments, **options):
    """The same, for a command that has to succeed; answers its standard output."""
    done = mainstay(*arguments, **options)
    if done.returncode != 0:
        raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json().get("code") if self.body[:1] == b"{" else None

    def __repr__(self):
        return f"<{self.status} {self.text[:400]}>"


class Server:
    """One `mainstay serve`. Keeps its port over restarts only by chance: ask `port` again."""

    def __init__(self, data, settings=None, preexec=None):
        self.data, self.settings, self.preexec = pathlib.Path(data), dict(settings or {}), preexec
        self.process = self.port = None
        self.log_path = pathlib.Path(str(data) + ".log")
        self.token = None
        self.imports = itertools.count(1)

    def spawn(self):
        """Starts the process and does not wait for it to be ready."""
        command = [str(BINARY), "serve", "--data", str(self.data), "--listen", "127.0.0.1:0"]
        for key, value in self.settings.items():
            command += ["--set", f"{key}={value}"]
        self.log_from = self.log_path.stat().st_size if self.log_path.exists() else 0
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=plain_environment(), preexec_fn=self.preexec)
        return self

    def start(self):
        self.spawn()

        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log}")
            found = re.search(r'ready address="https?://[^"]*:(\d+)"', self.log_of_this_run())
            return found and int(found.group(1))

        self.port = until("the server is ready", ready)
        return self

    def log_of_this_run(self):
        with self.log_path.open("rb") as log:
            log.seek(self.log_from)
            return log.read().decode("utf-8", "replace")

    @property
    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def terminate(self):
        """SIGTERM; answers the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        return self.process.wait(PATIENCE)

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def restart(self):
        self.terminate()
        return self.start()

    # HTTP

    def connect(self, timeout=PATIENCE):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def request(self, method, path, body=None, headers=None, connection=None):
        """Exactly this request, with nobody signed in."""
        own = connection is None
        connection = connection or self.connect()
        try:
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
                headers = {"Content-Type": "application/json", **(headers or {})}
            if isinstance(body, str):
                body = body.encode()
            try:
                connection.request(method, path, body=body, headers=headers or {})
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has answered before it read everything
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            if own:
                connection.close()

    def api(self, method, path, body=None, headers=None):
        """As the owner, by API token."""
        return self.request(method, path, body, {"Authorization": f"Bearer {self.token}", **(headers or {})})

    def ask(self, method, path, body=None, expect=None, headers=None):
        """The same, for what has to be granted; answers the JSON."""
        answer = self.api(method, path, body, headers)
        if answer.status not in ((expect,) if expect else (200, 201, 204)):
            raise AssertionError(f"{method} {path}: {answer}")
        return answer.json() if answer.body else None

    def raw(self, data, timeout=PATIENCE):
        """Sends bytes as they are and reads until the server closes or has said a whole answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            try:
                connection.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has answered already and reads no further
            response = http.client.HTTPResponse(connection)
            response.begin()
            return Answer(response.status, response.headers, response.read())

    # What most tests do

    def site(self, domain="example.com", timezone="Etc/UTC", **settings):
        made = self.ask("POST", "/api/v1/sites", {"domain": domain, "timezone": timezone}, expect=201)
        if settings:
            made = {**self.ask("PATCH", f"/api/v1/sites/{made['id']}", settings), "key": made["key"]}
        return made

    def hit(self, site, headers=None, connection=None, **event):
        """One event as the script of a page sends it."""
        body = {"site": site["id"], "url": f"https://{site['domain']}/", **event}
        return self.request("POST", "/api/v1/beacon", body, {**browser(site["domain"]), **(headers or {})}, connection)

    def query(self, site, metrics, **more):
        """The rows of a report that lacks none of the hits before it; the server may give one that does, and then says so."""
        def whole():
            answer = self.ask("POST", "/api/v2/query", {"site_id": site["id"], "metrics": metrics, "date_range": "all", **more})
            return None if "freshness_warning" in answer["meta"] else answer
        return until("a report of all hits", whole, LONG)["results"]

    def totals(self, site, *metrics):
        rows = self.query(site, list(metrics))
        return rows[0]["metrics"] if rows else [0] * len(metrics)

    def count(self, site, metric="events"):
        return self.totals(site, metric)[0]

    def events(self, site, share=None):
        """All stored events of a site, as the raw export has them."""
        self.count(site)  # waits until the newest are among them
        answer = self.api("GET", f"/api/v1/sites/{site['id']}/export?format=csv&rows=events")
        if answer.status != 200:
            raise AssertionError(repr(answer))
        return list(csv.DictReader(io.StringIO(answer.text, newline="")))

    def ledger(self, site):
        self.count(site)  # waits until the newest hits are in it
        return self.ask("GET", f"/api/v1/sites/{site['id']}/ledger")

    def refused(self, site):
        """Reasons and counts of the ledger."""
        counts = {}
        for row in self.ledger(site)["refused"]:
            counts[row["reason"]] = counts.get(row["reason"], 0) + row["count"]
        return counts

    def until_refused(self, site, reason, count=1):
        """The ledger is written with the next batch."""
        until(f"{count} refused as {reason}", lambda: self.refused(site).get(reason, 0) >= count)
        found = self.refused(site)[reason]
        if found != count:
            raise AssertionError(f"{found} refused as {reason}, expected {count}")

    def send_log(self, site, lines, query=None, **headers):
        """Lines of a server log by the site's key, as an import of their own unless `query` names one."""
        query = query or f"&import={next(self.imports)}&piece=0&finish=1"
        named = {"X-Site-Key": site["key"], **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.until_counted(lambda: self.request("POST", f"/api/v1/beacon/log?site={site['id']}{query}", lines, named))

    @staticmethod
    def until_counted(send):
        """Sends an import, again while its lines are stored and not all of them counted; answers the last answer."""
        def counted():
            answer = send()
            return None if answer.code == "analytics.import_not_counted" else answer
        return until("the lines are counted", counted, LONG)

    # The process from outside

    def status_field(self, name):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
        raise KeyError(name)

    def cpu_ticks(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])


def browser(domain="example.com", agent=FIREFOX, **more):
    return {"Origin": f"https://{domain}", "User-Agent": agent, "Accept-Language": "en-GB,en;q=0.8", **more}


def quote(text):
    return urllib.parse.quote(text, safe="")


def log_line(n, path=None, at=None, agent=FIREFOX, status=200, size=1234, referrer="-", address=None, method="GET"):
    """Line `n` of an access log in combined format; distinct visitors by `n`."""
    at = at or time.time() - 3600
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(at))
    address = address or f"198.51.{100 + n // 250 % 100}.{1 + n % 250}"
    return f'{address} - - [{stamp}] "{method} {path or "/page/" + str(n % 50)} HTTP/1.1" {status} {size} "{referrer}" "{agent}"'


class Template:
    """A data folder with an owner and a token, made once by the command line and copied for every test."""
    lock = threading.Lock()
    folder = token = None

    @classmethod
    def copy_to(cls, data):
        with cls.lock:
            if cls.folder is None:
                cls.home = tempfile.TemporaryDirectory(prefix="mainstay-template-")
                cls.folder = pathlib.Path(cls.home.name) / "data"
                must("admin", "owner", "create", "--email", EMAIL, "--password-stdin", stdin=PASSWORD + "\n", data=cls.folder)
                cls.token = must("admin", "token", "create", "--email", EMAIL, "--name", "tests", data=cls.folder).strip()
        shutil.copytree(cls.folder, data, ignore=shutil.ignore_patterns("*.sock"))
        return cls.token


class MainstayTest(unittest.TestCase):
    """Every test has a folder of its own and ends its servers."""
    maxDiff = None

    def setUp(self):
        home = tempfile.TemporaryDirectory(prefix="mainstay-test-", ignore_cleanup_errors=True)
        self.addCleanup(home.cleanup)
        self.home = pathlib.Path(home.name)

    def prepared(self, settings=None, preexec=None, name="data"):
        """A server with an owner, not started yet."""
        data = self.home / name
        token = Template.copy_to(data)
        server = Server(data, settings, preexec)
        server.token = token
        self.addCleanup(server.stop)
        return server

    def serve(self, settings=None, **options):
        return self.prepared(settings, **options).start()

    def assertProblem(self, answer, status, code, field=None):
        self.assertEqual((answer.status, answer.code), (status, code), repr(answer))
        problem = answer.json()
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        self.assertEqual(problem["status"], status)
        self.assertTrue(problem["title"] and problem["detail"] and problem["request_id"], problem)
        if field is not None:
            self.assertIn(field, [error["field"] for error in problem.get("errors", [])], problem)
