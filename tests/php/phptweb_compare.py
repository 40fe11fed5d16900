"""Compares a run of php-src's tests with php-fpm's; prints what is worse and "N passed, N failed, N skipped".

usage: phptweb_compare.py BASELINE LIST DIFFERENCES DIFF_FOLDER ONLY [--worse]
       phptweb_compare.py --left-out DIFFERENCES
--worse prints only the names of what is worse, as a regular expression; --left-out that of what is not to be run.
SPDX-License-Identifier: MIT
"""

import pathlib
import re
import sys


def verdicts(path):
    rows = [line.split("\t") for line in pathlib.Path(path).read_text().splitlines()]
    return {row[1]: (row[0], row[2]) for row in rows if len(row) == 3}


def excuses(path):
    """{name: reason}; a name after a ! is not run at all."""
    found = {}
    for line in pathlib.Path(path).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, colon, reason = line.partition(": ")
            if not colon or not reason.strip():
                sys.exit(f"{path}: a difference without a reason: {line}")
            found[name] = reason.strip()
    return found


def as_pattern(names):
    return "|".join(re.escape(name) for name in sorted(names))


def show_diff(folder, name):
    path = pathlib.Path(folder) / (name.replace("/", "__")[: -len(".phpt")] + ".diff")
    if path.exists():
        print("".join(f"    {line}\n" for line in path.read_text(errors="replace").splitlines()[:40]), end="")


def main(baseline, current, differences, folder, only, worse_only=""):
    wanted = {n for n, (v, _) in verdicts(baseline).items() if v == "PASS" and re.search(only, n)}
    ours, excused = verdicts(current), excuses(differences)
    for name in [name for name in excused if name.startswith("!")]:
        excused[name[1:]] = excused.pop(name)
        ours.setdefault(name[1:], ("LEFT OUT", ""))
    worse = [name for name in sorted(wanted) if name not in excused and ours.get(name, ("MISSING", ""))[0] != "PASS"]
    if worse_only:
        print(as_pattern(worse))
        return 0
    skipped = 0
    for name in sorted(wanted & set(excused)):
        if ours.get(name, ("MISSING", ""))[0] == "PASS":
            print(f"{name} passes: take it out of {differences}")
        else:
            skipped += 1
            print(f"DIFFERS {name}: {excused[name]}")
    for name in worse:
        verdict, why = ours.get(name, ("MISSING", "not among the tests that ran"))
        print(f"WORSE {name} ({verdict}: {why})")
        show_diff(folder, name)
    for name in sorted(set(ours) - wanted):
        verdict, why = ours[name]
        if verdict == "PASS":
            print(f"better than php-fpm: {name}")
        elif verdict == "FAIL":
            print(f"fails under php-fpm as well: {name}")
    print(f"{len(wanted) - len(worse) - skipped} passed, {len(worse)} failed, {skipped} skipped")
    return 1 if worse else 0


if __name__ == "__main__":
    if sys.argv[1] == "--left-out":
        print(as_pattern(name[1:] for name in excuses(sys.argv[2]) if name.startswith("!")))
    else:
        sys.exit(main(*sys.argv[1:]))
