# SPDX-License-Identifier: MIT
"""A process of its own: COUNT clients that each move one byte a second, until its input ends. Who is cut off comes again.

usage: slow_client.py PORT headers|bodies|readers|h2-readers PATH COUNT
"""
import json
import select
import socket
import struct
import sys
import time

SLICES = 50  # a second is walked through in so many steps: the clients do not act at the same moment
BODY_BYTES = 100000
H2_STREAMS = 100


def h2_frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def h2_requests(path: str) -> bytes:
    """A connection's first bytes: the largest stream windows, and as many requests as are allowed (RFC 9113, RFC 7541)."""
    # :method GET, :scheme http, :authority and :path as literals that are not remembered
    block = b"\x82\x86\x01\x09localhost\x04" + bytes([len(path)]) + path.encode("ascii")
    settings = struct.pack(">HI", 4, (1 << 31) - 1)
    requests = b"".join(h2_frame(1, 5, 2 * index + 1, block) for index in range(H2_STREAMS))
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2_frame(4, 0, 0, settings) + h2_frame(8, 0, 0, struct.pack(">I", 1 << 30)) + requests


class Client:
    def __init__(self, port: int, mode: str, path: str):
        self.port = port
        self.mode = mode
        self.reads = mode in ("readers", "h2-readers")
        self.path = path
        self.socket = None
        self.waits_for_response = False
        self.open()

    def open(self) -> None:
        if self.socket is not None:
            self.socket.close()
        self.socket = socket.socket()
        if self.reads:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", self.port))
        self.socket.sendall(self.start())
        self.socket.setblocking(False)
        self.waits_for_response = self.reads

    def start(self) -> bytes:
        if self.mode == "headers":
            return b"G"
        if self.mode == "h2-readers":
            return h2_requests(self.path)
        line = "POST" if self.mode == "bodies" else "GET"
        head = f"{line} {self.path} HTTP/1.1\r\nHost: localhost\r\n"
        if self.mode == "bodies":
            head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {BODY_BYTES}\r\n"
        return head.encode("ascii") + b"\r\n"

    def act(self, place: int) -> bool:
        """Moves one byte. False when the server has cut the client off."""
        try:
            if self.reads:
                data = self.socket.recv(1)
                self.waits_for_response = self.waits_for_response and not data
                return bool(data)
            text = f"ET {self.path} HTTP/1.1\r\nHost: localhost\r\nX-Slow: ".encode("ascii") if self.mode == "headers" else b""
            self.socket.send(text[place : place + 1] or b"x")
            return self.socket.recv(4096) is None  # an answer to half a request, or the end: cut off either way
        except BlockingIOError:
            return True
        except OSError:
            return False


class Crowd:
    def __init__(self, port: int, mode: str, path: str, count: int):
        self.clients = []
        self.places = [0] * count
        self.bytes = 0
        self.cut_off = 0
        self.start = time.monotonic()
        for _ in range(count):
            self.clients.append(Client(port, mode, path))

    def step(self, slice_number: int) -> None:
        for index in range(slice_number, len(self.clients), SLICES):
            client = self.clients[index]
            if client.act(self.places[index]):
                self.bytes += 1
                self.places[index] += 1
            else:
                self.cut_off += 1
                self.places[index] = 0
                client.open()

    def is_ready(self) -> bool:
        """Every client has acted; who reads has something to read."""
        return time.monotonic() - self.start > 1 and not any(client.waits_for_response for client in self.clients)


def main() -> int:
    crowd = Crowd(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
    was_ready = False
    tick = time.monotonic()
    slice_number = 0
    while True:
        tick = max(tick + 1 / SLICES, time.monotonic() - 1)
        if select.select([sys.stdin], [], [], max(tick - time.monotonic(), 0))[0]:
            break
        crowd.step(slice_number)
        slice_number = (slice_number + 1) % SLICES
        if not was_ready and crowd.is_ready():
            was_ready = True
            print("ready", flush=True)
    print(json.dumps({"bytes": crowd.bytes, "cut_off": crowd.cut_off, "seconds": time.monotonic() - crowd.start}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
