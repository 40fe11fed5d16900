# SPDX-License-Identifier: MIT
"""A process of its own: opens COUNT connections to PORT, has one response on each, then keeps them until its input ends.

usage: idle_client.py PORT PATH COUNT
"""
import json
import select
import socket
import sys
import time

IN_FLIGHT = 100  # connections that wait for their response at a time
PER_SOURCE = 5000  # connections from each of 127.0.0.2, 127.0.0.3, ...: a source has some 28,000 ports
IP_BIND_ADDRESS_NO_PORT = 24


def open_one(port: int, index: int, request: bytes) -> socket.socket:
    one = socket.socket()
    one.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    one.bind((f"127.0.0.{2 + index // PER_SOURCE}", 0))
    one.connect(("127.0.0.1", port))
    one.sendall(request)
    one.setblocking(False)
    return one


def main() -> int:
    port, path, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode("ascii")
    start = time.monotonic()
    poll = select.epoll()
    waiting, idle = {}, []
    while len(idle) < count:
        while len(waiting) < IN_FLIGHT and len(idle) + len(waiting) < count:
            one = open_one(port, len(idle) + len(waiting), request)
            waiting[one.fileno()] = one
            poll.register(one.fileno(), select.EPOLLIN)
        for fd, _ in poll.poll(10):
            # Small responses come in one piece; the runner has looked at this one before.
            data = waiting[fd].recv(65536)
            if not data.startswith(b"HTTP/1.1 200"):
                sys.exit(f"connection {len(idle)}: {data[:100]!r}")
            poll.unregister(fd)
            idle.append(waiting.pop(fd))
    print("ready " + json.dumps({"connections": count, "seconds": time.monotonic() - start}), flush=True)
    sys.stdin.buffer.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
