# SPDX-License-Identifier: MIT
"""Marks that a merge leaves where it could not decide, in every file that git knows."""
import os
import re
import subprocess
from typing import List

from common import Problem, Skip

# With what follows them in a conflict: a name, or nothing.
MARK = re.compile(rb"^(<{7}|={7}|>{7}|\|{7})(?: .*)?\r?$", re.M)


def check_bytes(path: str, data: bytes) -> List[Problem]:
    if b"\0" in data:
        return []
    return [
        Problem(path, data.count(b"\n", 0, match.start()) + 1, f"a merge has left {match.group(1).decode()} here")
        for match in MARK.finditer(data)
    ]


def check(root: str) -> List[Problem]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=False)
    if done.returncode != 0:
        raise Skip("this is no git working tree")
    problems = []
    for name in sorted(filter(None, done.stdout.decode().split("\0"))):
        path = os.path.join(root, name)
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "rb") as file:
                problems += check_bytes(name, file.read())
    return problems
