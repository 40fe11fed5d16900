# SPDX-License-Identifier: MIT
"""Each check must fail on a bad sample and pass on a good one; else it guards nothing."""
import os
import subprocess
import tempfile
from typing import Dict, List

import budgets
import common
import conflicts
import layers
import symbols
import tools
from common import Problem, Skip

TABLE = """| floor | folder | may include | third-party headers |
|---|---|---|---|
| 0 | `src/base` | - | - |
| 2 | `src/observe` | base | - |
| 3 | `src/http` | base | - |
| 5 | `src/net` | base, http | `event2/*` |
| side | `sapi` | base | `php` |
| top | `src/main.c` | net, `sapi/php_executor.h` | - |
"""
LICENCE = "/* SPDX-License-Identifier: MIT */\n"


def tree(folder: str, files: Dict[str, str]) -> str:
    for path, text in {"docs/architecture.md": TABLE, **files}.items():
        full = os.path.join(folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
    return folder


# name, files, a word of the expected problem ("" = none)
LAYERS = [
    ("own and lower floor", {"src/base/a.h": "", "src/net/n.c": '#include "base/a.h"\n#include <event2/event.h>\n'}, ""),
    ("an upper floor", {"src/base/a.c": '#include "net/n.h"\n', "src/net/n.h": ""}, "may not include net/"),
    ("in a comment", {"src/base/a.c": '/* #include "net/n.h" */\n', "src/net/n.h": ""}, ""),
    ("libevent in base", {"src/base/a.c": "#include <event2/event.h>\n"}, "third-party"),
    ("PHP in net", {"src/net/n.c": "#include <php.h>\n"}, "third-party"),
    ("PHP in sapi", {"sapi/s.c": "#include <php.h>\n#include <Zend/zend_fibers.h>\n"}, ""),
    ("libevent in sapi", {"sapi/s.c": "#include <event2/event.h>\n"}, "third-party"),
    ("threads in http", {"src/http/h.c": "#include <pthread.h>\n"}, "pure"),
    ("net/if.h is Linux's, not ours", {"src/base/a.c": "#include <net/if.h>\n"}, ""),
    ("sapi from main", {"src/main.c": '#include "sapi/php_executor.h"\n', "sapi/php_executor.h": ""}, ""),
    ("too much of sapi from main", {"src/main.c": '#include "sapi/s.h"\n', "sapi/s.h": ""}, "may not include sapi/"),
    ("a folder without a row", {"src/attic/a.c": ""}, "no row"),
    ("headers in a circle", {"src/base/a.h": '#include "base/b.h"\n', "src/base/b.h": '#include "base/a.h"\n'}, "each other"),
]

# path, text, a word of the expected problem
CODE = [
    ("src/base/a.c", "int f(void)\n{\n    return 0;\n}\n", ""),
    ("src/base/a.c", "int f(void)\n{\n" + "    ;\n" * 120 + "}\n", "100 are the most"),
    ("src/base/a.c", "\n" * 700, "600 are the most"),
    ("src/base/a.h", "int f(void);\n", "pragma once"),
    ("src/os/a.c", "void f(char *a)\n{\n    strcpy(a, a);\n}\n", "strcpy() is banned"),
    ("src/os/a.c", "/* strcpy(a, b) */\nconst char *a = \"strcpy(\";\n", ""),
    ("src/os/a.c", "x->signal(1);\npsv_strcpy(1);\n", ""),
    ("src/os/a.c", "void *p = malloc(1);\n", "malloc() is banned"),
    ("src/base/memory.c", "void *p = malloc(1);\n", ""),
    ("sapi/a.c", "void *p = malloc(1); /* lint-allow: malloc: PHP frees it */\n", ""),
    ("sapi/a.c", "void *p = malloc(1); /* lint-allow: calloc: wrong name */\n", "malloc() is banned"),
]
TEXT = [
    ("a.c", "x \n", "blanks at the end"),
    ("a.c", "\tx\n", "tab"),
    ("a.c", "x" * 111 + "\n", "columns"),
    ("a.c", "x", "no line end"),
    ("a.c", "x\n", ""),
]

# Put together here, or this file would have some itself.
MARKS = [
    (b"a\n" + b"<" * 7 + b" HEAD\nb\n", ":2: a merge has left"),
    (b"=" * 7 + b"\r\n", ":1: a merge has left"),
    (b">" * 7 + b" 0a1b2c3 (area: subject)", ":1: a merge has left"),
    (b"|" * 7 + b" base\n", ":1: a merge has left"),
    (b"=" * 8 + b"\n" + b" " + b"<" * 7 + b" HEAD\n", ""),
    (b"\0\n" + b"=" * 7 + b"\n", ""),
]

# folder, C text, a word of the expected problem
OBJECTS = [
    ("http", "int psv_a(void) { return 0; }", ""),
    ("http", "int a(void) { return 0; }", "does not begin with psv_"),
    ("http", "int open(const char *); int psv_a(void) { return open(0); }", "pure"),
    ("net", "void zend_bailout(void); void psv_a(void) { zend_bailout(); }", "only sapi may use PHP"),
    ("net", "void _efree(void *); void psv_a(void) { _efree(0); }", "only sapi may use PHP"),
    ("sapi", "void php_info(void); void psv_a(void) { php_info(); }", ""),
    ("sapi", "void event_add(void); void psv_a(void) { event_add(); }", "only net may use libevent"),
    ("exec", "void SSL_read(void); void psv_a(void) { SSL_read(); }", "only net may use OpenSSL"),
]


def expect(what: str, problems: List[Problem], word: str, failures: List[Problem]) -> None:
    texts = [str(problem) for problem in problems]
    if word and not any(word in text for text in texts):
        failures.append(Problem("selftest", 0, f"{what}: expected '{word}', found {texts or 'nothing'}"))
    if not word and texts:
        failures.append(Problem("selftest", 0, f"{what}: expected nothing, found {texts}"))


def check_objects(folder: str, failures: List[Problem]) -> None:
    for owner, text, word in OBJECTS:
        source, target = os.path.join(folder, "sample.c"), os.path.join(folder, "sample.o")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        subprocess.run(["cc", "-w", "-c", source, "-o", target], check=True)
        expect(f"symbols of {owner}: {text}", symbols.check_symbols("sample.o", owner, symbols.nm(target, "-g")), word, failures)
    program = os.path.join(folder, "sample")
    for text, options, word in (("int main(void) { return 0; }", [], ""),
                                ("int psv_x; int main(void) { return psv_x; }", ["-rdynamic"], "exports")):
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        subprocess.run(["cc", "-w", *options, source, "-o", program], check=True)
        expect(f"program: {text}", symbols.check_program(program, "sample"), word, failures)


def check_conflicts(folder: str, failures: List[Problem]) -> None:
    """Files of every kind, but only those that git knows."""
    tree(folder, {"docs/a.md": "=" * 7 + "\n", "b": "=" * 7 + "\n", "unknown": "=" * 7 + "\n"})
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "add", "docs", "b"], cwd=folder, check=True)
    found = [problem.path for problem in conflicts.check(folder)]
    if found != ["b", "docs/a.md"]:
        failures.append(Problem("selftest", 0, f"conflicts: found {found}"))


def check_tools(folder: str, failures: List[Problem]) -> None:
    style = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.clang-format")
    with open(style, encoding="utf-8") as file:
        tree(folder, {".clang-format": file.read(), "src/base/a.c": "int  f( void ){return 0;}\n",
                      "third_party/a.sh": "#!/bin/sh\necho $1\n", "dev": "#!/bin/sh\nexit 0\n",
                      "docs/a.md": "rec" "ieve\n"})
    for name, function, word in (("format", tools.check_format, "not formatted"), ("scripts", tools.check_scripts, "quote"),
                                 ("spelling", tools.check_spelling, "spelling")):
        try:
            expect(name, function(folder), word, failures)
        except Skip:
            pass


def check() -> List[Problem]:
    failures: List[Problem] = []
    for name, files, word in LAYERS:
        with tempfile.TemporaryDirectory() as folder:
            expect(f"layers: {name}", layers.check(tree(folder, files)), word, failures)
    for path, text, word in CODE:
        expect(f"budgets: {path}: {text[:40]!r}", budgets.check_code(path, text), word, failures)
    expect("budgets: own header", budgets.check_code("src/base/a.c", "#include <stdio.h>\n", ["a.h", "a.c"]), "own header", failures)
    expect("budgets: own header", budgets.check_code("src/base/a.c", '#include "a.h"\n', ["a.h", "a.c"]), "", failures)
    for path, text, word in TEXT:
        expect(f"text: {text[:20]!r}", budgets.check_text(path, text), word, failures)
    for data, word in MARKS:
        expect(f"conflicts: {data!r}", conflicts.check_bytes("a", data), word, failures)
    with tempfile.TemporaryDirectory() as folder:
        check_conflicts(folder, failures)
    with tempfile.TemporaryDirectory() as folder:
        expect("licence", budgets.check(tree(folder, {"src/base/a.c": "\n"})), "no line with", failures)
        expect("licence", budgets.check(tree(folder, {"src/base/a.c": LICENCE})), "", failures)
        check_objects(folder, failures)
    with tempfile.TemporaryDirectory() as folder:
        check_tools(folder, failures)
    if common.without_comments('a /* b\n */ "c//d" // e\n').split() != ["a", '"', '"']:
        failures.append(Problem("selftest", 0, "comments and strings are not blanked"))
    return failures
