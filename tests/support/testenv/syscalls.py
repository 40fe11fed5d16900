"""System calls of one thread, counted by strace.

SPDX-License-Identifier: MIT
"""

import pathlib
import re
import shutil
import signal
import subprocess

import pytest

from .clock import wait_until


def count_syscalls(server, thread_id, work):
    """System calls of one thread while work() runs: {name: count}. Skips the test where tracing is not possible."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    strace = subprocess.Popen(
        ["strace", "-q", "-c", "-p", str(thread_id)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    status = pathlib.Path(f"/proc/{server.pid}/task/{thread_id}/status")

    def is_traced():
        if strace.poll() is not None:
            complaint = strace.stderr.read()
            if "ptrace" in complaint or "not permitted" in complaint:
                pytest.skip(f"tracing is not allowed here: {complaint}")
            raise AssertionError(complaint)
        return int(re.search(r"TracerPid:\s+(\d+)", status.read_text(encoding="ascii")).group(1)) == strace.pid

    try:
        wait_until(is_traced, "strace is attached")
        work()
    finally:
        if strace.poll() is None:
            strace.send_signal(signal.SIGINT)
        _, report = strace.communicate()
    counts = {}
    for line in report.splitlines():
        match = re.fullmatch(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)", line)
        if match and match.group(2) != "total":
            counts[match.group(2)] = int(match.group(1))
    return counts
