# SPDX-License-Identifier: MIT
"""What a server runs in, beside its options: variables of its environment, a library loaded before all others, processors for its threads."""
import ctypes.util
import os
import subprocess
from typing import Any, Dict, List, Tuple

from . import facts
from .children import wait_until

HUGE_PAGES = "/sys/kernel/mm/transparent_hugepage/enabled"
PIN_SECONDS = 10
PINS = ("loop-first", "spread")


def preloaded(spec: Dict[str, Any]) -> List[str]:
    return spec.get("environment", {}).get("LD_PRELOAD", "").split()


def missing(spec: Dict[str, Any]) -> str:
    """What of it this machine does not have; nothing when all is there."""
    absent = [name for name in preloaded(spec) if not _has_library(name)]
    if absent:
        return f"{', '.join(absent)} is not there: ./dev setup bench installs it"
    if spec.get("environment", {}).get("USE_ZEND_ALLOC_HUGE_PAGES") and not _gives_huge_pages():
        return f"the kernel gives huge pages to all or to none ({HUGE_PAGES} is not madvise)"
    if "pin" in spec and len(os.sched_getaffinity(0)) < 2:
        return "with one processor there is nothing to choose"
    return ""


def _has_library(name: str) -> bool:
    """Where the dynamic linker looks; the library is not loaded for that."""
    if "/" in name:
        return os.path.exists(name)
    for program in ("/sbin/ldconfig", "ldconfig"):
        try:
            known = subprocess.run([program, "-p"], capture_output=True, text=True, check=False).stdout
        except OSError:
            continue
        return any(line.split()[:1] == [name] for line in known.splitlines())
    return bool(ctypes.util.find_library(name.removeprefix("lib").partition(".so")[0]))


def _gives_huge_pages() -> bool:
    try:
        with open(HUGE_PAGES, encoding="ascii") as file:
            return "[madvise]" in file.read()
    except OSError:
        return False


def check_preloaded(spec: Dict[str, Any], pid: int) -> None:
    """The linker only warns of a library that it cannot load: the figures would be those of the server without it."""
    for name in preloaded(spec):
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as file:
            stem = os.path.basename(name)
            if not any(os.path.basename(line.rstrip()).startswith(stem) for line in file):
                raise RuntimeError(f"{name} is not in the server's memory")


def deal(threads: List[Tuple[int, str]], pid: int, cpus: List[int], how: str, worker_names: str) -> Dict[int, int]:
    """A processor for each thread that works. "loop-first": the first one is the loop's alone, the workers go round the others;
    "spread": the loop and then the workers go round all of them. Threads that are seldom awake (log, timers) stay free."""
    workers = [thread for thread, name in threads if thread != pid and name.startswith(worker_names)]
    if how == "loop-first":
        return {pid: cpus[0], **{thread: cpus[1:][place % (len(cpus) - 1)] for place, thread in enumerate(workers)}}
    if how == "spread":
        return {thread: cpus[place % len(cpus)] for place, thread in enumerate([pid] + workers)}
    raise ValueError(f"pin is one of {', '.join(PINS)}, not {how}")


def pin(pid: int, how: str, workers: int, worker_names: str) -> Dict[int, int]:
    """Binds the threads of a server that is up, once it has all its workers; those that it starts later are bound as their parent is."""

    def all_threads():
        found = facts.named_threads(pid)
        return found if sum(1 for _, name in found if name.startswith(worker_names)) >= workers else None

    found = wait_until(all_threads, PIN_SECONDS, f"{workers} threads named {worker_names}...")
    places = deal(found, pid, sorted(os.sched_getaffinity(0)), how, worker_names)
    for thread, cpu in places.items():
        os.sched_setaffinity(thread, {cpu})
    return places
