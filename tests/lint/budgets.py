# SPDX-License-Identifier: MIT
"""Budgets and habits that a program can count: lengths, banned functions, licence lines, the order of includes."""
import os
import re
from typing import List, Tuple

import common
from common import Problem

FILE_LINES = 600
FUNCTION_LINES = 60  # the aim: reported, not failed
FUNCTION_LINES_MOST = 100
COLUMNS = 110
# Function -> what to use instead.
BANNED = {
    "strcpy strcat stpcpy": "bytes or a buffer",
    "sprintf vsprintf": "snprintf or a buffer",
    "strtok gets": "base/bytes.h",
    "atoi atol atoll atof strtol strtoul strtoll strtoull strtod": "base/text_parse.h",
    "gmtime localtime asctime ctime": "the _r form, or http/date.h",
    "strerror": "strerror_r or base/error.h",
    "alloca": "the arena",
    "rand srand random srandom": "base/random.h",
    "system popen": "nothing: this program starts no shells",
    "signal": "os/process.h",
    "assert": "INVARIANT or UNREACHABLE of base/assert.h",
}
HEAP = {"malloc calloc realloc strdup strndup asprintf vasprintf reallocarray": "base/memory.h, so that tests can make it fail"}
# The line says which function and why: /* lint-allow: malloc: PHP frees this text itself */
ALLOW = re.compile(r"lint-allow:\s*(\w+):\s*\S")
LICENCE = "SPDX-License-Identifier: MIT"
# PHP's headers set feature macros and come before all others; this one of sapi's brings them.
COMPAT = "php_compat.h"
SCRIPTS = (".py", ".sh", ".cmake")


def banned_calls(path: str, text: str) -> List[Problem]:
    tables = dict(BANNED)
    if not path.startswith("src/base/"):
        tables.update(HEAP)
    instead = {name: advice for names, advice in tables.items() for name in names.split()}
    # Not after a dot, an arrow or a letter: a member or a longer name; not a declaration of our own.
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(instead) + r")\s*\(")
    lines = text.splitlines()
    problems = []
    for number, line in enumerate(common.without_comments(text).splitlines(), 1):
        for match in pattern.finditer(line):
            allowed = ALLOW.search(lines[number - 1]) or (number > 1 and ALLOW.search(lines[number - 2]))
            if allowed and allowed.group(1) == match.group(1):
                continue
            problems.append(Problem(path, number, f"{match.group(1)}() is banned: use {instead[match.group(1)]}"))
    return problems


def functions(text: str) -> List[Tuple[int, int, str]]:
    """(first line, lines, name) of each function: a body starts with { and ends with } at the first column."""
    lines = common.without_comments(text).splitlines()
    found, start, name = [], 0, ""
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start, name = number, ""
            for back in range(number - 1, max(number - 12, 0), -1):
                match = re.match(r"^[A-Za-z_].*?(\w+)\s*\(", lines[back - 1])
                if match:
                    name = match.group(1)
                    break
        elif line.startswith("}") and start:
            found.append((start, number - start + 1, name))
            start = 0
    return found


def check_text(path: str, text: str) -> List[Problem]:
    """Rules for every text file of the project."""
    problems = []
    for number, line in enumerate(text.splitlines(), 1):
        if line != line.rstrip():
            problems.append(Problem(path, number, "blanks at the end of the line"))
        if "\t" in line:
            problems.append(Problem(path, number, "a tab"))
        if len(line) > COLUMNS and path.endswith(common.CODE_SUFFIXES):
            problems.append(Problem(path, number, f"{len(line)} columns, {COLUMNS} are the most"))
    if text and not text.endswith("\n"):
        problems.append(Problem(path, text.count("\n") + 1, "no line end at the end of the file"))
    return problems


def check_code(path: str, text: str, beside=None) -> List[Problem]:
    """Rules for src, sapi and include. beside: names of the files in the same folder."""
    problems = []
    lines = text.count("\n")
    if lines > FILE_LINES:
        problems.append(Problem(path, 0, f"{lines} lines, {FILE_LINES} are the most"))
    for first, length, name in functions(text):
        if length > FUNCTION_LINES_MOST:
            problems.append(Problem(path, first, f"{name}() has {length} lines, {FUNCTION_LINES_MOST} are the most"))
    if path.endswith(".h") and not re.search(r"^#pragma once$", text, re.M):
        problems.append(Problem(path, 1, "a header without #pragma once"))
    if path.endswith((".c", ".cc")):
        own = os.path.splitext(os.path.basename(path))[0] + ".h"
        included = re.findall(r'^#\s*include\s*[<"]([^>"]+)', common.without_comments(text, keep_strings=True), re.M)
        if included[:1] == [COMPAT]:
            included = included[1:]
        if beside is not None and own in beside and included[:1] != [own]:
            problems.append(Problem(path, 1, f'the first include must be its own header, "{own}"'))
    return problems + banned_calls(path, text)


def long_functions(root: str) -> List[Tuple[int, str]]:
    """Functions beyond the aim but within the limit, longest first."""
    found = []
    for path in common.files(root, ["src", "sapi"]):
        for first, length, name in functions(common.read(root, path)):
            if FUNCTION_LINES < length <= FUNCTION_LINES_MOST:
                found.append((length, f"{path}:{first} {name}() {length} lines"))
    return sorted(found, reverse=True)


def check(root: str) -> List[Problem]:
    problems: List[Problem] = []
    for path in common.files(root, ["src", "sapi", "include"]):
        text = common.read(root, path)
        beside = os.listdir(os.path.join(root, os.path.dirname(path)))
        problems += check_code(path, text, beside)
    scripts = [name for name in ("CMakeLists.txt", "dev", ".ci/run") if os.path.exists(os.path.join(root, name))]
    code = list(common.files(root, ["src", "sapi", "include", "tests", "third_party", "bench", "docker"], common.CODE_SUFFIXES + SCRIPTS))
    code += [path for path in common.files(root, ["tests"], ("CMakeLists.txt",))]
    for path in code + scripts:
        text = common.read(root, path)
        # The first lines: after a script's #!, or at the end of a comment that explains the whole file.
        if text and LICENCE not in "\n".join(text.splitlines()[:24]):
            problems.append(Problem(path, 1, f"no line with {LICENCE}"))
        problems += check_text(path, text)
    return problems
