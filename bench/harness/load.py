# SPDX-License-Identifier: MIT
"""One round of load against one server, with what it cost: CPU time, context switches, and in a round of its own system calls."""
import os
import re
import resource
import shutil
import signal
import time
from typing import Any, Dict, Optional, Tuple

from . import facts
from .children import Child, wait_until
from .servers import Server
from .tools import TOOLS
from .work import Work

MARGIN_SECONDS = 30
ATTACH_SECONDS = 0.5
TICKS_LEAST = 10  # of 10 ms: below, there is too little to tell by


def run(server: Server, scenario: Dict[str, Any], seconds: float, work: Optional[Work] = None, beside: Optional[Child] = None) -> Dict[str, Any]:
    """Loads the server as the scenario says; whole seconds only. An engine's limit runs by itself instead. beside: another client, whose CPU
    time is not that of strangers."""
    if server.is_limit:
        return _run_limit(server, seconds)
    work = work or Work(scenario)
    tool = TOOLS[server.spec.get("load") or scenario.get("load", "wrk")](server, work, scenario, max(int(seconds), 1))
    client_before = _children_cpu_ns()
    child = Child("load", tool.argv, server.folder, tool.environment)
    try:
        if tool.waits:
            wait_until(lambda: "ready" in child.log(), MARGIN_SECONDS, "all connections", child)
        faults = facts.page_faults(server.pids())
        switches, server_cpu, busy, start = server.context_switches(), server.cpu_ns(), facts.machine_busy_ns(), time.monotonic_ns()
        loop_cpu, worker_cpu, modes = server.loop_cpu_ns(), server.worker_cpu_ns(), server.cpu_modes()
        client_cpu = facts.process_cpu_ns(child.pid) if tool.waits else 0
        beside_cpu = facts.process_cpu_ns(beside.pid) if beside else 0
        if tool.waits:
            child.process.stdin.write(b"go\n")
            child.process.stdin.flush()
            wait_until(lambda: child.log().endswith("}\n") or child.process.poll() is not None, seconds + MARGIN_SECONDS, "the end of the load")
            client_cpu = facts.process_cpu_ns(child.pid) - client_cpu
        else:
            child.process.wait(seconds + MARGIN_SECONDS)
            client_cpu = _children_cpu_ns() - client_before
        elapsed = time.monotonic_ns() - start
        if beside:
            client_cpu += facts.process_cpu_ns(beside.pid) - beside_cpu
        loop_cpu, worker_cpu = server.loop_cpu_ns() - loop_cpu, server.worker_cpu_ns() - worker_cpu
        server_cpu = server.cpu_ns() - server_cpu
        modes_after = server.cpu_modes()
        faults = facts.page_faults(server.pids()) - faults
        busy = facts.machine_busy_ns() - busy
        switches = {name: count - switches[name] for name, count in server.context_switches().items()}
    finally:
        child.stop()
    server.check_alive()
    result = tool.result(child.log())
    requests = max(answered(result), 1)
    cores = len(os.sched_getaffinity(0))
    result["requests_per_s"] = result["requests"] / (result["duration_us"] / 1e6)
    result["server_cpu_us"] = server_cpu / 1000 / requests
    result["cpu_s_per_1000"] = server_cpu / 1e6 / requests
    if loop_cpu > 0:
        result["loop_cpu_us"] = loop_cpu / 1000 / requests
    if worker_cpu > 0:
        result["worker_cpu_us"] = worker_cpu / 1000 / requests
    result.update(split_by_mode(result, modes, modes_after))
    result["page_faults"] = max(faults, 0) / requests
    if all(count >= 0 for count in switches.values()):  # a thread that has ended takes its count with it
        result["voluntary_switches"] = switches["voluntary"] / requests
        result["involuntary_switches"] = switches["involuntary"] / requests
    if result.get("bytes") and server_cpu > 0:
        result["gib_per_cpu_s"] = result["bytes"] / (1 << 30) / (server_cpu / 1e9)
    result["server_cores"] = server_cpu / elapsed
    result["client_cores"] = client_cpu / elapsed
    result["foreign_share"] = max(busy - server_cpu - client_cpu, 0) / (elapsed * cores)
    result["errors_total"] = sum(result["errors"].values())
    result["is_valid"] = result["errors_total"] == 0 and result["requests"] > 0
    return result


def split_by_mode(result: Dict[str, Any], before: Dict[str, Tuple[int, int]], after: Dict[str, Tuple[int, int]]) -> Dict[str, float]:
    """PART_user_us and PART_kernel_us of each PART_cpu_us: its exact CPU time, in the proportion of the clock ticks. A part that was
    busy for a few ticks only has no such proportion."""
    found = {}
    for part, (user, kernel) in after.items():
        user, kernel = max(user - before[part][0], 0), max(kernel - before[part][1], 0)
        if f"{part}_cpu_us" in result and user + kernel >= TICKS_LEAST:
            found[f"{part}_user_us"] = result[f"{part}_cpu_us"] * user / (user + kernel)
            found[f"{part}_kernel_us"] = result[f"{part}_cpu_us"] * kernel / (user + kernel)
    return found


def answered(result: Dict[str, Any]) -> int:
    """What the server has worked for: with bench_client also answers that came too late to count, and refusals."""
    return result.get("answered", result["requests"])


def _run_limit(server: Server, seconds: float) -> Dict[str, Any]:
    busy, own, start = facts.machine_busy_ns(), _children_cpu_ns(), time.monotonic_ns()
    result = server.measure(max(int(seconds), 1))
    elapsed = time.monotonic_ns() - start
    own = _children_cpu_ns() - own
    busy = facts.machine_busy_ns() - busy
    result["requests_per_s"] = result["requests"] / (result["duration_us"] / 1e6)
    result["worker_cpu_us"] = result["server_cpu_us"] = result["cpu_us_per_request"]
    result["cpu_s_per_1000"] = result["cpu_us_per_request"] / 1000
    if "kernel_share" in result:
        for part in ("server", "worker"):
            result[f"{part}_kernel_us"] = result["cpu_us_per_request"] * result["kernel_share"]
            result[f"{part}_user_us"] = result["cpu_us_per_request"] - result[f"{part}_kernel_us"]
    if "bytes" in result:
        result["gib_per_cpu_s"] = result["bytes"] / (1 << 30) / (result["cpu_us_per_request"] * result["requests"] / 1e6)
    result["foreign_share"] = max(busy - own, 0) / (elapsed * len(os.sched_getaffinity(0)))
    result["errors_total"], result["errors"], result["is_valid"] = 0, {}, True
    return result


def system_calls(server: Server, scenario: Dict[str, Any], work: Optional[Work] = None) -> Dict[str, Any]:
    """System calls per request, counted in one short round of its own: {"calls": 8.1, "by": "perf"}; empty when nothing can count."""
    pids = facts.processes(server.pids())
    for name, argv, pattern in (
        ("perf", ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-p", ",".join(map(str, pids))], r"^(\d+),[^,]*,raw_syscalls:sys_enter"),
        ("strace", ["strace", "-f", "-c", "-q", *[part for pid in pids for part in ("-p", str(pid))]], r"^\s*100\.00\s+\S+\s+\S+\s+(\d+)\s.*total"),
    ):  # fmt: skip
        if shutil.which(argv[0]) is None:
            continue
        counter = Child("counter", argv, server.folder)
        try:
            time.sleep(ATTACH_SECONDS)
            if counter.process.poll() is not None:
                continue
            result = run(server, scenario, 1, work)
            counter.process.send_signal(signal.SIGINT)
            counter.process.wait(MARGIN_SECONDS)
        finally:
            counter.stop()
        found = re.search(pattern, counter.log(), re.M)
        requests = answered(result)
        if found and requests:
            return {"calls": int(found.group(1)) / requests, "by": name}
    return {}


def _children_cpu_ns() -> int:
    """CPU time of children that have been waited for; during a round that is the load alone."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int((usage.ru_utime + usage.ru_stime) * 1e9)
