# SPDX-License-Identifier: MIT
"""What the checks share: the tree's files, C text without comments, and the table of floors."""
import os
import re
from typing import Dict, Iterator, List, NamedTuple, Set

CODE_SUFFIXES = (".c", ".h", ".cc")
# Made by PHP's generator from a .stub.php: its style is PHP's.
GENERATED = re.compile(r"_arginfo\.h$")


class Problem(NamedTuple):
    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}" if self.line else f"{self.path}: {self.text}"


class Skip(Exception):
    """A check that cannot be made on this machine, and why."""


class Floor(NamedTuple):
    level: str
    path: str  # folder, or src/main.c
    may_use: Set[str]  # folder names; or single headers such as sapi/php_executor.h
    third_party: List[str]  # header patterns; "php" stands for all of PHP's


def files(root: str, folders: List[str], suffixes=CODE_SUFFIXES) -> Iterator[str]:
    """Paths relative to root, sorted; generated files are left out."""
    for folder in folders:
        for where, subfolders, names in os.walk(os.path.join(root, folder)):
            subfolders.sort()
            subfolders[:] = [name for name in subfolders if name not in ("__pycache__", "node_modules", "vendor")]
            for name in sorted(names):
                if name.endswith(tuple(suffixes)) and not GENERATED.search(name):
                    yield os.path.relpath(os.path.join(where, name), root)


def read(root: str, path: str) -> str:
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def without_comments(text: str, keep_strings: bool = False) -> str:
    """The text with comments (and strings) blanked, each line still on its line."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        token = match.group(0)
        if token.startswith("/"):
            return "".join("\n" if letter == "\n" else " " for letter in token)
        return token if keep_strings else token[0] + " " * (len(token) - 2) + token[-1]

    return pattern.sub(blank, text)


def floors(root: str) -> Dict[str, Floor]:
    """The table of docs/architecture.md, by the last part of the folder's path (main.c for the top)."""
    table = {}
    for line in read(root, "docs/architecture.md").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or len(cells) < 4 or not re.match(r"^(\d+|public|side|top)$", cells[0]):
            continue
        path = re.search(r"`([^`]+)`", cells[1]).group(1).rstrip("/")
        uses = [part.strip().strip("`").rstrip("/") for part in cells[2].split(",")]
        third = [part.strip().strip("`") for part in cells[3].split(",")]
        name = os.path.basename(path)
        table[name] = Floor(cells[0], path, {use for use in uses if use != "-"}, [item for item in third if item != "-"])
    if not table:
        raise ValueError("docs/architecture.md has no table of floors (| floor | folder | may include | third-party headers |)")
    return table
