# SPDX-License-Identifier: MIT
"""Kind "throughput": two servers side by side, rounds in turn, one ratio per pair of rounds."""
import contextlib
import os
from typing import Any, Dict, List, Optional
from urllib.parse import urlencode

from . import load, same, servers
from .outcome import InvalidRun, median, outcome


def form_body(length: int) -> bytes:
    """A form of exactly `length` bytes: some short fields, one that fills up."""
    fields = [("title", "A page"), ("tags[]", "one"), ("tags[]", "two & three"), ("text", "")]
    start = urlencode(fields)
    return (start + "x" * max(length - len(start), 0)).encode("ascii")


def run(setup: servers.Setup, table: Dict[str, Any], scenario: Dict[str, Any], options) -> Dict[str, Any]:
    body_path, body = None, None
    if "form_bytes" in scenario:
        body = form_body(scenario["form_bytes"])
        body_path = os.path.join(setup.new_folder("form"), "body")
        with open(body_path, "wb") as file:
            file.write(body)
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(servers.make(setup, table, name, scenario)) for name in scenario["servers"]]
        answers = same.check_answers(running, scenario["path"], body, scenario.get("accept_encoding"))
        same.check_php(running)
        rounds = measure(running, scenario, options, body_path)
        commands = {server.name: server.command_lines() for server in running}
    notes = [f"{name}: {response.wire_len} bytes on the wire for each response" for name, response in answers.items()]
    return conclude(scenario, rounds, commands, notes)


def measure(running: List[servers.Server], scenario: Dict[str, Any], options, body_path: Optional[str]) -> List[Dict[str, Any]]:
    def round_of(server: servers.Server, seconds: float) -> Dict[str, Any]:
        result = load.run(server, scenario, seconds, body_path)
        if server.log_file is not None:
            server.log_file.check(result)
            server.log_file.clear()
        return result

    for server in running:
        load.run(server, scenario, options.warm_up, body_path)
        if server.log_file is not None:
            server.log_file.warm(options.warm_up, options.seconds)
    return options.pairs(lambda: {server.name: round_of(server, options.seconds) for server in running})


def conclude(scenario: Dict[str, Any], pairs: List[Dict[str, Any]], commands: Dict[str, List[str]], notes: List[str]) -> Dict[str, Any]:
    valid = [pair for pair in pairs if all(result["is_valid"] for result in pair.values())]
    if len(valid) * 2 <= len(pairs):
        raise InvalidRun(f"{len(pairs) - len(valid)} of {len(pairs)} rounds had errors: {[_errors(pair) for pair in pairs]}")
    for name in scenario["servers"]:
        if all("log_bytes_per_request" in pair[name] for pair in valid):
            logged = median(pair[name]["log_bytes_per_request"] for pair in valid)
            notes = notes + [f"{name}: {logged:.0f} bytes in the log for each request"]
    if len(valid) < len(pairs):
        notes = notes + [f"{len(pairs) - len(valid)} rounds had errors and do not count"]
    rows = []
    for name in scenario["servers"]:
        row: Dict[str, Any] = {"server": name}
        for key in ("requests_per_s", "p50_us", "p99_us", "max_us", "server_cpu_us", "loop_cpu_us", "server_cores", "foreign_share"):
            if all(key in pair[name] for pair in valid):
                row[key] = median(pair[name][key] for pair in valid)
        rows.append(row)
    figures: Dict[str, float] = {}
    if len(scenario["servers"]) == 2:
        ours, peer = scenario["servers"]
        ratios = [pair[ours]["requests_per_s"] / pair[peer]["requests_per_s"] for pair in valid]
        figures = {
            "ratio": median(ratios),
            "ratio_least": min(ratios),
            "ratio_most": max(ratios),
            "p99_ratio": median(pair[ours]["p99_us"] / pair[peer]["p99_us"] for pair in valid),
            "cpu_ratio": median(pair[ours]["server_cpu_us"] / pair[peer]["server_cpu_us"] for pair in valid),
        }
    return outcome(scenario, rows, figures, pairs, commands, notes)


def _errors(pair: Dict[str, Any]) -> Dict[str, Any]:
    return {name: result["errors"] for name, result in pair.items() if result["errors_total"]}
