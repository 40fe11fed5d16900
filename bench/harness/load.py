# SPDX-License-Identifier: MIT
"""One round of load: wrk with one thread against one server, with the CPU time that it cost."""
import json
import os
import re
import resource
import shutil
import time
from typing import Any, Dict, Optional

from . import facts
from .children import Child
from .servers import BENCH, Server

SCRIPT = os.path.join(BENCH, "wrk", "report.lua")
MARGIN_SECONDS = 30


def run(server: Server, path: str, connections: int, seconds: float, body_path: Optional[str] = None) -> Dict[str, Any]:
    """Loads the server; wrk counts whole seconds only."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise RuntimeError("wrk is not there: ./dev setup bench installs it")
    url = f"http://127.0.0.1:{server.port}{path}"
    arguments = [wrk, "-t1", f"-c{connections}", f"-d{max(int(seconds), 1)}s", "--timeout=5s", "-s", SCRIPT, url]
    extra = {"BENCH_BODY": body_path} if body_path else {}
    server_cpu, busy, start = server.cpu_ns(), facts.machine_busy_ns(), time.monotonic_ns()
    client_cpu = _children_cpu_ns()
    child = Child("wrk", arguments, server.folder, extra)
    try:
        child.process.wait(seconds + MARGIN_SECONDS)
    finally:
        child.stop()
    elapsed = time.monotonic_ns() - start
    client_cpu = _children_cpu_ns() - client_cpu
    server_cpu = server.cpu_ns() - server_cpu
    busy = facts.machine_busy_ns() - busy
    server.check_alive()
    match = re.search(r"^BENCH (\{.*\})$", child.log(), re.M)
    if match is None:
        raise RuntimeError(f"wrk did not finish:\n{child.log()[-2000:]}")
    result = json.loads(match.group(1))
    cores = len(os.sched_getaffinity(0))
    result["requests_per_s"] = result["requests"] / (result["duration_us"] / 1e6)
    result["server_cpu_us"] = server_cpu / 1000 / max(result["requests"], 1)
    result["server_cores"] = server_cpu / elapsed
    result["client_cores"] = client_cpu / elapsed
    result["foreign_share"] = max(busy - server_cpu - client_cpu, 0) / (elapsed * cores)
    result["errors_total"] = sum(result["errors"].values())
    result["is_valid"] = result["errors_total"] == 0 and result["requests"] > 0
    return result


def _children_cpu_ns() -> int:
    """CPU time of children that have been waited for; during a round that is wrk alone."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int((usage.ru_utime + usage.ru_stime) * 1e9)
