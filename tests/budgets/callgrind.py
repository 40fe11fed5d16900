"""A server under valgrind's callgrind: instructions and calls of the allocator of each thread, interval by interval.

SPDX-License-Identifier: MIT
"""

import os
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass, field

import pytest

from testenv import scaled

# Not free(): it is also called with NULL, and what is freed was allocated.
ALLOCATOR = {"malloc", "calloc", "realloc", "reallocarray", "posix_memalign", "aligned_alloc", "memalign"}


@dataclass
class Cost:
    """Of one interval and a group of threads; callers: (caller, function of the allocator) -> calls."""

    instructions: int = 0
    callers: Counter = field(default_factory=Counter)


class Callgrind:
    def __init__(self, folder):
        if shutil.which("valgrind") is None:
            pytest.skip("valgrind is not installed")
        self.folder = folder
        self.dumps = 0

    @property
    def wrapper(self):
        """PHP sees no environment of this machine: how much there is of it would count. (Pipes of valgrind's are in TMPDIR.)"""
        kept = [f"{name}={os.environ[name]}" for name in ("PATH", "TMPDIR") if name in os.environ]
        return ("env", "-i", *kept, "valgrind", "--tool=callgrind", "--separate-threads=yes", "--compress-strings=no",
                f"--callgrind-out-file={self.folder}/out")  # fmt: skip

    @staticmethod
    def be_calm():
        """For preexec_fn: threads take turns on one processor, and one that is woken waits until the other sleeps. Without it the
        number of wake-ups varies, and the loop's instructions with it by 8 %."""
        processors = sorted(os.sched_getaffinity(0))
        runner = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0)
        os.sched_setaffinity(0, {processors[runner % len(processors)]})
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))

    def dump(self, server):
        """Ends an interval: {"loop": Cost, "workers": Cost} since the last one. "workers" are all threads but the loop."""
        done = subprocess.run(
            ["callgrind_control", "-d", str(server.process.pid)], capture_output=True, text=True, timeout=scaled(60), check=False
        )
        if "ptrace" in done.stdout + done.stderr:
            pytest.skip(f"valgrind may not trace here: {done.stderr}")
        assert done.returncode == 0, done.stdout + done.stderr
        self.dumps += 1
        costs = {"loop": Cost(), "workers": Cost()}
        files = list(self.folder.glob(f"out.{self.dumps}-*"))
        assert files, sorted(self.folder.iterdir())
        for path in files:
            self._add(path, costs["loop" if path.name.endswith("-01") else "workers"])
            path.unlink()
        return costs

    @staticmethod
    def _add(path, cost):
        caller = callee = ""
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            for line in file:
                key, _, value = line.rstrip("\n").partition("=")
                if key == "fn":
                    caller = value
                elif key == "cfn":
                    callee = value
                elif key == "calls" and callee in ALLOCATOR and caller not in ALLOCATOR:
                    cost.callers[caller, callee] += int(value.split()[0])
                elif line.startswith(("totals:", "summary:")):
                    total = int(line.split()[1])
        cost.instructions += total
