#!/usr/bin/env python3
"""Hit to visible: beacons at a steady rate, and when the site's live stream shows each; then the same in a browser."""
import json
import os
import shutil
import subprocess
import sys

from support import DOMAIN, HERE, QUICK, ROOT, ROUNDS, Scratch, Site, Table, Watch, harness, median, program, run

RATE = 2_000
SECONDS = 4 if QUICK else 15
CONNECTIONS = 64
WARM_SECONDS = 2
BROWSER_HITS = 20 if QUICK else 60
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


def load(installed, seconds, watch=True):
    """One run of the generator; its figures."""
    server = installed.server
    with Watch(server.process.pid) as cores:
        figures = json.loads(run([program("load"), server.port, RATE, seconds, CONNECTIONS, installed.site["id"], DOMAIN,
                                  *([server.token] if watch else [])]))
    if figures["refused"] or figures["answered"] != figures["sent"]:
        raise AssertionError(f"not every hit was taken: {figures}")
    if watch and figures["shown"] != figures["sent"]:
        raise AssertionError(f"not every hit was shown: {figures}")
    figures["cores"] = {"server": cores.process, "generator": cores.children, "others": cores.others}
    return figures


def in_browser(installed):
    """Milliseconds from a hit's sending until the counter on the dashboard moves, while the steady load runs; None
    when there is no browser."""
    modules = ROOT / "tests/browser/node_modules/playwright-core"
    if not (shutil.which("node") and os.path.exists(CHROMIUM) and modules.exists()):
        return None
    server = installed.server
    seconds = BROWSER_HITS // 2 + 20
    background = subprocess.Popen([str(program("load")), str(server.port), str(RATE), str(seconds), str(CONNECTIONS),
                                   installed.other["id"], "other.example"], stdout=subprocess.DEVNULL, env=harness.plain_environment())
    try:
        text = run(["node", HERE / "live_browser.mjs", f"http://127.0.0.1:{server.port}", installed.site["id"], DOMAIN, harness.EMAIL,
                    harness.PASSWORD, CHROMIUM, BROWSER_HITS], timeout=300)
    finally:
        background.terminate()
        background.wait()
    return json.loads(text.splitlines()[-1])


def main():
    table = Table("live")
    with Scratch() as folder, Site(folder) as installed:
        installed.other = installed.server.site("other.example", "Europe/Berlin")
        load(installed, WARM_SECONDS)
        rounds = []
        for _ in range(ROUNDS):
            installed.settle()
            rounds.append(load(installed, SECONDS))
        stored, acknowledged = installed.settle()
        browser = in_browser(installed)
    for key, name in (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9"), ("max", "longest")):
        table.row(f"hit to visible in a live stream at {RATE:,} hits/s, {name}, ms", f"{median([run['shown_ms'][key] for run in rounds]):.0f}",
                  goal="< 500" if key == "p99" else "")
    for key, name in (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9")):
        table.row(f"  its 204, {name}, ms", f"{median([run['answer_ms'][key] for run in rounds]):.1f}")
    if browser:
        table.row(f"hit to the counter on the dashboard, {BROWSER_HITS} hits, p50, ms", f"{browser['p50']:.0f}")
        table.row("  longest, ms", f"{browser['max']:.0f}", goal="< 500")
    else:
        table.note("no browser here: the dashboard was not measured")
    cores = {key: median([run["cores"][key] for run in rounds]) for key in rounds[0]["cores"]}
    table.note(f"{ROUNDS} rounds of {SECONDS} s over {CONNECTIONS} connections; times count from when a hit was due. Cores: server {cores['server']:.2f}, "
               f"generator (load) {cores['generator']:.2f}, everything else {cores['others']:.2f} of {os.cpu_count()}")
    table.note(f"messages a second: {median([run['messages'] / run['seconds'] for run in rounds]):.1f}; {acknowledged:,} acknowledged, {stored:,} stored")
    table.raw = {"rounds": rounds, "browser": browser}
    table.close()
    if stored != acknowledged:
        sys.exit("acknowledged and stored differ")


if __name__ == "__main__":
    main()
