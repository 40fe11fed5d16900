"""Compares a run of php-src's web tests with php-fpm's; prints what is worse and "N passed, N failed, N skipped".

usage: phptweb_compare.py BASELINE LIST DIFFERENCES DIFF_FOLDER ONLY
SPDX-License-Identifier: MIT
"""

import pathlib
import re
import sys


def verdicts(path):
    rows = [line.split("\t") for line in pathlib.Path(path).read_text().splitlines()]
    return {row[1]: (row[0], row[2]) for row in rows if len(row) == 3}


def excuses(path):
    found = {}
    for line in pathlib.Path(path).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, colon, reason = line.partition(": ")
            if not colon or not reason.strip():
                sys.exit(f"{path}: a difference without a reason: {line}")
            found[name] = reason.strip()
    return found


def show_diff(folder, name):
    path = pathlib.Path(folder) / (name.replace("/", "__")[: -len(".phpt")] + ".diff")
    if path.exists():
        print("".join(f"    {line}\n" for line in path.read_text(errors="replace").splitlines()[:40]), end="")


def main(baseline, current, differences, folder, only):
    wanted = {n for n, (v, _) in verdicts(baseline).items() if v == "PASS" and re.search(only, n)}
    ours, excused = verdicts(current), excuses(differences)
    passed, failed, skipped = 0, 0, 0
    for name in sorted(wanted):
        verdict, why = ours.get(name, ("MISSING", "not among the tests that ran"))
        if verdict == "PASS":
            passed += 1
            if name in excused:
                print(f"{name} passes: take it out of {differences}")
        elif name in excused:
            skipped += 1
            print(f"DIFFERS {name}: {excused[name]}")
        else:
            failed += 1
            print(f"WORSE {name} ({verdict}: {why})")
            show_diff(folder, name)
    for name in sorted(set(ours) - wanted):
        verdict, why = ours[name]
        if verdict == "PASS":
            print(f"better than php-fpm: {name}")
        elif verdict == "FAIL":
            print(f"fails under php-fpm as well: {name}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
