# SPDX-License-Identifier: MIT
"""Kind "variants": one server against itself with one thing changed. All are up at the same time and take turns; each round begins with
another one. Every variant's ratio is taken to the unchanged server's round of the same turn."""
from typing import Any, Dict, List

from . import servers, throughput
from .outcome import Unavailable, median
from .stats import sign_test


def run(setup: servers.Setup, table: Dict[str, Any], scenario: Dict[str, Any], options) -> Dict[str, Any]:
    reasons = {name: servers.missing(setup, table[name]) for name in scenario["variants"]}
    if all(reasons.values()):
        raise Unavailable("; ".join(f"{name}: {reason}" for name, reason in reasons.items()))
    result = throughput.run(setup, table, scenario, options)
    base = scenario["servers"][0]
    for row in result["rows"]:
        if row["server"] != base:
            row.update(against(result["rounds"], base, row["server"]))
            result["figures"][f"{row['server']}_ratio"] = row["ratio"]
    return result


def against(rounds: List[Dict[str, Any]], base: str, name: str) -> Dict[str, Any]:
    """One variant's columns. There is a ratio: a row is of valid rounds, and so are the scenario's."""
    pairs = [(one[name], one[base]) for one in rounds if name in one and one[name]["is_valid"] and one[base]["is_valid"]]
    ratios = [ours["requests_per_s"] / other["requests_per_s"] for ours, other in pairs]
    return {
        "ratio": median(ratios),
        "ratio_least": min(ratios),
        "ratio_most": max(ratios),
        "ratio_chance": sign_test([(ours["requests_per_s"], other["requests_per_s"]) for ours, other in pairs]),
        "cpu_ratio": median(ours["server_cpu_us"] / other["server_cpu_us"] for ours, other in pairs),
        "p99_ratio": median(ours["p99_us"] / max(other["p99_us"], 1) for ours, other in pairs),
    }
