# SPDX-License-Identifier: MIT
"""Kind "throughput": servers side by side, rounds in turn, one ratio per pair of rounds."""
import contextlib
import itertools
from typing import Any, Dict, List, Optional

from . import load, same, servers, wordpress
from .outcome import InvalidRun, median, outcome
from .stats import sign_test
from .work import Work

MEASURES = (
    "requests_per_s", "p50_us", "p90_us", "p99_us", "p999_us", "max_us", "server_cpu_us", "server_user_us", "server_kernel_us",
    "worker_cpu_us", "worker_user_us", "worker_kernel_us", "loop_cpu_us", "loop_user_us", "loop_kernel_us", "cpu_s_per_1000",
    "voluntary_switches", "involuntary_switches", "page_faults", "server_cores", "foreign_share", "gib_per_cpu_s",
)  # fmt: skip
OWN_FIGURES = (
    "limit_share", "system_calls", "server_user_us", "server_kernel_us", "worker_cpu_us", "worker_user_us", "worker_kernel_us",
    "loop_cpu_us", "loop_user_us", "loop_kernel_us",
)  # fmt: skip
# What is read against a limit; against one that is a server, CPU time of all processes.
LIMIT_MEASURES = {"engine-limit": "worker_cpu_us", "copy-limit": "gib_per_cpu_s"}


def run(setup: servers.Setup, table: Dict[str, Any], scenario: Dict[str, Any], options) -> Dict[str, Any]:
    with contextlib.ExitStack() as stack:
        site = stack.enter_context(wordpress.site(setup)) if scenario.get("site") == "wordpress" else setup
        work = Work(scenario, setup.new_folder("work"))
        running, notes = start_all(stack, site, table, scenario)
        answering = [server for server in running if not server.is_limit]
        may_differ_by = scenario.get("bodies_may_differ_by", 0)
        answers = same.check_answers([server for server in answering if not _is_other_work(scenario, server.name)], work, may_differ_by)
        notes += same.check_php(answering)
        rounds = measure(running, scenario, options, work)
        for pair in rounds:
            made = pair.get(scenario.get("limit", ""), {}).get("body_bytes_per_request")
            if made is not None:
                same.check_limit_body(next(iter(answers.values())), made, may_differ_by)
        extra = {server.name: after_rounds(server, scenario, work, options) for server in answering}
        commands = {server.name: server.command_lines() for server in running}
    notes += [f"{name}: {response.wire_len} bytes on the wire for each response" for name, response in answers.items()]
    return conclude(scenario, rounds, commands, notes, extra)


def start_all(stack: contextlib.ExitStack, setup: servers.Setup, table: Dict[str, Any], scenario: Dict[str, Any]):
    """The scenario's servers, those of "also" where they are on this machine, and the limit; and a note for each that is not."""
    running, notes = [], []
    for name in scenario["servers"]:
        running.append(stack.enter_context(servers.make(setup, table, name, scenario)))
    for name in scenario.get("also", []) if setup.with_others else []:
        reason = servers.missing(setup, table[name])
        if reason:
            notes.append(f"skipped {name}: {reason}")
            continue
        running.append(stack.enter_context(servers.make(setup, table, name, scenario)))
    for name in scenario.get("variants", []):
        reason = servers.missing(setup, table[name])
        if reason:
            notes.append(f"skipped {name}: {reason}")
        else:
            running.append(stack.enter_context(servers.make(setup, table, name, scenario)))
    for key in ("limit", "loop_limit"):
        if key in scenario and scenario[key] not in scenario["servers"]:
            running.append(stack.enter_context(servers.make(setup, table, scenario[key], scenario)))
    return running, notes


def measure(running: List[servers.Server], scenario: Dict[str, Any], options, work: Optional[Work] = None) -> List[Dict[str, Any]]:
    def round_of(server: servers.Server) -> Dict[str, Any]:
        result = load.run(server, scenario, options.seconds, work)
        if server.log_file is not None:
            server.log_file.check(result)
            server.log_file.clear()
        return result

    for server in running:
        if server.is_limit:
            continue
        load.run(server, scenario, options.warm_up, work)
        if server.log_file is not None:
            server.log_file.warm(options.warm_up, options.seconds)
    turn = itertools.count()

    def rounds_of_all() -> Dict[str, Dict[str, Any]]:
        """Variants of one server differ by little: none shall always follow the same one."""
        first = next(turn) % len(running) if "variants" in scenario else 0
        found = {server.name: round_of(server) for server in running[first:] + running[:first]}
        return {server.name: found[server.name] for server in running}

    return options.pairs(rounds_of_all)


def _is_other_work(scenario: Dict[str, Any], name: str) -> bool:
    """A server that is there as a limit only: it answers something of its own."""
    return name in (scenario.get("limit"), scenario.get("loop_limit")) and name not in scenario["servers"]


def after_rounds(server: servers.Server, scenario: Dict[str, Any], work: Work, options) -> Dict[str, Any]:
    memory = server.memory()
    found: Dict[str, Any] = {"pss_mib": memory["pss"] / (1 << 20)}
    if "variants" in scenario:
        found["huge_mib"] = memory["huge"] / (1 << 20)
    if options.counts_calls:
        calls = load.system_calls(server, scenario, work)
        if calls:
            found["system_calls"], found["system_calls_by"] = calls["calls"], calls["by"]
    return found


def conclude(scenario: Dict[str, Any], pairs: List[Dict[str, Any]], commands: Dict[str, List[str]], notes: List[str],
             extra: Optional[Dict[str, Dict[str, Any]]] = None) -> Dict[str, Any]:  # fmt: skip
    names = list(pairs[0])
    needed = scenario["servers"]
    notes += [f"{name}: {_invalid(pairs, name)} of {len(pairs)} rounds had errors" for name in names if _invalid(pairs, name)]
    valid = [pair for pair in pairs if all(pair[name]["is_valid"] for name in needed)]
    if len(valid) * 2 <= len(pairs):
        raise InvalidRun(f"{len(pairs) - len(valid)} of {len(pairs)} rounds had errors: {[_errors(pair) for pair in pairs]}")
    for name in names:
        if all("log_bytes_per_request" in pair[name] for pair in valid):
            logged = median(pair[name]["log_bytes_per_request"] for pair in valid)
            notes.append(f"{name}: {logged:.0f} bytes in the log for each request")
    rows = []
    for name in names:
        own = [pair for pair in valid if pair[name]["is_valid"]]
        if not own:
            continue
        row: Dict[str, Any] = {"server": name}
        row.update({key: median(pair[name][key] for pair in own) for key in MEASURES if all(key in pair[name] for pair in own)})
        row.update((extra or {}).get(name, {}))
        if scenario.get("limit") != "copy-limit":
            row.pop("gib_per_cpu_s", None)
        if _is_other_work(scenario, name):
            row["is_limit"] = True
        elif (share := limit_share(own, name, scenario.get("limit"))) is not None:
            row["limit_share"] = share
        rows.append(row)
    return outcome(scenario, rows, _figures(scenario, rows, valid), pairs, commands, notes)


def limit_share(pairs: List[Dict[str, Any]], name: str, limit: Optional[str]) -> Optional[float]:
    """Work per CPU second of a server, as a share of the limit's in the same round: of its workers against the engine, where it has any;
    of bytes sent against bytes copied; of all of it against another server."""
    key = LIMIT_MEASURES.get(limit or "", "server_cpu_us")
    if limit is None or name == limit or not all(pair[name].get(key) and pair[limit].get(key) for pair in pairs):
        return None
    if key == "gib_per_cpu_s":
        return median(pair[name][key] / pair[limit][key] for pair in pairs)
    return median(pair[limit][key] / pair[name][key] for pair in pairs)


def _figures(scenario: Dict[str, Any], rows: List[Dict[str, Any]], valid: List[Dict[str, Any]]) -> Dict[str, float]:
    figures: Dict[str, float] = {key: rows[0][key] for key in OWN_FIGURES if key in rows[0]}
    ours = scenario["servers"][0]
    if "loop_limit" in scenario:
        figures["loop_limit_share"] = median(pair[scenario["loop_limit"]]["server_cpu_us"] / pair[ours]["loop_cpu_us"] for pair in valid)
    if len(scenario["servers"]) >= 2:
        peer = scenario["servers"][1]
        ratios = [pair[ours]["requests_per_s"] / pair[peer]["requests_per_s"] for pair in valid]
        figures.update({
            "ratio": median(ratios),
            "ratio_least": min(ratios),
            "ratio_most": max(ratios),
            "ratio_chance": sign_test([(pair[ours]["requests_per_s"], pair[peer]["requests_per_s"]) for pair in valid]),
            "p99_ratio": median(pair[ours]["p99_us"] / max(pair[peer]["p99_us"], 1) for pair in valid),
            "cpu_ratio": median(pair[ours]["server_cpu_us"] / max(pair[peer]["server_cpu_us"], 1e-9) for pair in valid),
        })  # fmt: skip
    return figures


def _invalid(pairs: List[Dict[str, Any]], name: str) -> int:
    return sum(1 for pair in pairs if not pair[name]["is_valid"])


def _errors(pair: Dict[str, Any]) -> Dict[str, Any]:
    return {name: result["errors"] for name, result in pair.items() if result["errors_total"]}
