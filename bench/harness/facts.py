# SPDX-License-Identifier: MIT
"""What /proc knows: the machine, the CPU time and the memory of processes."""
import datetime
import os
import platform
import subprocess
import time
from typing import Dict, Iterable, List, Tuple

from .children import descendants, environment

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _first_line(*argv: str) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False, env=environment())
    except OSError:
        return ""
    return ((done.stdout or done.stderr).splitlines() or [""])[0].strip()


def machine() -> Dict[str, object]:
    """Facts without which a figure says nothing."""
    model = [line.partition(":")[2].strip() for line in _text("/proc/cpuinfo").splitlines() if line.startswith("model name")]
    memory = [line.split()[1] for line in _text("/proc/meminfo").splitlines() if line.startswith("MemTotal:")]
    release = [line.partition("=")[2].strip('"') for line in _text("/etc/os-release").splitlines() if line.startswith("PRETTY_NAME=")]
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "processor": model[0] if model else platform.machine(),
        "is_virtual": " hypervisor" in _text("/proc/cpuinfo"),
        "memory_mib": int(memory[0]) // 1024 if memory else 0,
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "system": release[0] if release else "",
        "files_max": os.sysconf("SC_OPEN_MAX"),
        "load_average": os.getloadavg()[0],
    }


def versions(binary: str, php_prefix: str) -> Dict[str, str]:
    found = {
        "phpsrv": _first_line(binary, "--version"),
        "nginx": _first_line("nginx", "-v"),
        "php-fpm": _first_line(os.path.join(php_prefix, "sbin", "php-fpm"), "-v"),
        "wrk": _first_line("wrk", "-v").split(" [")[0],
        "h2load": _first_line("h2load", "--version"),
        "openssl": _first_line("openssl", "version"),
    }
    return {name: text for name, text in found.items() if text}


def processes(pids: List[int]) -> List[int]:
    found: List[int] = []
    for pid in pids:
        found += descendants(pid)
    return found


def process_cpu_ns(pid: int) -> int:
    """CPU time of a process with all threads, also of those that have ended: its CPU-time clock (clock_getcpuclockid(3))."""
    try:
        return time.clock_gettime_ns((~pid << 3) | 2)
    except OSError:
        return 0


def cpu_ns(pids: List[int]) -> int:
    """CPU time of these processes and their children."""
    return sum(process_cpu_ns(pid) for pid in processes(pids))


def _threads(pid: int) -> List[str]:
    try:
        return [f"/proc/{pid}/task/{task}" for task in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def named_threads(pid: int) -> List[Tuple[int, str]]:
    """Threads of a process with their names, in the order in which they were started."""
    return sorted((int(os.path.basename(task)), _text(f"{task}/comm").strip()) for task in _threads(pid))


def named_threads_cpu_ns(pid: int, prefix: str) -> int:
    """CPU time of those threads of a process whose names begin so, also of such as have ended; all others must still be there."""
    outside = sum(
        int((_text(f"{task}/schedstat").split() or ["0"])[0]) for task in _threads(pid) if not _text(f"{task}/comm").startswith(prefix)
    )
    return process_cpu_ns(pid) - outside


def _ticks(stat_path: str) -> Tuple[int, int]:
    """CPU time in user and in kernel mode, of a process (ended threads included) or of a thread: utime and stime of proc(5), in clock
    ticks. The kernel samples the mode at its timer's ticks, and makes the two add up to the CPU time that it has counted exactly."""
    fields = _text(stat_path).rpartition(")")[2].split()
    return (int(fields[11]), int(fields[12])) if len(fields) > 12 else (0, 0)


def add_ticks(parts: Iterable[Tuple[int, int]]) -> Tuple[int, int]:
    users, kernels = zip(*parts, (0, 0))
    return sum(users), sum(kernels)


def ticks(pids: List[int]) -> Tuple[int, int]:
    """User and kernel time of these processes and their children."""
    return add_ticks(_ticks(f"/proc/{pid}/stat") for pid in processes(pids))


def thread_ticks(pid: int, thread: int) -> Tuple[int, int]:
    return _ticks(f"/proc/{pid}/task/{thread}/stat")


def page_faults(pids: List[int]) -> int:
    """Pages that these processes and their children had to be given while they ran (minor faults, ended threads included)."""
    fields = [_text(f"/proc/{pid}/stat").rpartition(")")[2].split() for pid in processes(pids)]
    return sum(int(one[7]) for one in fields if len(one) > 7)


def named_threads_ticks(pid: int, prefix: str) -> Tuple[int, int]:
    """As named_threads_cpu_ns: all of the process but the threads with other names."""
    user, kernel = _ticks(f"/proc/{pid}/stat")
    others = add_ticks(_ticks(f"{task}/stat") for task in _threads(pid) if not _text(f"{task}/comm").startswith(prefix))
    return user - others[0], kernel - others[1]


def context_switches(pids: List[int]) -> Dict[str, int]:
    """Of all threads of these processes and their children: those that waited, and those that were made to wait."""
    total = {"voluntary": 0, "involuntary": 0}
    for pid in processes(pids):
        for task in _threads(pid):
            for line in _text(f"{task}/status").splitlines():
                if line.startswith("voluntary_ctxt_switches:"):
                    total["voluntary"] += int(line.split()[1])
                elif line.startswith("nonvoluntary_ctxt_switches:"):
                    total["involuntary"] += int(line.split()[1])
    return total


def thread_cpu_ns(pid: int, thread: int) -> int:
    return int((_text(f"/proc/{pid}/task/{thread}/schedstat").split() or ["0"])[0])


def machine_busy_ns() -> int:
    """CPU time that was not idle, of all cores, since the start of the machine (with what other guests took)."""
    fields = [int(text) for text in _text("/proc/stat").splitlines()[0].split()[1:9]]
    user, nice, system, _idle, _iowait, interrupt, soft_interrupt, steal = fields
    return (user + nice + system + interrupt + soft_interrupt + steal) * TICK_NS


def memory_bytes(pids: List[int]) -> Dict[str, int]:
    """PSS (shared pages divided by their users), private memory, and what lies on huge pages, of the processes and their children."""
    total = {"pss": 0, "private": 0, "huge": 0, "processes": 0}
    for pid in processes(pids):
        rollup = _text(f"/proc/{pid}/smaps_rollup")
        if not rollup:
            continue
        total["processes"] += 1
        for line in rollup.splitlines():
            name, _, value = line.partition(":")
            if name == "Pss":
                total["pss"] += int(value.split()[0]) * 1024
            elif name == "AnonHugePages":
                total["huge"] += int(value.split()[0]) * 1024
            elif name in ("Private_Clean", "Private_Dirty"):
                total["private"] += int(value.split()[0]) * 1024
    return total


def sharers(folder: str, own: List[int]) -> int:
    """Processes other than these that have files below folder mapped: their share of the pages lowers our PSS."""
    ours = set(processes(own))
    return sum(
        1 for name in os.listdir("/proc") if name.isdigit() and int(name) not in ours and f" {folder}/" in _text(f"/proc/{name}/maps")
    )


def open_files(pids: List[int]) -> int:
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in processes(pids))
