# SPDX-License-Identifier: MIT
"""Kind "memory": PSS of a server at rest. Kind "connections": what an idle keep-alive connection adds to it."""
import json
import os
import sys
import time
from typing import Any, Dict, List

from . import load, same, servers
from .children import Child, wait_until
from .facts import open_files, sharers
from .work import Work
from .outcome import InvalidRun, median, outcome

SETTLE_SECONDS = 1.0
OPEN_SECONDS = 120
ALONE_SECONDS = 20


def _settled(server: servers.Server) -> Dict[str, int]:
    """Memory after a pause in which nobody asks for anything. PSS is too small while others run the same PHP: that is waited for."""
    time.sleep(SETTLE_SECONDS)
    give_up = time.monotonic() + ALONE_SECONDS
    while True:
        before = sharers(server.setup.php_prefix, server.pids())
        memory = server.memory()
        memory["sharers"] = max(before, sharers(server.setup.php_prefix, server.pids()))
        if memory["sharers"] == 0 or time.monotonic() > give_up:
            return memory
        time.sleep(0.1)


def run_memory(setup: servers.Setup, table: Dict[str, Any], scenario: Dict[str, Any], options) -> Dict[str, Any]:
    """One server after the other: side by side they would share the pages of libraries."""
    rounds: List[Dict[str, Any]] = []
    commands = {}
    for number in range(1, options.limited_rounds(scenario) + 1):
        one = {}
        for name in scenario["servers"]:
            with servers.make(setup, table, name, scenario) as server:
                fresh = _settled(server)
                for path in scenario["paths"]:
                    same.check_answers([server], Work({"path": path}))
                    load.run(server, {"path": path, "connections": 32}, options.seconds)
                same.check_php([server])
                one[name] = {"fresh": fresh, "worked": _settled(server)}
                commands[name] = server.command_lines()
        rounds.append(one)
        options.progress(f"round {number}: " + ", ".join(
            f"{name} {both['fresh']['pss'] / 1048576:.1f} and {both['worked']['pss'] / 1048576:.1f} MiB" for name, both in one.items()
        ))  # fmt: skip
    rows = []
    for name in scenario["servers"]:
        row: Dict[str, Any] = {"server": name, "processes": rounds[0][name]["worked"]["processes"]}
        for state in ("fresh", "worked"):
            for key in ("pss", "private"):
                row[f"{state}_{key}_mib"] = median(one[name][state][key] for one in rounds) / 1048576
        rows.append(row)
    figures = {}
    notes = []
    shared = max(one[name][state]["sharers"] for one in rounds for name in one for state in ("fresh", "worked"))
    if shared:
        notes.append(f"up to {shared} other processes ran the same PHP: PSS is smaller than it would be without them")
    if len(rows) == 2:
        for state in ("fresh", "worked"):
            figures[f"{state}_ratio"] = rows[0][f"{state}_pss_mib"] / rows[1][f"{state}_pss_mib"]
    return outcome(scenario, rows, figures, rounds, commands, notes)


def run_connections(setup: servers.Setup, table: Dict[str, Any], scenario: Dict[str, Any], options) -> Dict[str, Any]:
    rounds: List[Dict[str, Any]] = []
    commands = {}
    count = scenario["connections"] if not options.quick else scenario["connections"] // 10
    fixed = dict(scenario, connections=count)
    for number in range(1, options.limited_rounds(scenario) + 1):
        one = {}
        for name in scenario["servers"]:
            spec = dict(table[name], connections_max=count + 4096)
            with servers.make(setup, {name: spec}, name, scenario) as server:
                one[name] = _idle_connections(server, fixed, options)
                commands[name] = server.command_lines()
        rounds.append(one)
        options.progress(f"round {number}: " + ", ".join(
            f"{name} {result['bytes_per_connection']:,.0f} bytes a connection" for name, result in one.items()
        ))  # fmt: skip
    rows = [
        {"server": name, "connections": count, **{key: median(one[name][key] for one in rounds) for key in rounds[0][name]}}
        for name in scenario["servers"]
    ]
    figures = {"bytes_per_connection": rows[0]["bytes_per_connection"]}
    return outcome(scenario, rows, figures, rounds, commands)


def _idle_connections(server: servers.Server, scenario: Dict[str, Any], options) -> Dict[str, float]:
    path, count = scenario["path"], scenario["connections"]
    same.check_answers([server], Work({"path": path}))
    load.run(server, {"path": path, "connections": 32}, options.warm_up)
    before, files = _settled(server), open_files(server.pids())
    client = Child("idle-client", [
        sys.executable, os.path.join(servers.HERE, "idle_client.py"), str(server.port), path, str(count),
    ], server.folder)  # fmt: skip
    try:
        wait_until(lambda: "ready" in client.log(), OPEN_SECONDS, f"{count} connections", client)
        during, files_during = _settled(server), open_files(server.pids())
        if files_during - files < count:
            raise InvalidRun(f"{server.name} holds {files_during - files} of {count} connections")
        report = json.loads(client.log().splitlines()[0].partition("ready ")[2])
    finally:
        client.stop()
    wait_until(lambda: open_files(server.pids()) <= files + 8, OPEN_SECONDS, "the end of the connections", server.children[-1])
    after = _settled(server)
    return {
        "before_mib": before["pss"] / 1048576,
        "during_mib": during["pss"] / 1048576,
        "after_mib": after["pss"] / 1048576,
        "bytes_per_connection": (during["pss"] - before["pss"]) / count,
        "opened_per_s": report["connections"] / report["seconds"],
    }
