#!/usr/bin/env python3
"""Durable acknowledgement: POST /api/v1/beacon, every 204 after fsync, beside a bare 204 of the same HTTP layer."""
import json
import os
import subprocess
import sys

from support import DOMAIN, HERE, QUICK, ROUNDS, Scratch, Site, Table, Watch, harness, median, program, run

CONNECTIONS = (64, 256)
SECONDS = 2 if QUICK else 5
WARM_SECONDS = 1
GENERATOR_THREADS = 1


def load(url, site, connections, seconds, pid):
    """One run of wrk; its figures."""
    with Watch(pid) as watch:
        text = run(["wrk", "-t", GENERATOR_THREADS, "-c", connections, "-d", f"{seconds}s", "--timeout", "30s", "-s",
                    HERE / "beacons.lua", url, "--", site, DOMAIN])
    figures = json.loads(text.splitlines()[-1])
    if figures["not_ok"] or figures["failed"]:
        raise AssertionError(f"{url}: {figures['not_ok']} answers that are not 204, {figures['failed']} failed")
    figures["rate"] = figures["answers"] / figures["seconds"]
    figures["cores"] = {"server": watch.process, "generator": watch.children, "others": watch.others}
    return figures


class Bare:
    """The bare server; one I/O thread a core, as ours has."""

    def __enter__(self):
        self.process = subprocess.Popen([str(program("bare_204"))], stdout=subprocess.PIPE, text=True,
                                        env=harness.plain_environment())
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def report(table, connections, ours, bare):
    rate, peer = median([run["rate"] for run in ours]), median([run["rate"] for run in bare])
    table.row(f"204 after fsync, {connections} connections, requests/s", f"{rate:,.0f}", f"{peer:,.0f}", f"{rate / peer:.2f}",
              "≥ 0.5")
    for key, name in (("p50_ms", "p50"), ("p99_ms", "p99"), ("p999_ms", "p99.9")):
        mine, other = median([run[key] for run in ours]), median([run[key] for run in bare])
        table.row(f"  {name}, ms", f"{mine:.1f}", f"{other:.1f}", f"{mine / other:.1f}" if other else "")
    for name, runs in (("ours", ours), ("bare", bare)):
        cores = {key: median([run["cores"][key] for run in runs]) for key in runs[0]["cores"]}
        table.note(f"{connections} connections, {name}: cores used by the server {cores['server']:.2f}, "
                   f"wrk {cores['generator']:.2f}, everything else {cores['others']:.2f} of {os.cpu_count()}")


def main():
    table = Table("ack")
    answered = 0
    with Scratch() as folder, Site(folder) as installed, Bare() as bare:
        site, pid = installed.site["id"], installed.server.process.pid
        answered += load(installed.url, site, 64, WARM_SECONDS, pid)["answers"]
        load(bare.url, site, 64, WARM_SECONDS, bare.process.pid)
        for connections in CONNECTIONS:
            ours, peers = [], []
            for _ in range(ROUNDS):
                installed.settle()
                peers.append(load(bare.url, site, connections, SECONDS, bare.process.pid))
                ours.append(load(installed.url, site, connections, SECONDS, pid))
            answered += sum(run["answers"] for run in ours)
            report(table, connections, ours, peers)
            table.raw[str(connections)] = {"ours": ours, "bare": peers}
        cut_off = 64 + ROUNDS * sum(CONNECTIONS)
        stored, acknowledged = installed.settle()
        written = len(installed.server.events(installed.site)) if stored <= 500_000 else stored
    table.note(f"wrk got {answered:,} answers, the server acknowledged {acknowledged:,} ; {stored:,} are stored, {written:,} "
               f"exported. wrk drops what is under way when its time is up: at most {cut_off:,} hits may be stored without an answer")
    table.note(f"load generator: wrk, {GENERATOR_THREADS} thread, the same requests to both, on the same cores as the servers")
    table.raw["counts"] = {"answered": answered, "acknowledged": acknowledged, "stored": stored}
    table.close()
    if not answered <= acknowledged <= stored == written <= answered + cut_off:
        sys.exit("acknowledged and stored differ")


if __name__ == "__main__":
    main()
