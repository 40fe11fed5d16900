# SPDX-License-Identifier: MIT
"""Tables for people; the same figures go to a file as JSON."""
from typing import Any, Callable, Dict, List, Tuple


def _ms(us: float) -> str:
    return f"{us / 1000:.2f}"


# Key of a row, title, how a value is shown.
COLUMNS: List[Tuple[str, str, Callable[[Any], str]]] = [
    ("server", "server", str),
    ("x", "at", "{:,}".format),
    ("clients", "clients", "{:,}".format),
    ("slow_clients", "slow clients", str),
    ("processes", "processes", str),
    ("connections", "connections", "{:,}".format),
    ("peak_per_s", "peak/s", "{:,.0f}".format),
    ("asked_per_s", "asked/s", "{:,.0f}".format),
    ("requests_per_s", "requests/s", "{:,.0f}".format),
    ("ratio", "ratio", "{:.3f}".format),
    ("ratio_least", "least", "{:.2f}".format),
    ("ratio_most", "most", "{:.2f}".format),
    ("ratio_chance", "chance", "{:.3f}".format),
    ("cpu_ratio", "CPU ratio", "{:.3f}".format),
    ("p99_ratio", "p99 ratio", "{:.2f}".format),
    ("per_cpu_s", "per CPU second", "{:,.0f}".format),
    ("goodput_share", "of the peak", "{:.0%}".format),
    ("events_per_s", "events/s", "{:,.0f}".format),
    ("missing_share", "missing", "{:.1%}".format),
    ("p50_us", "p50 ms", _ms),
    ("p90_us", "p90 ms", _ms),
    ("p99_us", "p99 ms", _ms),
    ("p999_us", "p99.9 ms", _ms),
    ("max_us", "max ms", lambda us: f"{us / 1000:.1f}"),
    ("wait_bound_ms", "wait bound ms", "{:.1f}".format),
    ("full_queue_ms", "a full queue ms", "{:.1f}".format),
    ("refused_per_s", "refused/s", "{:,.0f}".format),
    ("refused_p99_us", "refused p99 ms", _ms),
    ("server_cpu_us", "CPU us/request", "{:.1f}".format),
    ("server_user_us", "user", "{:.1f}".format),
    ("server_kernel_us", "kernel", "{:.1f}".format),
    ("worker_cpu_us", "of it workers", "{:.1f}".format),
    ("worker_user_us", "their user", "{:.1f}".format),
    ("worker_kernel_us", "their kernel", "{:.1f}".format),
    ("loop_cpu_us", "of it the loop", "{:.1f}".format),
    ("loop_user_us", "its user", "{:.1f}".format),
    ("loop_kernel_us", "its kernel", "{:.1f}".format),
    ("event_cpu_us", "CPU us/event", "{:.1f}".format),
    ("cpu_s_per_1000", "CPU s/1,000", "{:.4f}".format),
    ("limit_share", "of the limit", "{:.0%}".format),
    ("gib_per_cpu_s", "GiB/CPU s", "{:.2f}".format),
    ("voluntary_switches", "switches vol.", "{:.2f}".format),
    ("involuntary_switches", "invol.", "{:.2f}".format),
    ("page_faults", "page faults", "{:.2f}".format),
    ("system_calls", "system calls", "{:.1f}".format),
    ("server_cores", "cores used", "{:.2f}".format),
    ("client_cores", "clients' cores", "{:.2f}".format),
    ("foreign_share", "others' CPU", "{:.0%}".format),
    ("pss_mib", "PSS MiB", "{:.1f}".format),
    ("huge_mib", "on huge pages", "{:.1f}".format),
    ("client_kib", "KiB/client", "{:.0f}".format),
    ("growth_kib", "of it grown with them", "{:.0f}".format),
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


def table(rows: List[Dict[str, Any]], without: Tuple[str, ...] = ()) -> List[str]:
    """Lines of a Markdown table with the columns that the rows have."""
    columns = [column for column in COLUMNS if column[0] not in without and any(column[0] in row for row in rows)]
    cells = [[title for _, title, _ in columns]]
    for row in rows:
        cells.append([show(row[key]) if key in row else "" for key, _, show in columns])
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    lines = ["| " + " | ".join(text.ljust(widths[i]) if i == 0 else text.rjust(widths[i]) for i, text in enumerate(line)) + " |" for line in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 1) + ("-" if i == 0 else ":") for i, width in enumerate(widths)) + "|")
    return lines


def summary_lines(result: Dict[str, Any]) -> List[str]:
    """Ratio, bounds and notes."""
    lines, figures = [], result["figures"]
    if "ratio_least" in figures:
        chance = f", chance of that between equals {figures['ratio_chance']:.3f}" if "ratio_chance" in figures else ""
        lines.append(
            f"ratio {figures['ratio']:.2f} (rounds {figures['ratio_least']:.2f} to {figures['ratio_most']:.2f}{chance}), "
            f"p99 {figures['p99_ratio']:.2f}, CPU per request {figures['cpu_ratio']:.2f} of the peer's"
        )
    if "loop_limit_share" in figures:
        lines.append(f"loop: {figures['loop_limit_share']:.0%} of its CPU time is what bare TCP takes")
    if "growth" in figures:
        lines.append(f"growth {figures['growth']:.2f}, highest by lowest {figures['highest_by_lowest']:.2f}")
    for one in result["verdicts"]:
        sign = ">=" if one["is_minimum"] else "<="
        lines.append(f"{'ok  ' if one['holds'] else 'MISS'} {one['what']} {one['value']:,.2f} (wanted {sign} {one['bound']:g})")
    return lines + [f"note: {note}" for note in result["notes"]]


def text(result: Dict[str, Any]) -> str:
    head = f"## {result['scenario']}: {result['about']}"
    if "skipped" in result:
        return f"{head}\n\nskipped: {result['skipped']}\n"
    if "invalid" in result:
        return f"{head}\n\nINVALID {result['invalid']}\n"
    return "\n".join([head, ""] + table(result["rows"]) + [""] + summary_lines(result)) + "\n"


def holds(result: Dict[str, Any]) -> bool:
    return "invalid" not in result and all(one["holds"] for one in result.get("verdicts", []))


def all_hold(results: List[Dict[str, Any]]) -> bool:
    return all(holds(result) for result in results)


def closing(results: List[Dict[str, Any]]) -> str:
    skipped = [one["scenario"] for one in results if "skipped" in one]
    missed = [one["scenario"] for one in results if not holds(one)]
    count = len(results) - len(skipped)
    line = f"{count - len(missed)} of {count} scenarios reach their targets" + (": not " + ", ".join(missed) if missed else "")
    return line + (f"; left out: {', '.join(skipped)}" if skipped else "")


def machine_line(facts: Dict[str, Any]) -> str:
    kind = "virtual machine, " if facts["is_virtual"] else ""
    return (
        f"{kind}{facts['cores']} cores of {facts['processor']}, {facts['memory_mib'] / 1024:.0f} GiB, {facts['system']}, "
        f"{facts['kernel']}, load average {facts['load_average']:.2f} at the start"
    )
