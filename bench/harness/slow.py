# SPDX-License-Identifier: MIT
"""Kind "slow": the latency of ordinary clients with many slow ones and without, in turn."""
import contextlib
import json
import os
import sys
from typing import Any, Dict

from . import load, same, servers
from .children import Child, wait_until
from .work import Work
from .outcome import InvalidRun, median, outcome

READY_SECONDS = 60
SINK_BYTES = 65536  # for clients that read: a byte a second, for longer than a round


def run(setup: servers.Setup, table: Dict[str, Any], scenario: Dict[str, Any], options) -> Dict[str, Any]:
    slow = scenario["slow"]
    rows, rounds, commands, notes = [], [], {}, []
    figures: Dict[str, float] = {}
    for name in scenario["servers"]:
        with servers.make(setup, table, name, scenario) as server:
            same.check_answers([server], Work(scenario))
            load.run(server, scenario, options.warm_up)
            pairs = options.pairs(lambda server=server: _pair(server, scenario, options))
            commands[name] = server.command_lines()
        valid = [pair for pair in pairs if pair["without"]["is_valid"] and pair["with"]["is_valid"]]
        if len(valid) * 2 <= len(pairs):
            raise InvalidRun(f"{name}: {len(pairs) - len(valid)} of {len(pairs)} rounds had errors")
        rounds.append({name: pairs})
        for state in ("without", "with"):
            row: Dict[str, Any] = {"server": name, "slow_clients": _count(slow, options) if state == "with" else 0}
            for key in ("requests_per_s", "p50_us", "p99_us", "max_us", "server_cpu_us", "server_user_us", "server_kernel_us", "loop_cpu_us",
                        "loop_user_us", "loop_kernel_us", "server_cores", "client_cores", "foreign_share", "pss_mib"):  # fmt: skip
                if all(key in pair[state] for pair in valid):
                    row[key] = median(pair[state][key] for pair in valid)
            rows.append(row)
        found = {
            "p99_ratio": median(pair["with"]["p99_us"] / pair["without"]["p99_us"] for pair in valid),
            "ratio": median(pair["with"]["requests_per_s"] / pair["without"]["requests_per_s"] for pair in valid),
        }
        found["cpu_ratio"] = median(pair["with"]["server_cpu_us"] / pair["without"]["server_cpu_us"] for pair in valid)
        found["pss_mib"] = median(pair["with"]["pss_mib"] for pair in valid)
        figures = figures or found
        report = valid[-1]["slow"]
        if slow["mode"] != "idle":
            notes.append(f"{name}: the slow clients moved {report['bytes']} bytes and were cut off {report['cut_off']} times in {report['seconds']:.1f} s")
    return outcome(scenario, rows, figures, rounds, commands, notes)


def _count(slow: Dict[str, Any], options) -> int:
    return slow["clients"] // 10 if options.quick and slow["mode"] == "idle" else slow["clients"]


def _crowd(server: servers.Server, slow: Dict[str, Any], count: int, port: int) -> Child:
    """The clients that do little: those of slow_client.py, or idle ones."""
    if slow["mode"] == "idle":
        arguments = ["idle_client.py", str(port), slow["path"], str(count)]
    else:
        arguments = ["slow_client.py", str(port), slow["mode"], slow["path"], str(count)]
    child = Child("slow-client", [sys.executable, os.path.join(servers.HERE, arguments[0]), *arguments[1:]], server.folder)
    wait_until(lambda: "ready" in child.log(), READY_SECONDS, f"{count} slow clients", child)
    return child


def _sink(server: servers.Server, slow: Dict[str, Any]) -> Child:
    child = Child("sink", [sys.executable, os.path.join(servers.HERE, "sink.py"), str(SINK_BYTES if "readers" in slow["mode"] else 0)], server.folder)
    wait_until(lambda: "ready" in child.log(), READY_SECONDS, "a place for slow clients", child)
    return child


def _without(server: servers.Server, scenario: Dict[str, Any], options) -> Dict[str, Any]:
    """The same crowd is there and does the same, at a place where nobody reads: what it takes of the machine is in both rounds."""
    slow = scenario["slow"]
    if slow["mode"] == "idle":
        return load.run(server, scenario, options.seconds)
    with contextlib.ExitStack() as stack:
        sink = _sink(server, slow)
        stack.callback(sink.stop)
        crowd = _crowd(server, slow, slow["clients"], int(sink.log().split()[1]))
        stack.callback(crowd.stop)
        return load.run(server, scenario, options.seconds, beside=crowd)


def _pair(server: servers.Server, scenario: Dict[str, Any], options) -> Dict[str, Any]:
    slow = scenario["slow"]
    without = _without(server, scenario, options)
    client = _crowd(server, slow, _count(slow, options), server.port)
    try:
        with_slow = load.run(server, scenario, options.seconds, beside=client)
        with_slow["pss_mib"] = server.memory()["pss"] / (1 << 20)
        client.check_alive()
        client.process.stdin.close()
        client.process.wait(READY_SECONDS)
        report = json.loads(client.log().splitlines()[-1].partition("ready ")[2] or client.log().splitlines()[-1])
    finally:
        client.stop()
    return {"without": without, "with": with_slow, "slow": report}
