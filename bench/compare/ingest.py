#!/usr/bin/env python3
"""Do appends to the column store and its checkpoints stall acknowledgement? Beacons at a steady rate, first alone, then
while a log of page views is imported through the same server."""
import json
import os
import signal
import subprocess
import sys
import time

import access_log
from support import DOMAIN, QUICK, RESULTS, Scratch, Site, Table, Watch, harness, program

ROWS = 2_000_000 if QUICK else 10_000_000
RATE = 750
CONNECTIONS = 64
ALONE_SECONDS = 5 if QUICK else 20
LONGEST_SECONDS = 3_600


class Load:
    """The generator in the background, until `end`."""

    def __init__(self, installed):
        self.process = subprocess.Popen([str(part) for part in (program("load"), installed.server.port, RATE, LONGEST_SECONDS, CONNECTIONS,
                                                                installed.site["id"], DOMAIN)],
                                        stdout=subprocess.PIPE, text=True, env=harness.plain_environment())

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        text, _ = self.process.communicate(timeout=120)
        return json.loads(text)


def ingest(installed, log):
    """Imports the log through the running server; its summary."""
    done = subprocess.run([str(harness.BINARY), "import", "log", str(log), "--site", DOMAIN, "--data", str(installed.server.data), "--json"],
                          capture_output=True, text=True, env=harness.plain_environment())
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    table = Table("ingest")
    log = access_log.make(RESULTS / f"views-{ROWS}.log", ROWS, seed=2, kind="views")
    with Scratch() as folder, Site(folder) as installed:
        pid = installed.server.process.pid
        warm = Load(installed)
        time.sleep(2)
        counts = [warm.end()]
        load = Load(installed)
        time.sleep(ALONE_SECONDS)
        alone = load.end()
        load = Load(installed)
        began = time.monotonic()
        with Watch(pid) as cores:
            summary = ingest(installed, log)
        seconds = time.monotonic() - began
        busy = load.end()
        counts += [alone, busy]
        stored, _ = installed.settle(summary["accepted"])
    sent, refused = (sum(run[key] for run in counts) for key in ("answered", "refused"))
    for key, name in (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9"), ("max", "longest")):
        mine, idle = busy["answer_ms"][key], alone["answer_ms"][key]
        table.row(f"204 at {RATE}/s, {name}, ms: while ingesting (ours), alone (peer)", f"{mine:.2f}", f"{idle:.2f}", f"{mine / idle:.1f}")
    table.row("rows ingested meanwhile, rows/s", f"{summary['accepted'] / seconds:,.0f}")
    table.note(f"{summary['accepted']:,} rows in {seconds:.1f} s from a log of page views; {busy['answered']:,} beacons meanwhile, {refused} refused; "
               f"{stored:,} stored in the end")
    table.note(f"times count from when a beacon was due. Cores: server {cores.process:.2f}, everything else with import and generator "
               f"{cores.others + cores.children:.2f} of {os.cpu_count()}")
    table.raw = {"alone": alone, "ingesting": busy, "summary": summary, "seconds": seconds, "stored": stored}
    table.close()
    if stored != summary["accepted"] + sent - refused:
        sys.exit(f"stored {stored}, expected {summary['accepted']} imported and {sent - refused} acknowledged")


if __name__ == "__main__":
    main()
