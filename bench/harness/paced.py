# SPDX-License-Identifier: MIT
"""Kind "paced": latency at a share of what a server can do. Kind "goodput": what is left of it when three times as much is asked for.

Both use bench_client, whose requests leave when they are due: a server that falls behind cannot make its own latency look better by
holding the client up."""
import contextlib
from typing import Any, Dict, List

from . import load, same, servers
from .outcome import InvalidRun, median, outcome
from .throughput import MEASURES, start_all
from .work import Work

PEAK_ROUNDS = 3
# What has waited as long as it may takes its own time as well, and a little more with the processors that busy.
REQUESTS_AFTER_WAIT = 1.5


def _peak(server: servers.Server, scenario: Dict[str, Any], options, work: Work) -> float:
    """Requests per second of a closed loop by the same client."""
    closed = dict(scenario, load="bench_client", rate=0, connections=scenario["peak_connections"])
    load.run(server, closed, options.warm_up, work)
    found = [load.run(server, closed, options.seconds, work) for _ in range(1 if options.quick else PEAK_ROUNDS)]
    if not all(one["is_valid"] for one in found):
        raise InvalidRun(f"{server.name}: errors while its peak was measured: {[one['errors'] for one in found]}")
    return median(one["requests_per_s"] for one in found)


def run_paced(setup: servers.Setup, table: Dict[str, Any], scenario: Dict[str, Any], options) -> Dict[str, Any]:
    """rate_of "own": each server at its share of its own peak; "least": all at that share of the slowest one's."""
    with contextlib.ExitStack() as stack:
        running, notes = start_all(stack, setup, table, scenario)
        work = Work(scenario, setup.new_folder("work"))
        same.check_answers(running, work)
        notes += same.check_php(running)
        peaks = {server.name: _peak(server, scenario, options, work) for server in running}
        least = min(peaks.values())
        rates = {name: int(scenario["share"] * (least if scenario["rate_of"] == "least" else peak)) for name, peak in peaks.items()}
        notes += [f"{name}: {rates[name]:,} requests/s asked for, its peak is {peak:,.0f}" for name, peak in peaks.items()]

        def pair() -> Dict[str, Dict[str, Any]]:
            return {
                server.name: load.run(server, dict(scenario, load="bench_client", rate=rates[server.name]), options.seconds, work)
                for server in running
            }

        pairs = options.pairs(pair)
        commands = {server.name: server.command_lines() for server in running}
    valid = [one for one in pairs if all(result["is_valid"] for result in one.values())]
    if len(valid) * 2 <= len(pairs):
        raise InvalidRun(f"{len(pairs) - len(valid)} of {len(pairs)} rounds had errors")
    rows = [
        {"server": name, "asked_per_s": rates[name], "peak_per_s": peaks[name],
         **{key: median(one[name][key] for one in valid) for key in MEASURES if all(key in one[name] for one in valid)}}
        for name in valid[0]
    ]  # fmt: skip
    figures = {}
    if len(scenario["servers"]) >= 2:
        ours, peer = scenario["servers"][:2]
        for key in ("p50", "p99", "p999"):
            figures[f"{key}_ratio"] = median(one[ours][f"{key}_us"] / max(one[peer][f"{key}_us"], 1) for one in valid)
        figures["cpu_ratio"] = median(one[ours]["server_cpu_us"] / one[peer]["server_cpu_us"] for one in valid)
    return outcome(scenario, rows, figures, pairs, commands, notes)


def run_goodput(setup: servers.Setup, table: Dict[str, Any], scenario: Dict[str, Any], options) -> Dict[str, Any]:
    """In turn the peak and `factor` times as much; p99 of what was served, by what the server is told to let wait, and by what a
    full queue takes. All are read against the peak of the same turn."""
    rows: List[Dict[str, Any]] = []
    rounds: List[Dict[str, Any]] = []
    figures: Dict[str, float] = {}
    commands: Dict[str, List[str]] = {}
    notes: List[str] = []
    for name in scenario["servers"]:
        spec = dict(table[name])
        if spec["kind"] == "phpsrv":
            spec["options"] = spec.get("options", []) + [f"--queue-capacity={scenario['queue_capacity']}", f"--queue-wait-ms={scenario['queue_wait_ms']}"]
        with servers.make(setup, {name: spec}, name, scenario) as server:
            work = Work(scenario, setup.new_folder("work"))
            same.check_answers([server], work)
            peak = _peak(server, scenario, options, work)

            def pair(server=server, work=work, peak=peak) -> Dict[str, Dict[str, Any]]:
                closed = dict(scenario, load="bench_client", rate=0, connections=scenario["peak_connections"])
                open_loop = dict(scenario, load="bench_client", rate=int(peak * scenario["factor"]))
                return {"peak": load.run(server, closed, options.seconds, work), "overload": load.run(server, open_loop, options.seconds, work)}

            pairs = options.pairs(pair)
            commands[name] = server.command_lines()
        rounds.append({name: pairs})
        row, found = overload_row(name, pairs, scenario)
        if spec["kind"] != "phpsrv":
            del row["wait_bound_ms"], row["full_queue_ms"]  # its queue is another one
        rows.append(row)
        figures = figures or found
        lost = sum(one["overload"]["unfinished"] for one in pairs)
        notes.append(f"{name}: {sum(one['overload']['refused'] for one in pairs):,} requests refused, {lost:,} without an answer 10 s after the end, "
                     f"{sum(one['overload']['errors_total'] for one in pairs):,} errors")  # fmt: skip
    return outcome(scenario, rows, figures, rounds, commands, notes)


def overload_row(name: str, pairs: List[Dict[str, Any]], scenario: Dict[str, Any]):
    peak = median(one["peak"]["requests_per_s"] for one in pairs)
    over = [one["overload"] for one in pairs]
    # A request that finds the queue full but for one place is served after all others of it: each of them takes 1 / peak.
    full_ms = [(scenario["queue_capacity"] + scenario["workers"]) / one["peak"]["requests_per_s"] * 1000 for one in pairs]
    waits_ms = [scenario["queue_wait_ms"] + REQUESTS_AFTER_WAIT * scenario["workers"] / one["peak"]["requests_per_s"] * 1000 for one in pairs]
    row = {
        "server": name,
        "peak_per_s": peak,
        "asked_per_s": median(one["sent"] + one["unsent"] for one in over) / (over[0]["duration_us"] / 1e6),
        "requests_per_s": median(one["requests_per_s"] for one in over),
        "goodput_share": median(one["overload"]["requests_per_s"] / one["peak"]["requests_per_s"] for one in pairs),
        "p50_us": median(one["p50_us"] for one in over),
        "p99_us": median(one["p99_us"] for one in over),
        "max_us": median(one["max_us"] for one in over),
        "refused_per_s": median(one["refused"] for one in over) / (over[0]["duration_us"] / 1e6),
        "refused_p99_us": median(one["refused_p99_us"] for one in over),
        "wait_bound_ms": median(waits_ms),
        "full_queue_ms": median(full_ms),
    }
    figures = {"goodput_share": row["goodput_share"], "p99_ms": row["p99_us"] / 1000}
    figures["p99_by_wait"] = median(one["overload"]["p99_us"] / 1000 / wait for one, wait in zip(pairs, waits_ms))
    figures["wait_ratio"] = median(one["overload"]["p99_us"] / 1000 / full for one, full in zip(pairs, full_ms))
    figures["errors"] = float(sum(one["errors_total"] + one["unfinished"] for one in over))
    return row, figures


