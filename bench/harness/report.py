# SPDX-License-Identifier: MIT
"""Tables for people; the same figures go to a file as JSON."""
from typing import Any, Callable, Dict, List, Tuple

# Key of a row, title, how a value is shown.
COLUMNS: List[Tuple[str, str, Callable[[Any], str]]] = [
    ("server", "server", str),
    ("slow_clients", "slow clients", str),
    ("processes", "processes", str),
    ("connections", "connections", "{:,}".format),
    ("requests_per_s", "requests/s", "{:,.0f}".format),
    ("p50_us", "p50 ms", lambda us: f"{us / 1000:.2f}"),
    ("p99_us", "p99 ms", lambda us: f"{us / 1000:.2f}"),
    ("max_us", "max ms", lambda us: f"{us / 1000:.1f}"),
    ("server_cpu_us", "CPU us/request", "{:.1f}".format),
    ("loop_cpu_us", "of it the loop", "{:.1f}".format),
    ("server_cores", "cores used", "{:.2f}".format),
    ("foreign_share", "others' CPU", "{:.0%}".format),
    ("pss_mib", "PSS MiB", "{:.1f}".format),
    ("fresh_pss_mib", "PSS fresh MiB", "{:.1f}".format),
    ("worked_pss_mib", "PSS worked MiB", "{:.1f}".format),
    ("fresh_private_mib", "private fresh MiB", "{:.1f}".format),
    ("worked_private_mib", "private worked MiB", "{:.1f}".format),
    ("before_mib", "PSS before MiB", "{:.1f}".format),
    ("during_mib", "during", "{:.1f}".format),
    ("after_mib", "after", "{:.1f}".format),
    ("bytes_per_connection", "bytes/connection", "{:,.0f}".format),
    ("opened_per_s", "opened/s", "{:,.0f}".format),
    ("queued", "queued", "{:.0f}".format),
    ("refused", "refused", "{:.0f}".format),
    ("p50_ms", "p50 ms", "{:.2f}".format),
    ("p99_ms", "p99 ms", "{:.2f}".format),
    ("slowest_ms", "slowest ms", "{:.1f}".format),
    ("next_ms", "next request ms", "{:.2f}".format),
]


def table(rows: List[Dict[str, Any]]) -> List[str]:
    """Lines of a Markdown table with the columns that the rows have."""
    columns = [column for column in COLUMNS if any(column[0] in row for row in rows)]
    cells = [[title for _, title, _ in columns]]
    for row in rows:
        cells.append([show(row[key]) if key in row else "" for key, _, show in columns])
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    lines = ["| " + " | ".join(text.ljust(widths[i]) if i == 0 else text.rjust(widths[i]) for i, text in enumerate(line)) + " |" for line in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 1) + ("-" if i == 0 else ":") for i, width in enumerate(widths)) + "|")
    return lines


def text(result: Dict[str, Any]) -> str:
    lines = [f"## {result['scenario']}: {result['about']}", ""] + table(result["rows"]) + [""]
    figures = result["figures"]
    if "ratio_least" in figures:
        lines.append(
            f"ratio {figures['ratio']:.2f} (rounds {figures['ratio_least']:.2f} to {figures['ratio_most']:.2f}), "
            f"p99 {figures['p99_ratio']:.2f}, CPU per request {figures['cpu_ratio']:.2f} of the peer's"
        )
    for one in result["verdicts"]:
        sign = ">=" if one["is_minimum"] else "<="
        lines.append(f"{'ok  ' if one['holds'] else 'MISS'} {one['what']} {one['value']:,.2f} (wanted {sign} {one['bound']:g})")
    lines += [f"note: {note}" for note in result["notes"]]
    return "\n".join(lines) + "\n"


def machine_line(facts: Dict[str, Any]) -> str:
    kind = "virtual machine, " if facts["is_virtual"] else ""
    return (
        f"{kind}{facts['cores']} cores of {facts['processor']}, {facts['memory_mib'] / 1024:.0f} GiB, {facts['system']}, "
        f"{facts['kernel']}, load average {facts['load_average']:.2f} at the start"
    )
