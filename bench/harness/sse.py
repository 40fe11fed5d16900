# SPDX-License-Identifier: MIT
"""Kind "sse": many clients of event streams at once, one worker each; how late events come, what they cost, and in how much memory."""
import os
import sys
from typing import Any, Dict

from . import servers
from .children import Child, wait_until
from .outcome import InvalidRun, median, outcome
from .tools import parse_last_line

READY_SECONDS = 90


def run(setup: servers.Setup, table: Dict[str, Any], scenario: Dict[str, Any], options) -> Dict[str, Any]:
    """One server after the other: each has a worker for every client."""
    clients = scenario["clients"] // 10 if options.quick else scenario["clients"]
    sized = dict(scenario, workers=clients + 2)
    rounds, commands = [], {}
    for number in range(1, options.limited_rounds(scenario) + 1):
        one = {}
        for name in scenario["servers"]:
            with servers.make(setup, {name: dict(table[name], connections_max=2 * clients + 1024)}, name, sized) as server:
                one[name] = _round(server, scenario, clients, options.seconds)
                commands[name] = server.command_lines()
        rounds.append(one)
        options.progress(f"round {number}: " + ", ".join(
            f"{name} p99 {result['p99_us'] / 1000:.1f} ms, {result['event_cpu_us']:.0f} us/event" for name, result in one.items()
        ))  # fmt: skip
    rows = [
        {"server": name, "clients": clients, **{key: median(one[name][key] for one in rounds) for key in rounds[0][name]}}
        for name in scenario["servers"]
    ]
    figures = {"missing_share": rows[0]["missing_share"], "p99_ms": rows[0]["p99_us"] / 1000}
    if len(rows) > 1:
        figures["event_cpu_ratio"] = rows[0]["event_cpu_us"] / rows[1]["event_cpu_us"]
        figures["memory_ratio"] = rows[0]["pss_mib"] / rows[1]["pss_mib"]
    return outcome(scenario, rows, figures, rounds, commands)


def _round(server: servers.Server, scenario: Dict[str, Any], clients: int, seconds: int) -> Dict[str, float]:
    before = server.memory()["pss"]  # the workers are there, but have not run yet
    client = Child("sse-client", [
        sys.executable, os.path.join(servers.HERE, "sse_client.py"), str(server.port), scenario["path"], str(clients), str(seconds),
    ], server.folder)  # fmt: skip
    try:
        wait_until(lambda: "ready" in client.log(), READY_SECONDS, f"the first event of {clients} clients", client)
        during = server.memory()["pss"]
        cpu = server.cpu_ns()
        client.process.stdin.write(b"go\n")
        client.process.stdin.flush()
        client.process.wait(seconds + READY_SECONDS)
        cpu = server.cpu_ns() - cpu
        report = parse_last_line(client.log())
    finally:
        client.stop()
    if report["ended"]:
        raise InvalidRun(f"{server.name} ended {report['ended']} streams")
    expected = clients * seconds * 1000 / scenario["event_ms"]
    return {
        "events_per_s": report["events"] / seconds,
        "missing_share": max(1 - report["events"] / expected, 0.0),
        "p50_us": report["p50_us"],
        "p99_us": report["p99_us"],
        "max_us": report["max_us"],
        "event_cpu_us": cpu / 1000 / max(report["events"], 1),
        "pss_mib": during / (1 << 20),
        "client_kib": during / 1024 / clients,
        "growth_kib": (during - before) / 1024 / clients,
    }
