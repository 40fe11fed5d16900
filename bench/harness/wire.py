# SPDX-License-Identifier: MIT
"""A client connection of its own: what it sends and what came back are seen byte by byte."""
import socket
from typing import Dict, Optional, Tuple


class Response:
    def __init__(self, status: int, fields: Dict[str, str], body: bytes, wire_len: int):
        self.status = status
        self.fields = fields
        self.body = body
        self.wire_len = wire_len  # head and body as received


def request_bytes(path: str, body: Optional[bytes] = None, close: bool = False, fields: Optional[Dict[str, str]] = None) -> bytes:
    """fields: beside or in place of those that every request has."""
    all_fields = {"Host": "localhost"}
    if body is not None:
        all_fields.update({"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))})
    all_fields.update(fields or {})
    if close:
        all_fields["Connection"] = "close"
    head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in all_fields.items())
    return head.encode("ascii") + b"\r\n" + (body or b"")


class Incomplete(Exception):
    """The response has not arrived in full yet."""


def parse_response(data: bytes, is_ended: bool = False) -> Tuple[Response, int]:
    """The first response in data and its length there; Incomplete when more is to come. HEAD and 1xx do not occur here.
    is_ended: the server has ended the connection, and with it a body without a length."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        raise Incomplete
    lines = data[:end].decode("latin-1").split("\r\n")
    fields = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    status = int(lines[0].split(" ")[1])
    place = end + 4
    if "chunked" in fields.get("transfer-encoding", ""):
        body, place = _parse_chunks(data, place)
    elif "content-length" not in fields and fields.get("connection", "").lower() == "close":
        if not is_ended:
            raise Incomplete
        body, place = data[place:], len(data)
    else:
        length = int(fields.get("content-length", "0"))
        if len(data) < place + length:
            raise Incomplete
        body, place = data[place : place + length], place + length
    return Response(status, fields, body, place), place


def _parse_chunks(data: bytes, place: int) -> Tuple[bytes, int]:
    parts = []
    while True:
        end = data.find(b"\r\n", place)
        if end < 0:
            raise Incomplete
        length = int(data[place:end].split(b";")[0], 16)
        place = end + 2
        if len(data) < place + length + 2:
            raise Incomplete
        parts.append(data[place : place + length])
        place += length + 2
        if length == 0:
            return b"".join(parts), place


class Connection:
    """A blocking keep-alive connection."""

    def __init__(self, port: int, timeout: float = 20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""

    def send(self, path: str, body: Optional[bytes] = None, fields: Optional[Dict[str, str]] = None) -> None:
        self.socket.sendall(request_bytes(path, body, fields=fields))

    def receive(self) -> Response:
        is_ended = False
        while True:
            try:
                response, length = parse_response(self.pending, is_ended)
            except Incomplete:
                more = self.socket.recv(65536)
                if not more and not is_ended and b"\r\n\r\n" in self.pending:
                    is_ended = True
                    continue
                if not more:
                    raise ConnectionError("the server closed the connection before its response was complete") from None
                self.pending += more
                continue
            self.pending = self.pending[length:]
            return response

    def get(self, path: str, body: Optional[bytes] = None, fields: Optional[Dict[str, str]] = None) -> Response:
        self.send(path, body, fields)
        return self.receive()

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def fetch(port: int, path: str, body: Optional[bytes] = None, fields: Optional[Dict[str, str]] = None) -> Response:
    with Connection(port) as connection:
        return connection.get(path, body, fields)
