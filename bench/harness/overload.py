# SPDX-License-Identifier: MIT
"""Kind "overload": the only worker sleeps, the queue is full; everything else must be refused at once, and nothing be lost."""
import os
import select
import time
from typing import Any, Dict, List

from . import servers
from .children import wait_until
from .facts import open_files
from .wire import Connection, Incomplete, Response, fetch, parse_response, request_bytes
from .outcome import InvalidRun, median, outcome

BUSY_MS = 2000
QUIET_SECONDS = 0.1  # a request without an answer for that long waits in the queue


def run(setup: servers.Setup, table: Dict[str, Any], scenario: Dict[str, Any], options) -> Dict[str, Any]:
    name = scenario["servers"][0]
    spec = dict(table[name], workers=1, options=[f"--queue-capacity={scenario['queue_capacity']}"])
    rounds = []
    with servers.make(setup, {name: spec}, name, scenario) as server:
        fetch(server.port, scenario["path"])
        files = open_files(server.pids())
        for number in range(1, options.limited_rounds(scenario) + 1):
            one = _one_round(server, scenario)
            rounds.append(one)
            options.progress(f"round {number}: {one['refused']} refused, the slowest after {one['slowest_ms']:.1f} ms")
            wait_until(lambda: open_files(server.pids()) <= files, 20, "the end of all connections", server.children[0])
        commands = {name: server.command_lines()}
    figures = {key: median(one[key] for one in rounds) for key in ("p50_ms", "p99_ms", "next_ms")}
    figures["slowest_ms"] = max(one["slowest_ms"] for one in rounds)
    rows = [{"server": name, "queued": rounds[0]["queued"], "refused": rounds[0]["refused"], **figures}]
    return outcome(scenario, rows, figures, rounds, commands)


def _one_round(server: servers.Server, scenario: Dict[str, Any]) -> Dict[str, float]:
    marker = os.path.join(server.setup.docroot, "begun")
    if os.path.exists(marker):
        os.unlink(marker)
    with Connection(server.port) as busy:
        begin = time.monotonic()
        busy.send(f"{scenario['busy_path']}?ms={BUSY_MS}")
        wait_until(lambda: os.path.exists(marker), 5, "the start of the script that sleeps", server.children[0])
        queued = _fill_queue(server, scenario)
        latencies = _refusals(server, scenario)
        elapsed = time.monotonic() - begin
        if elapsed * 1000 > BUSY_MS:
            raise InvalidRun(f"the refusals took {elapsed:.1f} s, the worker was no longer busy: take fewer requests")
        response = busy.receive()
        if (response.status, response.body) != (200, b"awake\n"):
            raise InvalidRun(f"the script that slept was answered with {response.status} {response.body[:100]!r}")
        for one in queued:
            answer = one.receive()
            if (answer.status, answer.body) != (200, b"Hello, world!\n"):
                raise InvalidRun(f"a request from the queue was answered with {answer.status}")
            one.close()
        start = time.monotonic()
        if busy.get(scenario["path"]).status != 200:
            raise InvalidRun("the first request after the overload was not served")
        next_ms = (time.monotonic() - start) * 1000
    latencies.sort()
    return {
        "queued": len(queued),
        "refused": len(latencies),
        "p50_ms": latencies[len(latencies) // 2],
        "p99_ms": latencies[len(latencies) * 99 // 100],
        "slowest_ms": latencies[-1],
        "next_ms": next_ms,
    }


def _check_refusal(response: Response) -> None:
    if response.status != 503 or "retry-after" not in response.fields:
        raise InvalidRun(f"a request above the queue's capacity got {response.status} with {response.fields}")


def _fill_queue(server: servers.Server, scenario: Dict[str, Any]) -> List[Connection]:
    """Sends requests until one is refused; returns the connections of those that wait."""
    waiting = []
    for _ in range(scenario["queue_capacity"]):
        one = Connection(server.port)
        one.send(scenario["path"])
        waiting.append(one)
    while True:
        one = Connection(server.port)
        one.send(scenario["path"])
        if select.select([one.socket], [], [], QUIET_SECONDS)[0]:
            _check_refusal(one.receive())
            one.close()
            return waiting
        waiting.append(one)
        if len(waiting) > 2 * scenario["queue_capacity"]:
            raise InvalidRun(f"{len(waiting)} requests wait in a queue of {scenario['queue_capacity']}")


class _Client:
    """One of the clients that are refused, again and again."""

    def __init__(self, port: int, request: bytes):
        self.port = port
        self.request = request
        self.connection = Connection(port)
        self.since = 0.0

    def ask(self) -> None:
        self.since = time.monotonic()
        self.connection.pending = b""
        self.connection.socket.sendall(self.request)

    def take(self) -> float:
        """Reads what is there; the latency in ms once the response is complete, else a negative number."""
        data = self.connection.socket.recv(65536)
        if not data:
            raise InvalidRun("a refused request was answered with the end of the connection")
        self.connection.pending += data
        try:
            response, _ = parse_response(self.connection.pending)
        except Incomplete:
            return -1.0
        latency = (time.monotonic() - self.since) * 1000
        _check_refusal(response)
        if response.fields.get("connection", "").lower() == "close":
            self.connection.close()
            self.connection = Connection(self.port)
        return latency


def _refusals(server: servers.Server, scenario: Dict[str, Any]) -> List[float]:
    clients = [_Client(server.port, request_bytes(scenario["path"])) for _ in range(scenario["parallel"])]
    latencies: List[float] = []
    left = scenario["requests"]
    asking = {}
    for client in clients:
        client.ask()
        left -= 1
        asking[client.connection.socket] = client
    while asking:
        ready, _, _ = select.select(list(asking), [], [], BUSY_MS / 1000)
        if not ready:
            raise InvalidRun(f"{len(asking)} requests above the queue's capacity got no answer")
        for sock in ready:
            client = asking.pop(sock)
            latency = client.take()
            if latency >= 0:
                latencies.append(latency)
                if left == 0:
                    continue
                left -= 1
                client.ask()
            asking[client.connection.socket] = client
    for client in clients:
        client.connection.close()
    return latencies
