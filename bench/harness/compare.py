# SPDX-License-Identifier: MIT
"""Two result files side by side: which differences are real, and which the machine makes by itself.

Of each scenario the rounds of both files are compared. A difference is real when the two groups of rounds do not overlap (of at least
four rounds each) or when the rank-sum test gives it less than one chance in a hundred, and when it is larger than 2 %. A change of the
ratio to the peer is the better evidence: both sides of a ratio were measured on the same machine at the same time."""
import json
from typing import Any, Dict, List, Optional

from .stats import median, overlap, rank_sum_test

LEAST_CHANGE = 0.02
CHANCE_MOST = 0.01
ROUNDS_LEAST = 4
# Key of a round, title, whether more is better.
MEASURES = (
    ("requests_per_s", "requests/s", True),
    ("p99_us", "p99", False),
    ("server_cpu_us", "CPU per request", False),
    ("worker_cpu_us", "workers' CPU", False),
    ("loop_cpu_us", "loop's CPU", False),
    ("loop_user_us", "loop in user mode", False),
    ("loop_kernel_us", "loop in the kernel", False),
)


def load(path: str) -> Dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    if not isinstance(document, dict) or "results" not in document:
        raise ValueError(f"{path} holds no results of the bench")
    return document


def judge(old: List[float], new: List[float], more_is_better: bool) -> Dict[str, Any]:
    """What became of one figure between two groups of rounds."""
    before, after = median(old), median(new)
    change = after / before - 1 if before else 0.0
    chance = rank_sum_test(old, new)
    is_apart = min(len(old), len(new)) >= ROUNDS_LEAST and not overlap(old, new)
    is_real = abs(change) > LEAST_CHANGE and (is_apart or chance < CHANCE_MOST)
    word = "noise"
    if is_real:
        word = "better" if (change > 0) == more_is_better else "worse"
    return {"old": before, "new": after, "change": change, "chance": chance, "verdict": word, "rounds": [len(old), len(new)]}


def _parts(result: Dict[str, Any]) -> Dict[str, Dict[str, Any]]:
    """A result by name; a curve in its places, a scenario whose servers are measured one after the other in those."""
    name, rounds = result["scenario"], result.get("rounds", [])
    if "invalid" in result or "skipped" in result:
        return {}
    if result["kind"] == "curve":
        return {f"{name} at {one['value']:,}": {"rounds": one["pairs"]} for one in rounds}
    if result["kind"] == "variants":
        base = next(iter(rounds[0]))
        pairs = {variant: [{key: one[key] for key in (variant, base)} for one in rounds] for variant in list(rounds[0])[1:]}
        return {f"{name}, {variant}": {"rounds": own} for variant, own in pairs.items()}
    if rounds and all(isinstance(value, list) for one in rounds for value in one.values()):
        parts = ((server, pairs) for one in rounds for server, pairs in one.items())
        return {f"{name}, {server}": {"rounds": [{key: pair[key] for key in pair if "requests_per_s" in pair[key]} for pair in pairs]} for server, pairs in parts}
    return {name: result}


def _rounds(result: Dict[str, Any]) -> List[Dict[str, Any]]:
    """The valid rounds of a scenario whose rounds are pairs of servers' results."""
    return [
        pair for pair in result.get("rounds", [])
        if pair and all(isinstance(one, dict) and one.get("is_valid", True) and "requests_per_s" in one for one in pair.values())
    ]  # fmt: skip


def _values(rounds: List[Dict[str, Any]], server: str, key: str) -> List[float]:
    return [pair[server][key] for pair in rounds if server in pair and key in pair[server]]


def scenario(old: Dict[str, Any], new: Dict[str, Any]) -> List[Dict[str, Any]]:
    """One line for each figure that both results of a scenario have."""
    before, after = _rounds(old), _rounds(new)
    if not before or not after:
        return []
    found = []
    servers = [name for name in after[0] if name in before[0]]
    if len(servers) >= 2:
        ours, peer = servers[:2]
        ratios = [
            [pair[ours]["requests_per_s"] / pair[peer]["requests_per_s"] for pair in rounds if pair[peer]["requests_per_s"]]
            for rounds in (before, after)
        ]
        if all(ratios):
            found.append({"server": f"{ours} / {peer}", "measure": "ratio", **judge(ratios[0], ratios[1], True)})
    for server in servers:
        for key, title, more_is_better in MEASURES:
            values = [_values(rounds, server, key) for rounds in (before, after)]
            if all(values):
                found.append({"server": server, "measure": title, **judge(values[0], values[1], more_is_better)})
    return found


def documents(old: Dict[str, Any], new: Dict[str, Any]) -> Dict[str, List[Dict[str, Any]]]:
    earlier = {name: part for result in old["results"] for name, part in _parts(result).items()}
    found = {}
    for result in new["results"]:
        for name, part in _parts(result).items():
            lines = scenario(earlier[name], part) if name in earlier else []
            if lines:
                found[name] = lines
    return found


def other_machine(old: Dict[str, Any], new: Dict[str, Any]) -> Optional[str]:
    """Why absolute figures of the two cannot be compared; None when they can."""
    differing = [
        f"{key}: {old['machine'].get(key)} and {new['machine'].get(key)}"
        for key in ("processor", "cores", "kernel")
        if old["machine"].get(key) != new["machine"].get(key)
    ]
    return "; ".join(differing) or None


def text(old: Dict[str, Any], new: Dict[str, Any]) -> str:
    lines = []
    differing = other_machine(old, new)
    if differing:
        lines.append(f"Not the same machine ({differing}): only the ratios say something.\n")
    found = documents(old, new)
    if not found:
        return "The two files have no scenario in common that can be compared.\n"
    lines.append("| scenario | server | figure | old | new | change | chance | |")
    lines.append("|---|---|---|---:|---:|---:|---:|---|")
    counts = {"better": 0, "worse": 0, "noise": 0}
    for name, rows in found.items():
        for row in rows:
            counts[row["verdict"]] += 1
            lines.append(
                f"| {name} | {row['server']} | {row['measure']} | {row['old']:,.2f} | {row['new']:,.2f} | {row['change']:+.1%} "
                f"| {row['chance']:.3f} | {row['verdict']} |"
            )
    lines.append(f"\n{counts['better']} better, {counts['worse']} worse, {counts['noise']} noise. \"chance\": of such a difference between equals.")
    for name, rows in found.items():
        controls = [row for row in rows[1:] if row["verdict"] != "noise" and row["server"] != rows[1]["server"]]
        if controls and rows[0]["measure"] == "ratio" and rows[0]["verdict"] == "noise":
            lines.append(f"{name}: the peer moved as well while the ratio did not: that was the machine.")
    return "\n".join(lines) + "\n"
