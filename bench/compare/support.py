"""What the comparisons share: a prepared server, tables, results as JSON, and what the machine did meanwhile.

$BENCH_QUICK=1 makes every comparison short, for a look; figures that are quoted come from the full run.
"""
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/wire"))
import harness  # noqa: E402  the same driver as the tests'

QUICK = os.environ.get("BENCH_QUICK", "") not in ("", "0")
ROUNDS = 1 if QUICK else 3
RESULTS = ROOT / "build/bench"
HERE = pathlib.Path(__file__).resolve().parent
DOMAIN = "example.com"
TICKS = os.sysconf("SC_CLK_TCK")


def program(name):
    """A program that is built beside the binary."""
    found = harness.BINARY.parent / name
    if not found.exists():
        raise FileNotFoundError(f"{found}: build the target `benchmarks` first")
    return found


def median(values):
    return statistics.median(values)


def percentile(values, share):
    """The value that `share` (0..1) of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Scratch:
    """A temporary folder on the disk of the build folder, because /tmp may be memory."""

    def __enter__(self):
        RESULTS.mkdir(parents=True, exist_ok=True)
        self.folder = tempfile.TemporaryDirectory(prefix="run-", dir=RESULTS, ignore_cleanup_errors=True)
        return pathlib.Path(self.folder.name)

    def __exit__(self, *_):
        self.folder.cleanup()


class Site:
    """A running server with an owner and one site; ends with the `with` block."""

    def __init__(self, folder, settings=None):
        data = folder / "data"
        token = harness.Template.copy_to(data)
        self.server = harness.Server(data, settings)
        self.server.token = token

    def __enter__(self):
        self.server.start()
        self.site = self.server.site(DOMAIN, "Europe/Berlin")
        return self

    def __exit__(self, *_):
        self.server.stop()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.port}"

    def stored(self):
        """Events of the site, once the server has written all it has taken."""
        return self.server.count(self.site, "events")

    def settle(self, imported=0, patience=300):
        """Waits until all that was taken is written, so that no round pays for the one before: stored, acknowledged."""
        deadline, last = time.monotonic() + patience, None
        while time.monotonic() < deadline:
            now = (self.stored(), int(self.metric("mainstay_analytics_hits_total")))
            if now == last and now[0] >= now[1] + imported:
                return now
            last = now
            time.sleep(0.2)
        raise AssertionError(f"{last[0]} stored of {last[1]} acknowledged, after {patience} s")

    def metric(self, name):
        answer = self.server.api("GET", "/metrics")
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? ([0-9.e+]+)$", answer.text, re.M))


def cpu_of(pid):
    """Seconds of processor time a process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_of(pid):
    """Bytes of resident memory."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise KeyError(pid)


def busy_seconds():
    """Seconds all cores together spent on anything since start."""
    fields = [int(word) for word in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS


class Watch:
    """How much of the machine a stretch of time took: by one process, by the children that ended, by strangers."""

    def __init__(self, pid=None):
        self.pid = pid

    def __enter__(self):
        self.before = self.read()
        return self

    def read(self):
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (time.monotonic(), cpu_of(self.pid) if self.pid else 0.0, children.ru_utime + children.ru_stime, busy_seconds())

    def __exit__(self, *_):
        wall, process, children, busy = (now - then for now, then in zip(self.read(), self.before))
        self.seconds = wall
        self.process, self.children = process / wall, children / wall
        self.others = max(0.0, busy / wall - self.process - self.children)

    def text(self, process="server", children="generator"):
        return (f"cores: {process} {self.process:.2f}, {children} {self.children:.2f}, "
                f"everything else {self.others:.2f} of {os.cpu_count()}")


class Table:
    """Prints "what, ours, the peer, ratio" and keeps the rows for build/bench/NAME.json."""

    def __init__(self, name):
        self.name, self.rows, self.notes, self.raw = name, [], [], {}
        self.load = os.getloadavg()

    def row(self, what, ours, peer="", ratio="", goal=""):
        self.rows.append({"what": what, "ours": ours, "peer": peer, "ratio": ratio, "goal": goal})

    def note(self, text):
        self.notes.append(text)

    def close(self):
        heads = {"what": "what", "ours": "ours", "peer": "the peer", "ratio": "ratio", "goal": "goal"}
        lines = [heads, *self.rows]
        widths = {key: max(len(str(line[key])) for line in lines) for key in heads}
        for line in lines:
            print("  ".join(str(line[key]).ljust(widths[key]) if key == "what" else str(line[key]).rjust(widths[key])
                            for key in heads).rstrip())
        self.note(f"load average before {self.load[0]:.1f}, after {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores"
                  + ("; a quick run" if QUICK else ""))
        for note in self.notes:
            print(f"  {note}")
        RESULTS.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"name": self.name, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "quick": QUICK,
                           "rounds": ROUNDS, "rows": self.rows, "notes": self.notes, "raw": self.raw}, indent=1)
        (RESULTS / f"{self.name}.json").write_text(text + "\n")


def wait_for_http(url, process, patience=60):
    """Waits until `url` answers 200."""
    def answers():
        if process.poll() is not None:
            raise AssertionError(f"{process.args[0]} ended with {process.returncode}")
        try:
            return urllib.request.urlopen(url, timeout=5).status == 200
        except OSError:
            return False
    harness.until(url, answers, patience)


def run(command, **options):
    """A command that has to succeed; its standard output."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          env=harness.plain_environment(), **options)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout
