# SPDX-License-Identifier: MIT
"""A result as a page of tables and pictures: beside the JSON after each run, or as bench/RESULTS.md."""
import os
import re
from typing import Any, Dict, List, Optional, Tuple

from . import report, svg

GROUPS = {
    "limits": "What the machine and the engine allow",
    "php": "PHP over HTTP/1.1",
    "worker": "Worker mode, and workers that are replaced",
    "files": "Without PHP: a constant, files",
    "h2-tls": "HTTP/2 and TLS",
    "footprint": "Memory",
    "behaviour": "Overload, slow and idle clients, streams",
    "variants": "Variants: the same server with one thing changed",
    "curves": "Curves: what a request costs while one thing grows",
}
PEER = (1.0, "the main peer")
UNCHANGED = (1.0, "unchanged")
HIDDEN = ("server_cores", "client_cores", "cpu_s_per_1000")  # of tables on paper; the JSON has them


def write(document: Dict[str, Any], page_path: str, picture_folder: str) -> None:
    os.makedirs(picture_folder, exist_ok=True)
    for name in os.listdir(picture_folder):
        if name.endswith(".svg"):
            os.remove(os.path.join(picture_folder, name))
    pictures = draw(document["results"])
    for name, drawing in pictures.items():
        with open(os.path.join(picture_folder, name + ".svg"), "w", encoding="utf-8") as file:
            file.write(drawing)
    with open(page_path, "w", encoding="utf-8") as file:
        file.write(page(document, list(pictures), os.path.relpath(picture_folder, os.path.dirname(os.path.abspath(page_path)))))


def merged(documents: List[Dict[str, Any]]) -> Dict[str, Any]:
    """Several results as one: of a scenario that stands in more than one of them the last counts."""
    results = {result["scenario"]: result for document in documents for result in document["results"]}
    return {**documents[-1], "results": list(results.values()), "earlier": documents[:-1]}


def page(document: Dict[str, Any], pictures: List[str], picture_folder: str) -> str:
    runs = document.get("earlier", []) + [document]
    lines = ["# Results", ""]
    if any(run.get("quick") for run in runs):
        lines += ["**A quick run: its figures are noise.**", ""]
    for run in runs:
        lines += [
            f"Measured {run['machine']['date'][:10]} with `{_command(run)}` ({run['rounds']} rounds of {run['seconds']} s, fewer where a scenario",
            f"says so): {report.machine_line(run['machine'])}.",
            "",
        ]
    lines += [
        "The clients run on the same machine. How it is measured, and what makes it fair, stands in [README.md](README.md). Written by",
        "`./dev bench --publish FILE.json`.",
        "",
    ]
    for said in dict.fromkeys("; ".join(f"{name}: {text}" for name, text in run["versions"].items()) + "." for run in runs):
        lines += [said, ""]
    lines += _targets(document["results"])
    for group, title in GROUPS.items():
        results = [one for one in document["results"] if one.get("group") == group]
        if not results:
            continue
        lines += [f"## {title}", ""]
        for name in pictures:
            if name.startswith(group + "-"):
                lines += [f"![{name}]({picture_folder}/{name}.svg)", ""]
        for result in results:
            lines += _section(result)
    return "\n".join(lines).rstrip("\n") + "\n"


def _command(document: Dict[str, Any]) -> str:
    """As it would be typed elsewhere: without the places of this machine."""
    words = re.sub(r" --(output|binary|php|compare)[= ]\S+", "", document["command"])
    return words.replace("bench/run.py", "./dev bench", 1)


def _targets(results: List[Dict[str, Any]]) -> List[str]:
    lines = ["| wanted | scenario | measured | |", "|---|---|---:|---|"]
    for result in results:
        for one in result.get("verdicts", []):
            sign = ">=" if one["is_minimum"] else "<="
            lines.append(f"| {one['what']} {sign} {one['bound']:g} | {result['scenario']} | {one['value']:,.2f} | {'yes' if one['holds'] else '**no**'} |")
        if "invalid" in result:
            lines.append(f"| a valid run | {result['scenario']} | | **no** |")
    return lines + [""] if len(lines) > 2 else []


def _section(result: Dict[str, Any]) -> List[str]:
    lines = [f"### {result['scenario']}", "", result["about"][:1].upper() + result["about"][1:] + ".", ""]
    if "skipped" in result:
        return lines + [f"Left out: {result['skipped']}.", ""]
    if "invalid" in result:
        return lines + [f"No result: {result['invalid'].splitlines()[0]}", ""]
    lines += report.table(result["rows"], HIDDEN) + [""]
    said = report.summary_lines(result)
    return lines + [f"- {line}" for line in said] + ([""] if said else [])


# ---- pictures


def _measured(results: List[Dict[str, Any]], kind: str, group: Optional[str] = None) -> List[Dict[str, Any]]:
    return [one for one in results if one["kind"] == kind and "rows" in one and group in (None, one["group"])]


def draw(results: List[Dict[str, Any]]) -> Dict[str, str]:
    """Pictures by name; a name begins with the group on whose page it stands."""
    found: Dict[str, str] = {}
    for group in GROUPS:
        throughput = [one for one in _measured(results, "throughput", group) if len(one["rows"]) >= 2]
        if throughput:
            found[f"{group}-throughput"] = svg.bars(
                GROUPS[group], "requests per second, as a multiple of the main peer's; more is better", _against_peer(throughput, "requests_per_s"), PEER
            )
            found[f"{group}-cpu"] = svg.bars(
                GROUPS[group], "CPU time per request (server side, microseconds), as a multiple of the main peer's; less is better",
                _against_peer(throughput, "server_cpu_us"), PEER,
            )  # fmt: skip
    changed = _measured(results, "variants")
    if changed:
        found["variants-throughput"] = svg.bars(
            "Variants", "requests per second, as a multiple of the unchanged server's (least and most of the rounds); more is better",
            _against_unchanged(changed, "ratio", "ratio_least", "ratio_most"), UNCHANGED,
        )  # fmt: skip
        found["variants-cpu"] = svg.bars(
            "Variants", "CPU time per request, as a multiple of the unchanged server's; less is better", _against_unchanged(changed, "cpu_ratio"), UNCHANGED
        )
    shares = [
        (one["scenario"], [svg.Bar(row["server"], row["limit_share"] * 100) for row in one["rows"] if "limit_share" in row])
        for one in _measured(results, "throughput")
    ]
    shares = [group for group in shares if group[1]]
    if shares:
        found["limits-share"] = svg.bars("Share of the limit", "percent of the limit's work per CPU second (the engine in a bare loop; copies of memory; nginx `return 200`)", shares, (100.0, "the limit"))
    for name in ("slow", "paced"):
        rows = _measured(results, name)
        groups = [(one["scenario"], [svg.Bar(_label(row), row["p99_us"] / 1000) for row in one["rows"] if "p99_us" in row]) for one in rows]
        if groups:
            group = rows[0]["group"]
            found[f"{group}-{name}"] = svg.bars("Latency", "p99 in milliseconds, less is better", groups)
    kept = [(one["scenario"], [svg.Bar(row["server"], row["goodput_share"] * 100) for row in one["rows"]]) for one in _measured(results, "goodput")]
    if kept:
        found["behaviour-goodput"] = svg.bars(
            "Overload", "requests served per second while more is asked for than can be done, percent of the peak; more is better", kept, (100.0, "the peak")
        )
    for one in _measured(results, "curve"):
        title = one["vary"].get("title", one["vary"]["key"])
        series: Dict[str, List[Tuple[float, float]]] = {}
        for row in one["rows"]:
            series.setdefault(row["server"], []).append((row["x"], row["server_cpu_us"]))
        found[f"curves-{one['scenario']}"] = svg.curves(one["about"], title, "CPU time per request, microseconds, server side", series)
    return found


def _label(row: Dict[str, Any]) -> str:
    return row["server"] + (" with slow clients" if row.get("slow_clients") else "")


def _against_unchanged(results: List[Dict[str, Any]], key: str, least: str = "", most: str = "") -> List[Tuple[str, List[svg.Bar]]]:
    def words(row: Dict[str, Any]) -> str:
        return f"{row[key]:.3f}" + (f" ({row[least]:.2f} to {row[most]:.2f})" if least else "")

    return [(one["scenario"], [svg.Bar(row["server"], row[key], words(row)) for row in one["rows"] if key in row]) for one in results]


def _against_peer(results: List[Dict[str, Any]], key: str) -> List[Tuple[str, List[svg.Bar]]]:
    """Scenarios differ by factors of thousands: each server's figure is drawn as a multiple of the second one's, and written beside."""
    groups = []
    for one in results:
        rows = [row for row in one["rows"] if key in row and not (row.get("is_limit") or row["server"].endswith("-limit"))]
        if len(rows) >= 2 and rows[1][key]:
            bars = [svg.Bar(row["server"], row[key] / rows[1][key], f"{row[key] / rows[1][key]:.2f} ({svg.number(row[key])})") for row in rows]
            groups.append((one["scenario"], bars))
    return groups
