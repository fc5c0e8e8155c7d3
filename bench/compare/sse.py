#!/usr/bin/env python3
"""Resident memory of idle live streams: GET /api/v1/events, each with its snapshot, then only pings."""
import os
import resource
import select
import socket
import time

from support import QUICK, Scratch, Site, Table, rss_of

STREAMS = 2_000 if QUICK else 10_000
AT_ONCE = 100
WARM = 200
IDLE_SECONDS = 3 if QUICK else 30  # longer than a ping's distance
PATIENCE = 60


def open_streams(address, request, count):
    """Opens streams, some at a time, until each has its snapshot."""
    sockets, poll = [], select.epoll()
    while len(sockets) < count:
        waiting = {}
        for _ in range(min(AT_ONCE, count - len(sockets))):
            stream = socket.create_connection(address, timeout=PATIENCE)
            stream.sendall(request)
            stream.setblocking(False)
            waiting[stream.fileno()] = (stream, bytearray())
            poll.register(stream, select.EPOLLIN)
        while waiting:
            events = poll.poll(PATIENCE)
            if not events:
                raise AssertionError(f"{len(waiting)} streams got no snapshot within {PATIENCE} s")
            for descriptor, _ in events:
                stream, got = waiting[descriptor]
                part = stream.recv(65536)
                if not part:
                    raise AssertionError(f"a stream ended: {bytes(got[:300])}")
                got += part
                if b"data: " in got and got.split(b"data: ", 1)[1].find(b"\n\n") >= 0:
                    if not got.startswith(b"HTTP/1.1 200"):
                        raise AssertionError(bytes(got[:300]))
                    poll.unregister(descriptor)
                    sockets.append(waiting.pop(descriptor)[0])
    return sockets


def drained(sockets):
    """Bytes that came meanwhile; fails when a stream has ended."""
    total = 0
    for stream in sockets:
        try:
            part = stream.recv(65536)
        except BlockingIOError:
            continue
        if not part:
            raise AssertionError("an idle stream ended")
        total += len(part)
    return total


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < STREAMS + 200:
        raise SystemExit(f"only {hard} open files are allowed; {STREAMS} streams need more")
    table = Table("sse")
    with Scratch() as folder, Site(folder) as installed:
        pid, address = installed.server.process.pid, ("127.0.0.1", installed.server.port)
        request = (f"GET /api/v1/events?subjects=events.analytics.live.{installed.site['id']} HTTP/1.1\r\n"
                   f"Host: 127.0.0.1\r\nAuthorization: Bearer {installed.server.token}\r\nAccept: text/event-stream\r\n\r\n").encode()
        for stream in open_streams(address, request, WARM):
            stream.close()
        time.sleep(2)
        before = rss_of(pid)
        began = time.monotonic()
        sockets = open_streams(address, request, STREAMS)
        seconds = time.monotonic() - began
        opened = rss_of(pid)
        time.sleep(IDLE_SECONDS)
        idle = rss_of(pid)
        pings = drained(sockets)
        for stream in sockets:
            stream.close()
        time.sleep(2)
        closed = rss_of(pid)
    table.row(f"resident a stream, {STREAMS:,} just opened, bytes", f"{(opened - before) / STREAMS:,.0f}", goal="≤ 4,096")
    table.row(f"resident a stream, after {IDLE_SECONDS} s with pings, bytes", f"{(idle - before) / STREAMS:,.0f}", goal="≤ 4,096")
    table.row("opened with snapshot, streams/s", f"{STREAMS / seconds:,.0f}")
    table.note(f"server resident: {before >> 10:,} kB before, {opened >> 10:,} kB with all, {closed >> 10:,} kB after all were closed; "
               f"{pings:,} bytes of pings")
    table.raw = {"streams": STREAMS, "before": before, "opened": opened, "idle": idle, "closed": closed, "seconds": seconds}
    table.close()


if __name__ == "__main__":
    main()
