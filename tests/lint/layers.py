# SPDX-License-Identifier: MIT
"""Compares every #include with the table of floors, and looks for cycles inside a floor."""
import fnmatch
import os
import re
from typing import Dict, List

import common
from common import Floor, Problem

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
# libc and Linux. A name that is not here belongs to somebody else.
SYSTEM = set(
    "assert.h ctype.h dirent.h dlfcn.h endian.h err.h errno.h execinfo.h fcntl.h float.h fnmatch.h getopt.h glob.h grp.h inttypes.h limits.h locale.h "
    "malloc.h math.h netdb.h poll.h pthread.h pwd.h sched.h semaphore.h setjmp.h signal.h spawn.h stdalign.h stdarg.h "
    "stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h stdnoreturn.h string.h strings.h syslog.h termios.h threads.h "
    "time.h unistd.h utime.h wchar.h "
    "algorithm array cstddef cstdint cstdio cstdlib cstring exception functional initializer_list iterator limits map memory "
    "new optional sstream string string_view tuple type_traits utility variant vector".split()
)
SYSTEM_FOLDERS = ("sanitizer/", "sys/", "linux/", "asm/", "asm-generic/", "net/if", "netinet/", "arpa/")
# http/ is pure: no I/O, no threads, no clock.
IMPURE = ("sys/", "linux/", "netinet/", "arpa/", "pthread.h", "threads.h", "unistd.h", "fcntl.h", "poll.h", "signal.h", "dirent.h")
PURE = {"http"}
FOREIGN = re.compile(r"^(event2|openssl|nghttp2|llhttp|brotli|curl|toml\+\+)(/|\.)|^(zlib|zstd|crypt|pcre2|php|SAPI|zend\w*)\.h$|^(main|Zend|TSRM|ext)/")


def is_system(header: str) -> bool:
    return header in SYSTEM or header.startswith(SYSTEM_FOLDERS)


def foreign_allowed(header: str, floor: Floor) -> bool:
    for pattern in floor.third_party:
        # PHP's headers have no common prefix: in its folder, all that is nobody else's counts as PHP's.
        if pattern == "php" and not re.match(r"^(event2|openssl|nghttp2|llhttp|brotli|toml)", header):
            return True
        if fnmatch.fnmatch(header, pattern):
            return True
    return False


def check_include(path: str, name: str, floor: Floor, header: str, table: Dict[str, Floor]) -> str:
    """What is wrong with this include, or nothing."""
    first, _, rest = header.partition("/")
    if first == "phpsrv":
        return ""
    if header == "psv_version.h":
        return "" if name in ("server", "supervise", "sapi", "main.c") else "only server, supervise, sapi and main.c know the version"
    if rest and first in table and not is_system(header):
        if first == name or first in floor.may_use or header in floor.may_use:
            return ""
        return f'{floor.path} may not include {first}/ ("{header}")'
    if is_system(header):
        if name in PURE and header.startswith(IMPURE):
            return f"{floor.path} is pure and may not include <{header}>"
        return ""
    if not rest and os.path.exists(os.path.join(os.path.dirname(path), header)):
        return ""
    if foreign_allowed(header, floor):
        return ""
    return f"{floor.path} may not include <{header}>: not among its third-party headers"


def folder_of(path: str) -> str:
    if path == "src/main.c":
        return "main.c"
    if path.startswith("include/"):
        return "phpsrv"
    parts = path.split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 else parts[0]


def cycles(graph: Dict[str, Dict[str, tuple]]) -> List[List[str]]:
    """Each strongly connected set of more than one name (Tarjan)."""
    index, low, on_stack, stack, found = {}, {}, set(), [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        on_stack.add(node)
        for other in graph.get(node, {}):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in on_stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = []
            while True:
                member = stack.pop()
                on_stack.discard(member)
                group.append(member)
                if member == node:
                    break
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def check(root: str) -> List[Problem]:
    table = common.floors(root)
    problems: List[Problem] = []
    headers: Dict[str, Dict[str, tuple]] = {}
    folders: Dict[str, Dict[str, tuple]] = {}
    for path in common.files(root, ["src", "sapi", "include"]):
        text = common.without_comments(common.read(root, path), keep_strings=True)
        name = folder_of(path)
        floor = table.get(name)
        if floor is None:
            problems.append(Problem(path, 0, f"the folder {name} has no row in docs/architecture.md"))
            continue
        for match in INCLUDE.finditer(text):
            header = match.group(2)
            line = text.count("\n", 0, match.start()) + 1
            wrong = check_include(os.path.join(root, path), name, floor, header, table)
            if wrong:
                problems.append(Problem(path, line, wrong))
            beside = os.path.join(os.path.dirname(path), header)
            target = beside if os.path.exists(os.path.join(root, beside)) else None
            for place in ("src", ".", "include"):
                full = os.path.normpath(os.path.join(place, header))
                if target is None and os.path.exists(os.path.join(root, full)) and "/" in header:
                    target = full
            if target is None:
                continue
            if path.endswith(".h") and target.endswith(".h"):
                headers.setdefault(path, {})[target] = (line,)
            if name != "phpsrv" and folder_of(target) not in (name, "phpsrv"):
                folders.setdefault(name, {})[folder_of(target)] = (path, line)
    for group in cycles(headers):
        problems.append(Problem(group[0], 0, "headers include each other: " + ", ".join(group)))
    for group in cycles(folders):
        problems.append(Problem(table[group[0]].path, 0, "folders include each other: " + ", ".join(group)))
    return problems
