# SPDX-License-Identifier: MIT
"""Checks made by other programs, where they are there: clang-format, shellcheck, codespell."""
import os
import re
import shutil
import subprocess
from typing import List

import common
from common import Problem, Skip

IGNORED_WORDS = "crate,ot,te,inout,ue,sie,nd,fo,ser,mot,hel,wit,ans,numer"


def run(program: str, arguments: List[str], root: str) -> subprocess.CompletedProcess:
    if shutil.which(program) is None:
        raise Skip(f"{program} is not there")
    return subprocess.run([program, *arguments], cwd=root, capture_output=True, text=True, check=False)


def check_format(root: str) -> List[Problem]:
    files = list(common.files(root, ["src", "sapi", "include", "tests", "bench"]))
    if not files:
        return []
    done = run("clang-format-14", ["--dry-run", "--ferror-limit=1", *files], root)
    problems = []
    for line in done.stderr.splitlines():
        match = re.match(r"^(.+?):(\d+):\d+: (?:warning|error): code should be clang-formatted", line)
        if match:
            problems.append(Problem(match.group(1), int(match.group(2)), "not formatted: ./dev fmt"))
    if done.returncode != 0 and not problems:
        problems.append(Problem(".clang-format", 0, done.stderr.strip()))
    return problems


def shell_scripts(root: str) -> List[str]:
    found = list(common.files(root, ["third_party", "tests", "bench", "docker"], (".sh",)))
    return found + [name for name in ("dev", ".ci/run") if os.path.exists(os.path.join(root, name))]


def check_scripts(root: str) -> List[Problem]:
    done = run("shellcheck", ["-x", "-f", "gcc", *shell_scripts(root)], root)
    problems = []
    for line in done.stdout.splitlines():
        match = re.match(r"^(.+?):(\d+):\d+: (.*)$", line)
        if match:
            problems.append(Problem(match.group(1), int(match.group(2)), match.group(3)))
    return problems


def check_spelling(root: str) -> List[Problem]:
    places = [name for name in ("src", "sapi", "include", "docs", "third_party", "tests/lint", "tests/unit", "tests/proto", "README.md", "dev")
              if os.path.exists(os.path.join(root, name))]
    done = run("codespell", ["-L", IGNORED_WORDS, "-S", "*.pem,*.bin,__pycache__,seeds", *places], root)
    problems = []
    for line in done.stdout.splitlines():
        match = re.match(r"^(?:\./)?(.+?):(\d+): (.*)$", line)
        if match:
            problems.append(Problem(match.group(1), int(match.group(2)), "spelling: " + match.group(3)))
    return problems
