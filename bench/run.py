#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures phpsrv and its peers as scenarios.toml says, prints tables and writes bench/results/<date>.json."""
import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from typing import Any, Callable, Dict, List

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)

# pylint: disable=wrong-import-position
from harness import facts, framework, memory, overload, report, servers, slow, throughput
from harness.children import stop_all
from harness.outcome import InvalidRun

KINDS = {
    "throughput": throughput.run,
    "memory": memory.run_memory,
    "connections": memory.run_connections,
    "overload": overload.run,
    "slow": slow.run,
}

ATTEMPTS = 4  # a round that others disturb is repeated until this many times the rounds have been made


class Options:
    """How long and how often; handed to every kind."""

    def __init__(self, arguments: argparse.Namespace):
        self.quick = arguments.quick
        self.rounds = arguments.rounds or (2 if arguments.quick else 7)
        self.seconds = arguments.seconds or (1 if arguments.quick else 3)
        self.warm_up = 1 if arguments.quick else 2
        self.foreign_max = arguments.foreign_max / 100

    def limited_rounds(self, scenario: Dict[str, Any]) -> int:
        return min(self.rounds, scenario.get("rounds_max", self.rounds))

    def pairs(self, measure: Callable[[], Dict[str, Dict[str, Any]]]) -> List[Dict[str, Any]]:
        """As many pairs of rounds as were asked for; those that others disturbed too much are repeated, in the end taken."""
        calm: List[Dict[str, Any]] = []
        disturbed: List[Dict[str, Any]] = []
        while len(calm) < self.rounds and len(calm) + len(disturbed) < ATTEMPTS * self.rounds:
            pair = measure()
            foreign = max(result["foreign_share"] for result in pair.values() if "foreign_share" in result)
            is_calm = foreign <= self.foreign_max
            (calm if is_calm else disturbed).append(pair)
            shown = ", ".join(
                f"{name} {result['requests_per_s']:,.0f}/s p99 {result['p99_us'] / 1000:.2f} ms" + ("" if result["is_valid"] else " INVALID")
                for name, result in pair.items() if "foreign_share" in result
            )  # fmt: skip
            self.progress(f"{len(calm)}/{self.rounds}: {shown}; others took {foreign:.0%}" + ("" if is_calm else ": once more"))
        disturbed.sort(key=lambda pair: max(result["foreign_share"] for result in pair.values() if "foreign_share" in result))
        return calm + disturbed[: self.rounds - len(calm)]

    @staticmethod
    def progress(line: str) -> None:
        print(f"    {line}", file=sys.stderr, flush=True)


def load_table() -> Dict[str, Any]:
    import tomllib  # pylint: disable=import-outside-toplevel

    with open(os.path.join(HERE, "scenarios.toml"), "rb") as file:
        table = tomllib.load(file)
    for scenario in table["scenario"]:
        unknown = [name for name in scenario["servers"] if name not in table["servers"]]
        if unknown or scenario["kind"] not in KINDS:
            raise SystemExit(f"scenarios.toml: {scenario['name']} has an unknown kind or server: {unknown or scenario['kind']}")
    return table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--list", action="store_true", help="show the scenarios")
    parser.add_argument("--scenario", action="append", default=[], metavar="NAME", help="only this one (may be given several times)")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each server (default 7)")
    parser.add_argument("--seconds", type=int, metavar="S", help="seconds of a round (default 3)")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 1 s: shows that everything works, its figures are noise")
    parser.add_argument("--foreign-max", type=float, default=100, metavar="PERCENT",
                        help="repeat a round in which other processes took more than that of the machine's CPU time")  # fmt: skip
    parser.add_argument("--peer-only", action="store_true", help="only the second server of the scenarios that have two")
    parser.add_argument("--own-only", action="store_true", help="only the first server of the scenarios that have two")
    parser.add_argument("--binary", default=os.environ.get("PHPSRV_BINARY") or os.path.join(ROOT, "build", "phpsrv"))
    parser.add_argument("--php", metavar="PREFIX", default=os.environ.get("PHPSRV_PHP_PREFIX", ""), help="of the PHP whose php-fpm is the peer")
    parser.add_argument("--output", metavar="FILE", help="where the results go (default bench/results/DATE.json)")
    return parser.parse_args()


def choose(table: Dict[str, Any], arguments: argparse.Namespace) -> List[Dict[str, Any]]:
    names = [scenario["name"] for scenario in table["scenario"]]
    unknown = [name for name in arguments.scenario if name not in names]
    if unknown:
        raise SystemExit(f"there is no scenario {', '.join(unknown)}; there are {', '.join(names)}")
    chosen = [scenario for scenario in table["scenario"] if not arguments.scenario or scenario["name"] in arguments.scenario]
    if arguments.peer_only or arguments.own_only:
        place = -1 if arguments.peer_only else 0
        chosen = [
            {**scenario, "servers": [scenario["servers"][place]], "target": {}} for scenario in chosen if len(scenario["servers"]) == 2
        ]
    return chosen


def make_site(folder: str) -> str:
    """The scripts and two files of a known length, old enough for opcache to keep them."""
    site = os.path.join(folder, "site")
    shutil.copytree(os.path.join(HERE, "site"), site)
    for name, length in (("1k.txt", 1024), ("100k.bin", 100 * 1024), ("10m.bin", 10 * 1024 * 1024)):
        with open(os.path.join(site, name), "wb") as file:
            file.write((b"0123456789abcdefghijklmnopqrstuvwxyz\n" * (length // 37 + 1))[:length])
    framework.make_classes(site)
    old = time.time() - 3600
    for parent, _, names in os.walk(site):
        for name in names:
            os.utime(os.path.join(parent, name), (old, old))
    return site


def run_all(chosen: List[Dict[str, Any]], table: Dict[str, Any], setup: servers.Setup, options: Options) -> List[Dict[str, Any]]:
    results = []
    for scenario in chosen:
        print(f"==> {scenario['name']}: {scenario['about']}", file=sys.stderr, flush=True)
        load_before = os.getloadavg()[0]
        try:
            result = KINDS[scenario["kind"]](setup, table["servers"], scenario, options)
        except (InvalidRun, RuntimeError, OSError) as problem:
            result = {"scenario": scenario["name"], "kind": scenario["kind"], "about": scenario["about"], "invalid": str(problem)}
        result["load_average_before"] = load_before
        results.append(result)
        if "invalid" in result:
            print(f"## {result['scenario']}: {result['about']}\n\nINVALID {result['invalid']}\n", flush=True)
        else:
            print(report.text(result), flush=True)
    return results


def write_results(results: List[Dict[str, Any]], machine: Dict[str, Any], setup: servers.Setup, options: Options, path: str) -> None:
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    document = {
        "machine": machine,
        "versions": facts.versions(setup.binary, setup.php_prefix),
        "command": " ".join(["bench/run.py"] + sys.argv[1:]),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "results": results,
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
    print(f"results: {os.path.relpath(path)}", file=sys.stderr)


def end_by_signal(number: int, _frame) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    arguments = parse_arguments()
    table = load_table()
    chosen = choose(table, arguments)
    if arguments.list:
        for scenario in chosen:
            print(f"{scenario['name']:<14}{scenario['kind']:<13}{' / '.join(scenario['servers']):<30}{scenario['about']}")
        return 0
    needs_binary = any(table["servers"][name]["kind"] == "phpsrv" for scenario in chosen for name in scenario["servers"])
    if needs_binary and not os.access(arguments.binary, os.X_OK):
        raise SystemExit(f"{arguments.binary} is not there: ./dev build makes it, --binary names another one")
    if not arguments.php:
        raise SystemExit("--php PREFIX (or PHPSRV_PHP_PREFIX, which ./dev bench sets) must name the PHP whose php-fpm is the peer")
    signal.signal(signal.SIGTERM, end_by_signal)
    signal.signal(signal.SIGHUP, end_by_signal)
    options = Options(arguments)
    machine = facts.machine()
    print(report.machine_line(machine), file=sys.stderr)
    date = machine["date"].replace(":", "").replace("+0000", "Z")
    output = arguments.output or os.path.join(HERE, "results", f"{date}.json")
    with tempfile.TemporaryDirectory(prefix="phpsrv-bench-") as folder:
        setup = servers.Setup(os.path.abspath(arguments.binary), arguments.php, make_site(folder), folder)
        try:
            results = run_all(chosen, table, setup, options)
        finally:
            stop_all()
        write_results(results, machine, setup, options, output)
    missed = [one for one in results if "invalid" in one or not all(item["holds"] for item in one["verdicts"])]
    print(f"{len(results) - len(missed)} of {len(results)} scenarios reach their targets" +
          (": not " + ", ".join(one["scenario"] for one in missed) if missed else ""))  # fmt: skip
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        stop_all()
        sys.exit(130)
