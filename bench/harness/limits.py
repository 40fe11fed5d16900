# SPDX-License-Identifier: MIT
"""Kind "limits": what the machine and the engine allow before any server has its share. Everything else is read against that."""
import contextlib
from typing import Any, Dict

from . import load, servers
from .outcome import median, outcome


def run(setup: servers.Setup, table: Dict[str, Any], scenario: Dict[str, Any], options) -> Dict[str, Any]:
    measured = []
    with contextlib.ExitStack() as stack:
        for name, path in scenario["measure"]:
            point = dict(scenario, path=path)
            server = stack.enter_context(servers.make(setup, table, name, point))
            measured.append((f"{name} {path}".strip(), server, point))
        rounds = options.pairs(lambda: {label: load.run(server, point, options.seconds) for label, server, point in measured})
        commands = {server.name: server.command_lines() for _, server, _ in measured if not server.is_limit}
    rows, figures = [], {}
    for label, _, _ in measured:
        row: Dict[str, Any] = {"server": label}
        for key in ("requests_per_s", "server_cpu_us", "server_user_us", "server_kernel_us", "p99_us", "gib_per_cpu_s"):
            if all(key in one[label] for one in rounds) and (key != "gib_per_cpu_s" or label == "copy-limit"):
                row[key] = median(one[label][key] for one in rounds)
        row["per_cpu_s"] = 1e6 / row["server_cpu_us"]
        rows.append(row)
    return outcome(scenario, rows, figures, rounds, commands, ["a request of copy-limit is a copy of 1 MiB"])
