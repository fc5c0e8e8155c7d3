#!/usr/bin/env python3
"""kill -9 under full load at random moments: what was acknowledged is stored, none of it twice. Runs the test of that
name with many rounds."""
import os
import subprocess
import sys
import time

from support import QUICK, ROOT, Table

KILLS = 3 if QUICK else 20
TESTS = ROOT / "tests/faults"


def main():
    table = Table("kill")
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "unittest", "crash_test"], cwd=TESTS, capture_output=True, text=True,
                          env={**os.environ, "KILL_ROUNDS": str(KILLS)})
    table.row(f"kill -9 under load, {KILLS} times: acknowledged = stored, none twice", "holds" if done.returncode == 0 else "BROKEN")
    for line in done.stderr.splitlines():
        if line.startswith(("Ran ", "FAIL", "ERROR", "AssertionError")):
            table.note(line)
    table.raw = {"kills": KILLS, "seconds": time.monotonic() - began, "output": done.stdout[-20_000:], "errors": done.stderr[-20_000:]}
    table.close()
    if done.returncode != 0:
        sys.exit("the kill test fails")


if __name__ == "__main__":
    main()
