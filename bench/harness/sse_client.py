# SPDX-License-Identifier: MIT
"""A process of its own: COUNT clients of an event stream for SECONDS; each event carries the time at which it was sent.

usage: sse_client.py PORT PATH COUNT SECONDS      prints "ready" when all have had an event, then one line of JSON
"""
import json
import re
import select
import socket
import sys
import time

SHARES = {"p50_us": 0.5, "p99_us": 0.99, "max_us": 1.0}
EVENT = re.compile(rb"^data: ([0-9.]+)\n\n", re.M)
IN_FLIGHT = 50  # clients that wait for their first event at a time
READY_SECONDS = 60


class Client:
    def __init__(self, port: int, request: bytes):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.sendall(request)
        self.socket.setblocking(False)
        self.pending = b""
        self.events = 0

    def take(self, now: float):
        """The delays in us of the events that have come; None when the stream has ended."""
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return []
        if not data:
            return None
        self.pending += data
        delays, end = [], 0
        for match in EVENT.finditer(self.pending):
            delays.append(max(int((now - float(match.group(1))) * 1e6), 0))
            end = match.end()
        self.pending = self.pending[end:]
        self.events += len(delays)
        return delays


def main() -> int:
    port, path, count, seconds = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n".encode("ascii")
    poll, clients, waiting, ended = select.epoll(), {}, 0, 0
    give_up = time.monotonic() + READY_SECONDS
    while len(clients) < count or waiting:
        while len(clients) < count and waiting < IN_FLIGHT:
            client = Client(port, request)
            clients[client.socket.fileno()] = client
            poll.register(client.socket.fileno(), select.EPOLLIN)
            waiting += 1
        for fd, _ in poll.poll(1):
            had = clients[fd].events
            if clients[fd].take(time.time()) is None:
                sys.exit(f"a stream ended before its first event: {clients[fd].pending[:200]!r}")
            waiting -= had == 0 and clients[fd].events > 0
        if time.monotonic() > give_up:
            sys.exit(f"{waiting} of {len(clients)} clients have had no event after {READY_SECONDS} s")
    print("ready", flush=True)
    sys.stdin.readline()  # the runner says when to count
    delays, end = [], time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for fd, _ in poll.poll(left):
            found = clients[fd].take(time.time())
            if found is None:
                ended += 1
                poll.unregister(fd)
            else:
                delays += found
    delays.sort()
    at = {name: delays[min(int(len(delays) * share), len(delays) - 1)] if delays else 0 for name, share in SHARES.items()}
    print(json.dumps({"events": len(delays), "seconds": seconds, "ended": ended, **at}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
