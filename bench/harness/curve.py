# SPDX-License-Identifier: MIT
"""Kind "curve": one thing grows (workers, connections, requests that wait, bytes, fields), and the cost of a request is drawn over it."""
import contextlib
from typing import Any, Dict, List

from . import same, servers
from .outcome import InvalidRun, median, outcome
from .throughput import MEASURES, measure, start_all
from .work import Work

RESTARTING = ("workers",)  # what a server is started with; everything else is the client's affair


def run(setup: servers.Setup, table: Dict[str, Any], scenario: Dict[str, Any], options) -> Dict[str, Any]:
    vary = scenario["vary"]
    values = vary["values"]
    if options.quick and "quick_values" in vary:
        values = vary["quick_values"]
    rows: List[Dict[str, Any]] = []
    rounds: List[Dict[str, Any]] = []
    commands: Dict[str, List[str]] = {}
    notes: List[str] = []
    with contextlib.ExitStack() as outer:
        running: List[servers.Server] = []
        for value in values:
            point = at(scenario, vary["key"], value)
            with contextlib.ExitStack() as inner:
                if vary["key"] in RESTARTING:
                    running, notes = start_all(inner, setup, table, point)
                elif not running:
                    running, notes = start_all(outer, setup, table, point)
                work = Work(point, setup.new_folder("work"))
                same.check_answers([server for server in running if not server.is_limit], work)
                pairs = measure(running, point, options, work)
                commands = commands or {server.name: server.command_lines() for server in running}
            rows += point_rows(vary["key"], value, pairs)
            rounds.append({"value": value, "pairs": pairs})
    return outcome(scenario, rows, growth(scenario, rounds, values), rounds, commands, notes)


def at(scenario: Dict[str, Any], key: str, value: int) -> Dict[str, Any]:
    """The scenario at one place of its curve."""
    point = dict(scenario)
    if key == "response_bytes":
        point["path"] = f"{scenario['path']}?n={value}"
    else:
        point[key] = value
    return point


def point_rows(key_of_axis: str, value: int, pairs: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    rows = []
    for name in pairs[0]:
        own = [pair[name] for pair in pairs if pair[name]["is_valid"]]
        if len(own) * 2 <= len(pairs):
            raise InvalidRun(f"{name} at {value}: {len(pairs) - len(own)} of {len(pairs)} rounds had errors: {pairs[-1][name]['errors']}")
        rows.append({"server": name, "x": value, **{key: median(one[key] for one in own) for key in MEASURES if all(key in one for one in own)}})
        if key_of_axis != "response_bytes":
            rows[-1].pop("gib_per_cpu_s", None)
    return rows


def growth(scenario: Dict[str, Any], rounds: List[Dict[str, Any]], values: List[int]) -> Dict[str, float]:
    """growth: CPU time per request of the first server at compare[1], by that at compare[0] (the curve's ends, when it says nothing)."""
    low, high = scenario["vary"].get("compare", [values[0], values[-1]])
    low = low if low in values else values[0]
    high = high if high in values else values[-1]
    ours = scenario["servers"][0]
    cost = {
        one["value"]: median(pair[ours]["server_cpu_us"] for pair in one["pairs"] if pair[ours]["is_valid"]) for one in rounds
    }
    return {"growth": cost[high] / cost[low], "highest_by_lowest": max(cost.values()) / min(cost.values())}
