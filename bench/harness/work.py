# SPDX-License-Identifier: MIT
"""What one request of a scenario is: path, body, fields; the same for the check before, for wrk, h2load and bench_client."""
import os
from typing import Any, Dict, List, Optional
from urllib.parse import urlencode

BOUNDARY = "----bench-6f1c0b7d9a"


def form_body(length: int) -> bytes:
    """A form of exactly `length` bytes: some short fields, one that fills up."""
    fields = [("title", "A page"), ("tags[]", "one"), ("tags[]", "two & three"), ("text", "")]
    start = urlencode(fields)
    return (start + "x" * max(length - len(start), 0)).encode("ascii")


def upload_body(length: int) -> bytes:
    """One file of `length` bytes and a short field, as a browser sends them."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="title"\r\n\r\nA file\r\n--{BOUNDARY}\r\n'
    head += 'Content-Disposition: form-data; name="file"; filename="file.bin"\r\nContent-Type: application/octet-stream\r\n\r\n'
    piece = bytes(range(256))
    return head.encode("ascii") + (piece * (length // 256 + 1))[:length] + f"\r\n--{BOUNDARY}--\r\n".encode("ascii")


class Work:
    """folder: where a body is kept for programs that read it from a file."""

    def __init__(self, scenario: Dict[str, Any], folder: Optional[str] = None):
        self.scenario = scenario
        self.body: Optional[bytes] = None
        self.body_type = "application/x-www-form-urlencoded"
        if "form_bytes" in scenario:
            self.body = form_body(scenario["form_bytes"])
        elif "upload_bytes" in scenario:
            self.body = upload_body(scenario["upload_bytes"])
            self.body_type = f"multipart/form-data; boundary={BOUNDARY}"
        self.body_path: Optional[str] = None
        if self.body is not None and folder is not None:
            self.body_path = os.path.join(folder, "body")
            with open(self.body_path, "wb") as file:
                file.write(self.body)
        self.scheme = scenario.get("scheme", "http")
        self.sessions = scenario.get("sessions", 0)
        self.closes = scenario.get("close", False)

    def path(self, server_name: str) -> str:
        return self.scenario.get("paths_by_server", {}).get(server_name, self.scenario["path"])

    def fields(self) -> Dict[str, str]:
        """Request fields beside those that every client sends."""
        found: Dict[str, str] = {}
        if "host" in self.scenario:
            found["Host"] = self.scenario["host"]
        if "accept_encoding" in self.scenario:
            found["Accept-Encoding"] = self.scenario["accept_encoding"]
        if self.closes:
            found["Connection"] = "close"
        for index in range(self.scenario.get("fields", 0) - 1):  # Host is the first
            found[f"X-Field-{index + 1}"] = f"value-{index + 1:03d}-of-some-length"
        return found

    def field_lines(self) -> List[str]:
        return [f"{name}: {value}" for name, value in self.fields().items()]
