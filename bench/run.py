#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures phpsrv and its peers as scenarios.toml, curves.toml and variants.toml say: prints tables, writes bench/results/<date>.json, .md and pictures."""
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

# pylint: disable=wrong-import-position,unused-import
from harness import compare, curve, facts, framework, limits, memory, overload, paced, peers, publish, report, servers, slow, sse, throughput, variants
from harness.children import stop_all
from harness.outcome import InvalidRun, Unavailable

KINDS = {
    "throughput": throughput.run,
    "variants": variants.run,
    "limits": limits.run,
    "curve": curve.run,
    "paced": paced.run_paced,
    "goodput": paced.run_goodput,
    "sse": sse.run,
    "memory": memory.run_memory,
    "connections": memory.run_connections,
    "overload": overload.run,
    "slow": slow.run,
}
TABLES = ("servers.toml", "scenarios.toml", "curves.toml", "variants.toml")

OPENED_PER_S = 4000  # connections, for estimates
ATTEMPTS = 4  # a round that others disturb is repeated until this many times the rounds have been made


class Options:
    """How long and how often; handed to every kind."""

    def __init__(self, arguments: argparse.Namespace):
        self.quick = arguments.quick
        self.rounds_asked = arguments.rounds or (2 if arguments.quick else 5)
        self.rounds = self.rounds_asked
        self.seconds_asked = arguments.seconds or (1 if arguments.quick else 2)
        self.seconds = self.seconds_asked
        self.warm_up = 1
        self.foreign_max_asked = arguments.foreign_max / 100
        self.foreign_max = self.foreign_max_asked
        self.counts_calls = not arguments.no_system_calls

    def use(self, scenario: Dict[str, Any]) -> None:
        """A scenario may want fewer rounds than were asked for, or longer ones."""
        least = scenario.get("seconds_min", 0)
        self.seconds = max(self.seconds_asked, least // 2 if self.quick else least)
        self.rounds = self.limited_rounds(scenario)
        self.foreign_max = self.foreign_max_asked + scenario.get("database_percent", 0) / 100

    def limited_rounds(self, scenario: Dict[str, Any]) -> int:
        return min(self.rounds_asked, scenario.get("rounds_max", self.rounds_asked))

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
                f"{name} {result['requests_per_s']:,.0f}/s" + (f" p99 {result['p99_us'] / 1000:.2f} ms" if "p99_us" in result else "") +
                ("" if result["is_valid"] else f" INVALID {result['errors']}")
                for name, result in pair.items() if "foreign_share" in result
            )  # fmt: skip
            self.progress(f"{len(calm)}/{self.rounds}: {shown}; others took {foreign:.0%}" + ("" if is_calm else ": once more"))
        disturbed.sort(key=lambda pair: max(result["foreign_share"] for result in pair.values() if "foreign_share" in result))
        return calm + disturbed[: self.rounds - len(calm)]

    @staticmethod
    def progress(line: str) -> None:
        print(f"    {line}", file=sys.stderr, flush=True)


def load_tables() -> Dict[str, Any]:
    import tomllib  # pylint: disable=import-outside-toplevel

    table: Dict[str, Any] = {"servers": {}, "scenario": []}
    for name in TABLES:
        with open(os.path.join(HERE, name), "rb") as file:
            part = tomllib.load(file)
        table["servers"].update(part.get("servers", {}))
        table["scenario"] += part.get("scenario", [])
    for scenario in table["scenario"]:
        used = scenario["servers"] + scenario.get("also", []) + scenario.get("variants", []) + ([scenario["limit"]] if "limit" in scenario else [])
        unknown = [name for name in used if name not in table["servers"]]
        if unknown or scenario["kind"] not in KINDS or "group" not in scenario:
            raise SystemExit(f"{scenario['name']} has an unknown kind or server, or no group: {unknown or scenario['kind']}")
    return table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="SCENARIO|GROUP", help="only these (default: all)")
    parser.add_argument("--list", action="store_true", help="show scenarios and groups, and how long they take")
    parser.add_argument("--scenario", action="append", default=[], metavar="NAME", help="the same as NAME")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each server (default 5)")
    parser.add_argument("--seconds", type=int, metavar="S", help="seconds of a round (default 2)")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 1 s: shows that everything works, its figures are noise")
    parser.add_argument("--foreign-max", type=float, default=100, metavar="PERCENT",
                        help="repeat a round in which other processes took more than that of the machine's CPU time")  # fmt: skip
    parser.add_argument("--peer-only", action="store_true", help="only the second server of the scenarios that have two")
    parser.add_argument("--own-only", action="store_true", help="only the first server of the scenarios that have two")
    parser.add_argument("--main-only", action="store_true", help="without the further peers: Apache, php -S and whatever else is there")
    parser.add_argument("--no-system-calls", action="store_true", help="leave the rounds out in which system calls are counted")
    parser.add_argument("--binary", default=os.environ.get("PHPSRV_BINARY") or os.path.join(ROOT, "build", "release", "phpsrv"))
    parser.add_argument("--php", metavar="PREFIX", default=os.environ.get("PHPSRV_PHP_PREFIX", ""), help="of the PHP whose php-fpm is the peer")
    parser.add_argument("--output", metavar="FILE", help="where the results go (default bench/results/DATE.json; tables and pictures beside it)")
    parser.add_argument("--compare", nargs="+", metavar="FILE",
                        help="an earlier result: after measuring, say which differences are noise; two files: compare them, measure nothing")  # fmt: skip
    parser.add_argument("--publish", nargs="+", metavar="FILE",
                        help="measure nothing: write RESULTS.md and plots/ from this result, or from several of which the later ones count")  # fmt: skip
    return parser.parse_args()


def choose(table: Dict[str, Any], arguments: argparse.Namespace) -> List[Dict[str, Any]]:
    wanted = arguments.names + arguments.scenario
    names = [scenario["name"] for scenario in table["scenario"]]
    groups = list(dict.fromkeys(scenario["group"] for scenario in table["scenario"]))
    unknown = [name for name in wanted if name not in names + groups]
    if unknown:
        raise SystemExit(f"there is no scenario or group {', '.join(unknown)}; groups: {', '.join(groups)}; scenarios: {', '.join(names)}")
    chosen = [one for one in table["scenario"] if not wanted or one["name"] in wanted or one["group"] in wanted]
    if arguments.peer_only or arguments.own_only:
        place = -1 if arguments.peer_only else 0
        chosen = [
            {**scenario, "servers": [scenario["servers"][place]], "target": {}} for scenario in chosen if len(scenario["servers"]) == 2
        ]
    return chosen


def estimate_seconds(scenario: Dict[str, Any], options: Options) -> float:
    """What a scenario will take, roughly."""
    options.use(scenario)
    rounds, seconds = options.rounds, options.seconds
    servers_count = len(scenario["servers"]) + len(scenario.get("variants", []))
    one_round = seconds + 0.1
    peaks = 1 + (1 if options.quick else 3) * one_round
    if scenario["kind"] == "curve":
        points = scenario["vary"]["quick_values"] if options.quick else scenario["vary"]["values"]
        opened = points if scenario["vary"]["key"] == "connections" else [scenario.get("connections", 32)] * len(points)
        opening = sum(count / OPENED_PER_S for count in opened) * (rounds + 1) if scenario.get("load") == "bench_client" else 0
        return servers_count * (len(points) * (options.warm_up + rounds * one_round) + opening) + 3
    if scenario["kind"] in ("throughput", "variants"):
        others = 2 if scenario.get("also") else 0
        limit = rounds * (one_round + 0.7) if scenario.get("limit", scenario["servers"][0]) not in scenario["servers"] else 0
        calls = 1.6 if options.counts_calls else 0
        return (servers_count + others) * (options.warm_up + rounds * one_round + calls) + limit + (25 if scenario.get("site") else 1)
    crowd = {"idle": 3, "h2-readers": 4}.get(scenario["slow"]["mode"], 1.5) if "slow" in scenario else 0
    by_kind = {
        "limits": 5 * rounds * (one_round + 0.4),
        "paced": servers_count * (peaks + rounds * one_round) + 1,
        "goodput": servers_count * (peaks + rounds * (2 * one_round + 0.5)) + 1,
        "sse": servers_count * rounds * (seconds + 6),
        "memory": servers_count * rounds * (3 + 2 * one_round),
        "connections": servers_count * rounds * 8,
        "overload": rounds * 2.5,
        "slow": servers_count * (options.warm_up + rounds * (2 * one_round + crowd)) + 1,
    }
    return by_kind[scenario["kind"]]


def make_site(folder: str) -> str:
    """The scripts and files of known lengths, old enough for opcache to keep them."""
    site = os.path.join(folder, "site")
    shutil.copytree(os.path.join(HERE, "site"), site)
    os.mkdir(os.path.join(site, "sessions"))
    for name, length in (("1k.txt", 1024), ("100k.bin", 100 * 1024), ("10m.bin", 10 * 1024 * 1024)):
        with open(os.path.join(site, name), "wb") as file:
            file.write((b"0123456789abcdefghijklmnopqrstuvwxyz\n" * (length // 37 + 1))[:length])
    framework.make_classes(site)
    old = time.time() - 3600
    for where, _, names in os.walk(site):
        for name in names:
            os.utime(os.path.join(where, name), (old, old))
    os.chmod(folder, 0o711)  # Apache's processes are somebody else
    return site


def run_all(chosen: List[Dict[str, Any]], table: Dict[str, Any], setup: servers.Setup, options: Options, results: List[Dict[str, Any]]) -> None:
    """Adds to results what each scenario has found, so that an end before the last one keeps them."""
    for scenario in chosen:
        print(f"==> {scenario['name']}: {scenario['about']}", file=sys.stderr, flush=True)
        load_before, start = os.getloadavg()[0], time.monotonic()
        options.use(scenario)
        empty = {key: scenario[key] for key in ("kind", "group", "about")}
        try:
            result = KINDS[scenario["kind"]](setup, table["servers"], scenario, options)
        except Unavailable as reason:
            result = {"scenario": scenario["name"], **empty, "skipped": str(reason)}
        except (InvalidRun, RuntimeError, OSError) as problem:
            result = {"scenario": scenario["name"], **empty, "invalid": str(problem)}
        result["group"] = scenario["group"]
        result["load_average_before"] = load_before
        result["seconds"] = time.monotonic() - start
        if "vary" in scenario:
            result["vary"] = scenario["vary"]
        results.append(result)
        print(report.text(result), flush=True)


def write_results(results: List[Dict[str, Any]], machine: Dict[str, Any], setup: servers.Setup, options: Options, path: str) -> Dict[str, Any]:
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    document = {
        "machine": machine,
        "versions": facts.versions(setup.binary, setup.php_prefix),
        "command": " ".join(["bench/run.py"] + sys.argv[1:]),
        "rounds": options.rounds_asked,
        "seconds": options.seconds_asked,
        "quick": options.quick,
        "results": results,
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
    stem = os.path.splitext(path)[0]
    publish.write(document, stem + ".md", stem + ".plots")
    print(f"results: {os.path.relpath(path)}, tables and pictures beside it", file=sys.stderr)
    return document


def end_by_signal(number: int, _frame) -> None:
    raise SystemExit(128 + number)


def without_measuring(arguments: argparse.Namespace) -> bool:
    """The commands that only read results; True when it was one of them."""
    try:
        if arguments.publish:
            publish.write(publish.merged([compare.load(path) for path in arguments.publish]), os.path.join(HERE, "RESULTS.md"), os.path.join(HERE, "plots"))
            print("bench/RESULTS.md and bench/plots are written")
            return True
        if arguments.compare and len(arguments.compare) > 1:
            print(compare.text(*[compare.load(path) for path in arguments.compare[:2]]), end="")
            return True
        if arguments.compare:
            compare.load(arguments.compare[0])  # a wrong name is told before anything is measured
    except (OSError, ValueError) as problem:
        raise SystemExit(str(problem)) from None
    return False


def show_list(chosen: List[Dict[str, Any]], options: Options) -> None:
    for scenario in chosen:
        names = " / ".join(scenario["servers"]) + (f", {len(scenario['variants'])} variants" if "variants" in scenario else "")
        print(f"{scenario['group']:<10}{scenario['name']:<18}{estimate_seconds(scenario, options):>4.0f} s  {names:<44}{scenario['about']}")
    print(f"together about {sum(estimate_seconds(scenario, options) for scenario in chosen) / 60:.0f} minutes")


def main() -> int:
    arguments = parse_arguments()
    if without_measuring(arguments):
        return 0
    table = load_tables()
    chosen = choose(table, arguments)
    options = Options(arguments)
    if arguments.list:
        show_list(chosen, options)
        return 0
    needs_binary = any(table["servers"][name]["kind"] == "phpsrv" for scenario in chosen for name in scenario["servers"])
    if needs_binary and not os.access(arguments.binary, os.X_OK):
        raise SystemExit(f"{arguments.binary} is not there: ./dev build release makes it, --binary names another one")
    if not arguments.php:
        raise SystemExit("--php PREFIX (or PHPSRV_PHP_PREFIX, which ./dev bench sets) must name the PHP whose php-fpm is the peer")
    signal.signal(signal.SIGTERM, end_by_signal)
    signal.signal(signal.SIGHUP, end_by_signal)
    machine = facts.machine()
    print(report.machine_line(machine), file=sys.stderr)
    minutes = sum(estimate_seconds(scenario, options) for scenario in chosen) / 60
    print(f"{len(chosen)} scenario{'s' if len(chosen) > 1 else ''}, about {minutes:.1f} minutes", file=sys.stderr)
    date = machine["date"].replace(":", "").replace("+0000", "Z")
    output = arguments.output or os.path.join(HERE, "results", f"{date}.json")
    with tempfile.TemporaryDirectory(prefix="phpsrv-bench-") as folder:
        setup = servers.Setup(os.path.abspath(arguments.binary), arguments.php, make_site(folder), folder, not arguments.main_only)
        results: List[Dict[str, Any]] = []
        try:
            run_all(chosen, table, setup, options, results)
        except KeyboardInterrupt:
            if results:
                write_results(results, machine, setup, options, output)
            raise
        finally:
            stop_all()
        document = write_results(results, machine, setup, options, output)
    if arguments.compare:
        print(compare.text(compare.load(arguments.compare[0]), document))
    print(report.closing(results))
    return 0 if report.all_hold(results) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        stop_all()
        sys.exit(130)
