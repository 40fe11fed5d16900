"""budgets.toml: what a request may cost, what that was measured with, and the judgement of a measured figure.

SPDX-License-Identifier: MIT
"""

import pathlib
import platform
import re
import tomllib

from testenv import binary_path, run_binary

PATH = pathlib.Path(__file__).with_name("budgets.toml")
# ./dev budgets --update writes what follows this line anew, and leaves what precedes it.
MEASURED = "# ---- measured: written by ./dev budgets --update"


def load():
    return tomllib.loads(PATH.read_text(encoding="utf-8"))


def judge(name, measured, budget, tolerance_percent, background=0):
    """None, or what is wrong: a figure may be above its budget by the tolerance, or by what timers make now and then."""
    if measured <= budget + max(budget * tolerance_percent / 100, background):
        return None
    by = f"{(measured / budget - 1) * 100:.1f} % more than" if budget else "more than"
    return f"{name}: {measured:g} for a request, {by} the budget of {budget:g} (tests/budgets/budgets.toml)"


def is_slack(measured, budget, tolerance_percent):
    """A budget so far above what is needed that it would let a loss through."""
    return measured < budget * (1 - tolerance_percent / 100)


# ---- what instructions depend on


def conditions():
    """Figures are compared between equals only."""
    return {
        "php": _php_version(),
        "compiler": _compiler(),
        "build": _build(),
        "architecture": platform.machine(),
        "vectors": _vectors(),
        "libc": " ".join(platform.libc_ver()),
    }


def difference(expected):
    """None, or the first thing in which this machine and program differ from what the table was made with."""
    actual = conditions()
    for key, value in expected.items():
        if actual[key] != value:
            return f"{key}: {actual[key] or 'unknown'} here, the budgets are for {value}"
    return None


def _php_version():
    match = re.search(r"^\s*php\s+(\S+)", run_binary("--version").stdout, re.MULTILINE)
    return match.group(1) if match else "none"


def _cache():
    """What CMake remembers beside the program, {name: value}; empty for one that is installed."""
    path = pathlib.Path(binary_path()).with_name("CMakeCache.txt")
    if not path.is_file():
        return {}
    return dict(re.findall(r"^(\w+):\w+=(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE))


def _compiler():
    """Such as "GNU 12": the name and the major version."""
    for path in pathlib.Path(binary_path()).parent.glob("CMakeFiles/*/CMakeCCompiler.cmake"):
        found = dict(re.findall(r'^set\(CMAKE_C_COMPILER_(ID|VERSION) "([^"]*)"\)', path.read_text(encoding="utf-8"), re.MULTILINE))
        return f"{found['ID']} {found['VERSION'].split('.')[0]}"
    return None


def _build():
    cache = _cache()
    extras = [name.removeprefix("PHPSRV_").lower() for name in ("PHPSRV_LTO", "PHPSRV_PGO", "PHPSRV_SANITIZE", "PHPSRV_COVERAGE", "PHPSRV_FUZZ")
              if cache.get(name, "") not in ("", "OFF")]  # fmt: skip
    return " ".join([cache.get("CMAKE_BUILD_TYPE", ""), *extras]).strip() or None


def _vectors():
    """The C library and PHP choose some functions by these."""
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return "avx2" if flags and "avx2" in flags.group(1).split() else "base"


# ---- writing


def write(figures):
    """figures: {case: {"instructions": {"loop": n, "workers": n}, "allocations": ...}}."""
    hand_written, mark, _ = PATH.read_text(encoding="utf-8").partition(MEASURED)
    assert mark, f"{PATH} has lost its line {MEASURED!r}"
    lines = [hand_written + mark, "", "[conditions]"]
    lines += [f'{key} = "{value}"' for key, value in conditions().items()]
    for kind in ("instructions", "allocations"):
        for case, kinds in figures.items():
            lines += ["", f"[{kind}.{case}]"]
            lines += [f"{thread} = {round(value, 2):g}" if value < 1000 else f"{thread} = {value:_.0f}" for thread, value in kinds[kind].items()]
    PATH.write_text("\n".join(lines) + "\n", encoding="utf-8")
