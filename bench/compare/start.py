#!/usr/bin/env python3
"""An empty server: time from exec until /readyz answers 200, and resident memory."""
import http.client
import os
import shutil
import socket
import subprocess
import time

from support import QUICK, Scratch, Table, harness, median, rss_of

RUNS = 3 if QUICK else 10
COLD_RUNS = 1 if QUICK else 3
IDLE_SECONDS = 5
PATIENCE = 30


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def ready(port):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False


def start(binary, data, idle):
    """Milliseconds until ready, resident bytes then, and after idling (0 when not asked)."""
    port = free_port()
    began = time.monotonic()
    process = subprocess.Popen([str(binary), "serve", "--data", str(data), "--listen", f"127.0.0.1:{port}"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=harness.plain_environment())
    try:
        while not ready(port):
            if process.poll() is not None or time.monotonic() - began > PATIENCE:
                raise AssertionError(f"no answer from {binary}")
            time.sleep(0.001)
        spent = (time.monotonic() - began) * 1000
        at_once = rss_of(process.pid)
        if idle:
            time.sleep(IDLE_SECONDS)
        return spent, at_once, rss_of(process.pid) if idle else 0
    finally:
        process.terminate()
        process.wait()


def forget(folder):
    """Drops the pages of every file below from the page cache."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def main():
    table = Table("start")
    megabyte = 1 << 20
    with Scratch() as folder:
        used = folder / "used"
        harness.Template.copy_to(used)
        first = [start(harness.BINARY, folder / f"new{i}", idle=False) for i in range(RUNS)]
        again = [start(harness.BINARY, used, idle=i < 3) for i in range(RUNS)]
        program = folder / "program"  # a copy that no other process maps, so that it can leave the cache
        program.mkdir()
        for name in ("mainstay", "libduckdb.so", "country.mmdb"):
            shutil.copy2(harness.BINARY.parent / name, program / name)
        cold = []
        for _ in range(COLD_RUNS):
            forget(program)
            forget(used)
            cold.append(start(program / "mainstay", used, idle=False))
    idle = [run[2] for run in again if run[2]]
    table.row("exec to ready, warm, ms", f"{median([run[0] for run in again]):.0f}", goal="≤ 300")
    table.row("exec to ready, new data folder, ms", f"{median([run[0] for run in first]):.0f}", goal="≤ 300")
    table.row("exec to ready, program and data not in the page cache, ms", f"{median([run[0] for run in cold]):.0f}")
    table.row("resident when ready, MB", f"{median([run[1] for run in again]) / megabyte:.1f}", goal="≤ 60")
    table.row(f"resident after {IDLE_SECONDS} s idle, MB", f"{median(idle) / megabyte:.1f}", goal="≤ 60")
    table.note(f"{RUNS} starts each, cold {COLD_RUNS}; medians; the libraries of the system stay in the cache")
    table.raw = {"warm": again, "new": first, "cold": cold}
    table.close()


if __name__ == "__main__":
    main()
