# SPDX-License-Identifier: MIT
"""One round of load against one server, with the CPU time that it cost: by wrk, by h2load, or by TLS handshakes."""
import json
import os
import re
import resource
import shutil
import sys
import time
from typing import Any, Dict, List, Optional

from . import facts
from .children import Child
from .servers import BENCH, HERE, Server

SCRIPT = os.path.join(BENCH, "wrk", "report.lua")
MARGIN_SECONDS = 30


def run(server: Server, scenario: Dict[str, Any], seconds: float, body_path: Optional[str] = None) -> Dict[str, Any]:
    """Loads the server as the scenario says; whole seconds only."""
    tool = TOOLS[scenario.get("load", "wrk")](server, scenario, max(int(seconds), 1), body_path)
    server_cpu, busy, start = server.cpu_ns(), facts.machine_busy_ns(), time.monotonic_ns()
    loop_cpu = server.loop_cpu_ns()
    client_cpu = _children_cpu_ns()
    child = Child("load", tool.argv, server.folder, tool.environment)
    try:
        child.process.wait(seconds + MARGIN_SECONDS)
    finally:
        child.stop()
    elapsed = time.monotonic_ns() - start
    client_cpu = _children_cpu_ns() - client_cpu
    loop_cpu = server.loop_cpu_ns() - loop_cpu
    server_cpu = server.cpu_ns() - server_cpu
    busy = facts.machine_busy_ns() - busy
    server.check_alive()
    result = tool.result(child.log())
    requests = max(result["requests"], 1)
    cores = len(os.sched_getaffinity(0))
    result["requests_per_s"] = result["requests"] / (result["duration_us"] / 1e6)
    result["server_cpu_us"] = server_cpu / 1000 / requests
    if loop_cpu > 0:
        result["loop_cpu_us"] = loop_cpu / 1000 / requests
    result["server_cores"] = server_cpu / elapsed
    result["client_cores"] = client_cpu / elapsed
    result["foreign_share"] = max(busy - server_cpu - client_cpu, 0) / (elapsed * cores)
    result["errors_total"] = sum(result["errors"].values())
    result["is_valid"] = result["errors_total"] == 0 and result["requests"] > 0
    return result


class _Tool:
    program = ""

    def __init__(self, server: Server, scenario: Dict[str, Any], seconds: int, body_path: Optional[str]):
        self.environment: Dict[str, str] = {}
        self.seconds = seconds
        self.folder = server.folder
        self.scheme = scenario.get("scheme", "http")
        self.port = server.tls_port if self.scheme == "https" else server.port
        self.url = f"{self.scheme}://127.0.0.1:{self.port}{scenario['path']}"
        self.argv = self.arguments(scenario, body_path)

    def arguments(self, scenario: Dict[str, Any], body_path: Optional[str]) -> List[str]:
        raise NotImplementedError

    def result(self, log: str) -> Dict[str, Any]:
        raise NotImplementedError

    def find(self, program: str) -> str:
        path = shutil.which(program)
        if path is None:
            raise RuntimeError(f"{program} is not there: ./dev setup bench installs it")
        return path


class _Wrk(_Tool):
    def arguments(self, scenario: Dict[str, Any], body_path: Optional[str]) -> List[str]:
        if body_path:
            self.environment = {"BENCH_BODY": body_path}
        fields = ["-H", f"Accept-Encoding: {scenario['accept_encoding']}"] if "accept_encoding" in scenario else []
        return [self.find("wrk"), "-t1", f"-c{scenario['connections']}", f"-d{self.seconds}s", "--timeout=5s", *fields, "-s", SCRIPT, self.url]

    def result(self, log: str) -> Dict[str, Any]:
        match = re.search(r"^BENCH (\{.*\})$", log, re.M)
        if match is None:
            raise RuntimeError(f"wrk did not finish:\n{log[-2000:]}")
        return json.loads(match.group(1))


class _H2load(_Tool):
    """Closed loop: so many connections with so many streams each."""

    def arguments(self, scenario: Dict[str, Any], body_path: Optional[str]) -> List[str]:
        self.log_file = os.path.join(self.folder, "h2load.log")
        if os.path.exists(self.log_file):
            os.remove(self.log_file)
        return [
            self.find("h2load"), "-t1", f"-c{scenario['connections']}", f"-m{scenario['streams']}", f"-D{self.seconds}",
            f"--log-file={self.log_file}", self.url,
        ]  # fmt: skip

    def result(self, log: str) -> Dict[str, Any]:
        counts = re.search(r"requests: (\d+) total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", log)
        if counts is None:
            raise RuntimeError(f"h2load did not finish:\n{log[-2000:]}")
        _, _, succeeded, failed, errored, timeout = map(int, counts.groups())
        with open(self.log_file, encoding="ascii") as file:
            times = sorted(int(line.split("\t")[2]) for line in file)
        at = {name: times[min(int(len(times) * share), len(times) - 1)] if times else 0 for name, share in SHARES.items()}
        return {
            "requests": succeeded,
            "duration_us": self.seconds * 1_000_000,
            **at,
            "errors": {"failed": failed, "errored": errored, "timeout": timeout},
        }


class _Handshakes(_Tool):
    """Two clients that open a connection, shake hands, ask once, and close."""

    def arguments(self, scenario: Dict[str, Any], body_path: Optional[str]) -> List[str]:
        return [
            sys.executable, os.path.join(HERE, "handshake_client.py"), str(self.port), scenario["path"], str(self.seconds),
            str(scenario["connections"]), scenario["handshake"],
        ]  # fmt: skip

    def result(self, log: str) -> Dict[str, Any]:
        return json.loads(log.splitlines()[-1])


TOOLS = {"wrk": _Wrk, "h2load": _H2load, "handshakes": _Handshakes}
SHARES = {"p50_us": 0.5, "p90_us": 0.9, "p99_us": 0.99, "p999_us": 0.999, "max_us": 1.0}


def _children_cpu_ns() -> int:
    """CPU time of children that have been waited for; during a round that is the load alone."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int((usage.ru_utime + usage.ru_stime) * 1e9)
