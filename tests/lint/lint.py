# SPDX-License-Identifier: MIT
"""Runs every check of this folder: lint.py [--root DIR] [--build DIR] [CHECK...]. Each check counts as one test."""
import argparse
import os
import sys
from typing import Callable, Dict, List

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

# pylint: disable=wrong-import-position
import budgets
import conflicts
import layers
import selftest
import symbols
import tools
from common import Problem, Skip

SHOWN = 40


def main() -> int:
    parser = argparse.ArgumentParser(description="the checks of the source text and of the object files")
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(HERE)))
    parser.add_argument("--build", default="build")
    parser.add_argument("checks", nargs="*")
    arguments = parser.parse_args()
    root = os.path.abspath(arguments.root)
    build = os.path.join(root, arguments.build)
    checks: Dict[str, Callable[[], List[Problem]]] = {
        "selftest": selftest.check,
        "layers": lambda: layers.check(root),
        "budgets": lambda: budgets.check(root),
        "conflicts": lambda: conflicts.check(root),
        "symbols": lambda: symbols.check(root, build),
        "format": lambda: tools.check_format(root),
        "scripts": lambda: tools.check_scripts(root),
        "spelling": lambda: tools.check_spelling(root),
    }
    unknown = [name for name in arguments.checks if name not in checks]
    if unknown:
        parser.error(f"no such check: {', '.join(unknown)} (there are {', '.join(checks)})")
    passed = failed = skipped = 0
    for name, function in checks.items():
        if arguments.checks and name not in arguments.checks:
            continue
        try:
            problems = function()
        except Skip as why:
            print(f"skip {name}: {why}")
            skipped += 1
            continue
        for problem in problems[:SHOWN]:
            print(f"  {problem}")
        if len(problems) > SHOWN:
            print(f"  ... and {len(problems) - SHOWN} more")
        print(f"{'FAIL' if problems else 'ok  '} {name}" + (f": {len(problems)} problems" if problems else ""))
        failed += bool(problems)
        passed += not problems
    if not arguments.checks:
        long = budgets.long_functions(root)
        if long:
            print(f"note: {len(long)} functions above {budgets.FUNCTION_LINES} lines; the longest: {long[0][1]}")
    print(f"lint: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
