#!/usr/bin/env python3
"""Log import: `mainstay import log`, every hit in the tables at its end, beside GoAccess on the same file."""
import json
import re
import shutil
import sys
import time

import access_log
from support import DOMAIN, QUICK, RESULTS, ROUNDS, Scratch, Table, Watch, harness, median, run

LINES = 200_000 if QUICK else 1_500_000


def ours(log, folder):
    """Seconds, cores used, totals and the ledger of an import into an empty installation."""
    data = folder / "data"
    harness.Template.copy_to(data)
    harness.must("admin", "site", "create", "--domain", DOMAIN, "--timezone", "Europe/Berlin", data=data)
    began = time.monotonic()
    with Watch() as watch:
        output = run([harness.BINARY, "import", "log", log, "--site", DOMAIN, "--data", data, "--json"])
    seconds = time.monotonic() - began
    summary = json.loads(output.splitlines()[-1])
    shutil.rmtree(data)
    return seconds, watch.children, summary


def peer(log, folder):
    """The same of GoAccess, which reads into memory and writes its report as JSON."""
    report = folder / "report.json"
    began = time.monotonic()
    with Watch() as watch:
        run(["goaccess", log, "--log-format=COMBINED", "--no-global-config", "--no-progress", "-o", report])
    seconds = time.monotonic() - began
    found = json.loads(report.read_text())
    report.unlink()
    status = {re.match(r"\d+", code["data"])[0]: code["hits"]["count"] for kind in found["status_codes"]["data"] for code in kind["items"]}
    general = found["general"]
    return seconds, watch.children, {"lines": general["total_requests"], "unparsable": general["failed_requests"],
                                     "status": status, "bytes": general["bandwidth"]}


def main():
    table = Table("import")
    log = access_log.make(RESULTS / f"access-{LINES}.log", LINES)
    mine, theirs = [], []
    with Scratch() as folder:
        log.read_bytes()  # both find it in the page cache
        for _ in range(ROUNDS):
            theirs.append(peer(log, folder))
            mine.append(ours(log, folder))
    summary, totals = mine[-1][2], theirs[-1][2]
    rate, other = LINES / median([run[0] for run in mine]), LINES / median([run[0] for run in theirs])
    table.row("log import, lines/s", f"{rate:,.0f}", f"{other:,.0f}", f"{rate / other:.2f}", "≥ 3")
    table.row("cores used", f"{median([run[1] for run in mine]):.2f}", f"{median([run[1] for run in theirs]):.2f}")
    same = True
    for name in ("lines", "unparsable", "bytes"):
        same = same and summary[name] == totals[name]
        table.row(f"  {name}", f"{summary[name]:,}", f"{totals[name]:,}", "same" if summary[name] == totals[name] else "DIFFERENT")
    for code in sorted(set(summary["status"]) | set(totals["status"])):
        a, b = summary["status"].get(code, 0), totals["status"].get(code, 0)
        same = same and a == b
        table.row(f"  status {code}", f"{a:,}", f"{b:,}", "same" if a == b else "DIFFERENT")
    table.note(f"{LINES:,} lines, {log.stat().st_size / 1e6:.0f} MB; of ours {summary['accepted']:,} became rows, {summary['bots']:,} are of robots, "
               f"not counted: {summary['refused']}")
    version = run(["goaccess", "--version"]).splitlines()[0].rstrip(".")
    table.note(f"ours ends with every hit on disk in its tables; the peer ({version}) with a report written; no load generator")
    table.raw = {"ours": mine, "peer": theirs}
    table.close()
    if not same:
        sys.exit("the totals differ")


if __name__ == "__main__":
    main()
