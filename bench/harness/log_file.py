# SPDX-License-Identifier: MIT
"""The log file of a server under test: warm memory before the rounds, an empty file for each, every line counted after it.

A page of a file is a page of memory. On a virtual machine one that the guest has never touched costs the host a page fault when
the first line is written into it, which is paid once in the life of the machine and has nothing to do with the server: see README.md."""
import os
import time
from typing import Any, Dict

CHUNK = b"\0" * (1 << 20)
# What a file gives back is not the first that the next one gets: write more than a round does.
MARGIN = 4
SETTLE_SECONDS = 3


class LogFile:
    """A file that the server appends to (O_APPEND): it may be emptied at any time."""

    def __init__(self, path: str):
        self.path = path

    def clear(self) -> None:
        """Also keeps what was logged from being written to the disk during another server's round."""
        os.truncate(self.path, 0)

    def warm(self, seconds_logged: float, seconds_of_round: float) -> None:
        """Touches the memory that a round will need, judged by what is in the file; leaves it to the kernel as free, and the file empty."""
        count = int(os.path.getsize(self.path) / seconds_logged * seconds_of_round * MARGIN) // len(CHUNK) + 1
        self.clear()
        path = self.path + ".warm"
        with open(path, "wb", buffering=0) as file:
            for _ in range(count):
                file.write(CHUNK)
        os.unlink(path)

    def check(self, result: Dict[str, Any]) -> None:
        """A round in which a line is missing is no valid one."""
        end = time.monotonic() + SETTLE_SECONDS
        while (lines := self._count_lines()) < result["requests"] and time.monotonic() < end:
            time.sleep(0.05)
        result["log_bytes_per_request"] = os.path.getsize(self.path) / max(lines, 1)
        missing = max(result["requests"] - lines, 0)
        if missing:
            result["errors"]["lines missing in the log"] = missing
            result["errors_total"] += missing
            result["is_valid"] = False

    def _count_lines(self) -> int:
        lines = 0
        with open(self.path, "rb", buffering=0) as file:
            while chunk := file.read(len(CHUNK)):
                lines += chunk.count(b"\n")
        return lines
