# SPDX-License-Identifier: MIT
"""The programs that make load: their command lines, and what they print, as one kind of result."""
import json
import os
import re
import shutil
import sys
from typing import Any, Dict, List

from .servers import BENCH, HERE, Server
from .stats import share_at
from .work import Work

SCRIPT = os.path.join(BENCH, "wrk", "report.lua")
SHARES = {"p50_us": 0.5, "p90_us": 0.9, "p99_us": 0.99, "p999_us": 0.999, "max_us": 1.0}


def parse_wrk(text: str) -> Dict[str, Any]:
    match = re.search(r"^BENCH (\{.*\})$", text, re.M)
    if match is None:
        raise RuntimeError(f"wrk did not finish:\n{text[-2000:]}")
    return json.loads(match.group(1))


def parse_h2load(text: str, log_lines: List[str], seconds: int) -> Dict[str, Any]:
    """text: what h2load printed; log_lines: its log, one line per request (start, status, microseconds)."""
    counts = re.search(r"requests: (\d+) total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", text)
    if counts is None:
        raise RuntimeError(f"h2load did not finish:\n{text[-2000:]}")
    _, _, succeeded, failed, errored, timeout = map(int, counts.groups())
    times = sorted(int(line.split("\t")[2]) for line in log_lines)
    return {
        "requests": succeeded,
        "duration_us": seconds * 1_000_000,
        **{name: share_at(times, share) for name, share in SHARES.items()},
        "errors": {"failed": failed, "errored": errored, "timeout": timeout},
    }


def parse_last_line(text: str) -> Dict[str, Any]:
    """Of a program that ends with one line of JSON."""
    lines = text.splitlines()
    try:
        return json.loads(lines[-1])
    except (IndexError, ValueError):
        raise RuntimeError(f"the client did not finish:\n{text[-2000:]}") from None


def find(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise RuntimeError(f"{program} is not there: ./dev setup bench installs it")
    return path


class Tool:
    waits = False  # opens its connections first, and says when it has: begins with a line of input, ends with the input's end

    def __init__(self, server: Server, work: Work, scenario: Dict[str, Any], seconds: int):
        self.environment: Dict[str, str] = {}
        self.server = server
        self.work = work
        self.scenario = scenario
        self.seconds = seconds
        self.port = server.tls_port if work.scheme == "https" else server.port
        self.path = work.path(server.name)
        self.url = f"{work.scheme}://127.0.0.1:{self.port}{self.path}"
        self.argv = self.arguments()

    def arguments(self) -> List[str]:
        raise NotImplementedError

    def result(self, log: str) -> Dict[str, Any]:
        return parse_last_line(log)


class Wrk(Tool):
    """A closed loop of HTTP/1.1."""

    def arguments(self) -> List[str]:
        if self.work.body_path:
            self.environment = {"BENCH_BODY": self.work.body_path, "BENCH_TYPE": self.work.body_type}
        if self.work.sessions:
            self.environment["BENCH_SESSIONS"] = str(self.work.sessions)
        fields = [part for line in self.work.field_lines() for part in ("-H", line)]
        return [
            find("wrk"), "-t1", f"-c{self.scenario['connections']}", f"-d{self.seconds}s", "--timeout=5s", *fields, "-s", SCRIPT, self.url,
        ]  # fmt: skip

    def result(self, log: str) -> Dict[str, Any]:
        return parse_wrk(log)


class H2load(Tool):
    """A closed loop of HTTP/2: so many connections with so many streams each."""

    def arguments(self) -> List[str]:
        self.log_file = os.path.join(self.server.folder, "h2load.log")
        if os.path.exists(self.log_file):
            os.remove(self.log_file)
        fields = [part for line in self.work.field_lines() for part in ("-H", line)]
        return [
            find("h2load"), "-t1", f"-c{self.scenario['connections']}", f"-m{self.scenario['streams']}", f"-D{self.seconds}",
            f"--log-file={self.log_file}", *fields, self.url,
        ]  # fmt: skip

    def result(self, log: str) -> Dict[str, Any]:
        with open(self.log_file, encoding="ascii") as file:
            return parse_h2load(log, file.read().splitlines(), self.seconds)


class Handshakes(Tool):
    """Two clients that open a connection, shake hands, ask once, and close."""

    def arguments(self) -> List[str]:
        return [
            sys.executable, os.path.join(HERE, "handshake_client.py"), str(self.port), self.path, str(self.seconds),
            str(self.scenario["connections"]), self.scenario["handshake"],
        ]  # fmt: skip


class BenchClient(Tool):
    """An open loop (rate), or a few requests at a time in turn over many connections (in_flight)."""

    waits = True

    def arguments(self) -> List[str]:
        argv = [
            self.server.setup.program("bench_client"), "--port", str(self.port), "--path", self.path, "--seconds", str(self.seconds),
            "--connections", str(self.scenario["connections"]), "--wait",
        ]  # fmt: skip
        if self.scenario.get("rate"):
            argv += ["--rate", str(int(self.scenario["rate"]))]
        if self.scenario.get("in_flight"):
            argv += ["--in-flight", str(self.scenario["in_flight"])]
        if self.work.body_path:
            argv += ["--body", self.work.body_path, "--type", self.work.body_type]
        return argv + [part for line in self.work.field_lines() for part in ("--field", line)]


TOOLS = {"wrk": Wrk, "h2load": H2load, "handshakes": Handshakes, "bench_client": BenchClient}
