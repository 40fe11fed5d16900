"""The tables of the bench: every scenario names things that are there.

SPDX-License-Identifier: MIT
"""

import argparse
import pathlib

import pytest
import run
from harness import publish, servers

BENCH = pathlib.Path(run.__file__).parent
MADE = {"/1k.txt", "/100k.bin", "/10m.bin", "/ok", "/"}  # by the runner, by a server without PHP, by WordPress
TABLE = run.load_tables()
BY_NAME = {one["name"]: one for one in TABLE["scenario"]}


def options(**changes):
    values = {"quick": False, "rounds": None, "seconds": None, "foreign_max": 100, "no_system_calls": False, **changes}
    return run.Options(argparse.Namespace(**values))


def test_names_are_unique_and_groups_are_known():
    assert len(BY_NAME) == len(TABLE["scenario"])
    assert {one["group"] for one in TABLE["scenario"]} <= set(publish.GROUPS)
    for name in set(BY_NAME) & set(publish.GROUPS):
        assert [one["name"] for one in TABLE["scenario"] if one["group"] == name] == [name], "it could not be asked for by itself"


@pytest.mark.parametrize("name", BY_NAME)
def test_paths_are_there(name):
    scenario = BY_NAME[name]
    paths = [scenario[key] for key in ("path", "busy_path") if key in scenario] + scenario.get("paths", [])
    paths += list(scenario.get("paths_by_server", {}).values()) + [path for _, path in scenario.get("measure", []) if path]
    paths += [scenario["slow"]["path"]] if "slow" in scenario else []
    assert paths
    for path in (path.partition("?")[0] for path in paths):
        assert path in MADE or (BENCH / "site" / path.lstrip("/")).is_file(), path


@pytest.mark.parametrize("name", BY_NAME)
def test_paths_by_server_name_its_servers(name):
    assert set(BY_NAME[name].get("paths_by_server", {})) <= {*BY_NAME[name]["servers"], BY_NAME[name].get("limit")}


def test_everything_takes_little_more_than_half_an_hour():
    assert sum(run.estimate_seconds(one, options()) for one in TABLE["scenario"]) < 36 * 60


def test_rounds_and_seconds_of_a_scenario():
    asked = options(rounds=7, seconds=2)
    asked.use({"rounds_max": 3, "seconds_min": 4})
    assert (asked.rounds, asked.seconds) == (3, 4)
    asked.use({})
    assert (asked.rounds, asked.seconds) == (7, 2)
    quick = options(quick=True)
    quick.use({"seconds_min": 4})
    assert (quick.rounds, quick.seconds) == (2, 2), "half as long"


def test_disturbed_rounds_are_repeated_and_the_calmest_taken():
    asked = options(rounds=2, foreign_max=10)
    shares = iter([0.5, 0.05, 0.3, 0.6, 0.2, 0.9, 0.4, 0.7])

    def pair():
        return {"a": {"foreign_share": next(shares), "requests_per_s": 1.0, "is_valid": True}}

    found = [one["a"]["foreign_share"] for one in asked.pairs(pair)]
    assert found == [0.05, 0.2], "the calm one, then the least disturbed of those that were tried"


def test_options_of_a_build_are_read_from_its_help():
    help_text = "  -w, --workers N   threads\n  --[no-]security-fields  fields\n  --worker FILE[,N]\n"
    assert servers.options_in(help_text) == {"--workers", "--security-fields", "--no-security-fields", "--worker"}


def test_a_server_whose_option_is_not_there_is_left_out():
    spec = {"kind": "phpsrv", "executor": "ext", "options": ["--worker", "x.php,2", "--not-there=3"]}
    setup = argparse.Namespace(options_known={"--worker"})
    assert servers.missing(setup, spec) == "this build has no --not-there"


def test_choosing_by_name_and_by_group():
    def chosen(*names):
        return [one["name"] for one in run.choose(TABLE, argparse.Namespace(names=list(names), scenario=[], peer_only=False, own_only=False))]

    assert chosen("json", "hello") == ["hello", "json"]
    assert set(chosen("curves")) == {name for name in BY_NAME if name.startswith("curve-")}
    assert len(chosen()) == len(BY_NAME)
    with pytest.raises(SystemExit, match="no scenario or group jsom"):
        chosen("jsom")
