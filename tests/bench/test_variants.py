"""A server against itself with one thing changed: what is changed, and how it is read.

SPDX-License-Identifier: MIT
"""

import argparse
import os
import pathlib
import re

import pytest
import run
from harness import compare, facts, outcome, publish, report, same, servers, surroundings, throughput, variants
from test_publish import one_round

TABLE = run.load_tables()
CPUS = sorted(os.sched_getaffinity(0))
THREADS = [(7, "phpsrv"), (8, "log"), (9, "php-0"), (10, "php-1"), (11, "php-2")]


def test_the_loop_alone_on_the_first_processor():
    assert surroundings.deal(THREADS, 7, [0, 1], "loop-first", "php-") == {7: 0, 9: 1, 10: 1, 11: 1}
    assert surroundings.deal(THREADS, 7, [2, 3, 5], "loop-first", "php-") == {7: 2, 9: 3, 10: 5, 11: 3}


def test_all_of_them_spread():
    assert surroundings.deal(THREADS, 7, [0, 1], "spread", "php-") == {7: 0, 9: 1, 10: 0, 11: 1}
    with pytest.raises(ValueError, match="pin is one of loop-first, spread, not sideways"):
        surroundings.deal(THREADS, 7, [0, 1], "sideways", "php-")


def test_a_library_that_is_not_there_leaves_the_variant_out():
    assert surroundings.missing({"environment": {"LD_PRELOAD": "libc.so.6"}}) == ""
    assert "libnone.so.9 is not there: ./dev setup bench" in surroundings.missing({"environment": {"LD_PRELOAD": "libnone.so.9"}})
    assert "/none/libx.so is not there" in surroundings.missing({"environment": {"LD_PRELOAD": "/none/libx.so"}})


@pytest.mark.parametrize("said, is_missing", [("always [madvise] never\n", False), ("always madvise [never]\n", True), ("[always] madvise never\n", True)])
def test_huge_pages_must_be_for_those_who_ask(said, is_missing, tmp_path, monkeypatch):
    (tmp_path / "enabled").write_text(said)
    monkeypatch.setattr(surroundings, "HUGE_PAGES", str(tmp_path / "enabled"))
    assert bool(surroundings.missing({"environment": {"USE_ZEND_ALLOC_HUGE_PAGES": "1"}})) == is_missing


def test_one_processor_leaves_nothing_to_choose(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert surroundings.missing({"pin": "spread"}) == "with one processor there is nothing to choose"


def test_a_library_that_was_not_loaded_is_noticed():
    with open("/proc/self/maps", encoding="utf-8") as file:
        loaded = re.search(r"/(libc\.so\.6|libc-[\d.]+\.so)$", file.read(), re.M)
    surroundings.check_preloaded({"environment": {"LD_PRELOAD": loaded.group(1)}}, os.getpid())
    with pytest.raises(RuntimeError, match="libnone.so.9 is not in the server's memory"):
        surroundings.check_preloaded({"environment": {"LD_PRELOAD": "libnone.so.9"}}, os.getpid())


@pytest.mark.skipif(len(CPUS) < 2, reason="one processor")
def test_a_server_gets_its_environment_and_its_processors(tmp_path):
    setup = servers.Setup(os.environ["PHPSRV_BINARY"], "/none", str(tmp_path), str(tmp_path))
    setup.php_ini = str(pathlib.Path(servers.PEERS) / "php.ini")
    table = {"pinned": {"kind": "phpsrv", "executor": "stub", "pin": "loop-first", "environment": {"BENCH_WORD": "to be found"}}}
    with servers.make(setup, table, "pinned", {"workers": 3}) as server:
        places = {name: os.sched_getaffinity(thread) for thread, name in facts.named_threads(server.server_pid) if name.startswith("php-")}
        assert len(places) == 3 and all(place and place <= set(CPUS[1:]) and len(place) == 1 for place in places.values())
        assert os.sched_getaffinity(server.server_pid) == {CPUS[0]}
        assert b"BENCH_WORD=to be found\0" in pathlib.Path(f"/proc/{server.server_pid}/environ").read_bytes()
        assert server.command_lines()[0].startswith("BENCH_WORD=to be found phpsrv ")


def test_only_our_own_servers_have_surroundings():
    for name, spec in TABLE["servers"].items():
        if {"environment", "pin"} & set(spec):
            assert spec["kind"] == "phpsrv", name
            assert spec.get("pin", "spread") in surroundings.PINS, name


def test_they_inform_and_take_less_than_five_minutes():
    asked = run.Options(argparse.Namespace(quick=False, rounds=None, seconds=None, foreign_max=100, no_system_calls=False))
    chosen = [one for one in TABLE["scenario"] if one["group"] == "variants"]
    assert chosen and not any("target" in one for one in chosen)
    assert sum(run.estimate_seconds(one, asked) for one in chosen) < 5 * 60


class FakeServer(argparse.Namespace):
    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def fake(name):
    return FakeServer(name=name, is_limit=False, log_file=None)


def test_each_round_begins_with_another_one(monkeypatch):
    asked = []
    monkeypatch.setattr(throughput.load, "run", lambda server, *_: asked.append(server.name) or one_round(1, 1))
    options = argparse.Namespace(seconds=1, warm_up=1, pairs=lambda measure: [measure() for _ in range(3)])
    found = throughput.measure([fake("a"), fake("b"), fake("c")], {"variants": ["b", "c"]}, options)
    assert "".join(asked) == "abc" + "abc" + "bca" + "cab"
    assert [list(one) for one in found] == [["a", "b", "c"]] * 3


def rounds(*rates):
    return [{"phpsrv": one_round(100, 10.0), "phpsrv-jemalloc": one_round(rate, 8.0)} for rate in rates]


SCENARIO = {"name": "variants-x", "group": "variants", "kind": "variants", "about": "x", "servers": ["phpsrv"], "variants": ["phpsrv-jemalloc", "phpsrv-none"]}


def measured(monkeypatch, found):
    monkeypatch.setattr(servers, "missing", lambda setup, spec: spec.get("absent", ""))
    monkeypatch.setattr(throughput, "run", lambda *_: throughput.conclude(SCENARIO, found, {}, []))
    return {**variants.run(None, {"phpsrv-jemalloc": {}, "phpsrv-none": {"absent": "gone"}}, SCENARIO, None), "group": "variants"}


def test_ratios_are_of_the_same_turn(monkeypatch):
    result = measured(monkeypatch, rounds(90, 110, 120))
    base, row = result["rows"]
    assert "ratio" not in base
    assert (row["ratio"], row["ratio_least"], row["ratio_most"], row["cpu_ratio"]) == pytest.approx((1.1, 0.9, 1.2, 0.8))
    assert row["ratio_chance"] == 1.0 and result["figures"]["phpsrv-jemalloc_ratio"] == pytest.approx(1.1)
    assert "| ratio | least | most | chance | CPU ratio |" in re.sub(" +", " ", report.table(result["rows"])[0])


def test_a_variants_errors_cost_its_own_rounds(monkeypatch):
    found = rounds(90, 110, 120)
    found[1]["phpsrv-jemalloc"].update(is_valid=False, errors_total=1, errors={"read": 1})
    row = measured(monkeypatch, found)["rows"][1]
    assert (row["ratio_least"], row["ratio_most"], row["ratio"]) == pytest.approx((0.9, 1.2, 1.05))


def test_without_any_variant_the_scenario_is_left_out(monkeypatch):
    monkeypatch.setattr(servers, "missing", lambda setup, spec: "gone")
    with pytest.raises(outcome.Unavailable, match="phpsrv-jemalloc: gone; phpsrv-none: gone"):
        variants.run(None, {"phpsrv-jemalloc": {}, "phpsrv-none": {}}, SCENARIO, None)


def test_pictures_and_comparison_know_variants(monkeypatch):
    result = measured(monkeypatch, rounds(90, 110, 120, 115))
    pictures = publish.draw([result])
    assert set(pictures) == {"variants-throughput", "variants-cpu"} and "1.125 (0.90 to 1.20)" in pictures["variants-throughput"]
    other = measured(monkeypatch, rounds(190, 210, 220, 215))
    lines = compare.documents({"results": [result]}, {"results": [other]})["variants-x, phpsrv-jemalloc"]
    assert lines[0]["server"] == "phpsrv-jemalloc / phpsrv" and lines[0]["verdict"] == "better"


def state(**settings):
    return {"version": "8.4", "zts": True, "opcache": True, "hello_is_cached": True, "jit": settings.get("opcache.jit") != "disable", "extensions": [],
            "settings": {"memory_limit": "128M", "opcache.jit": "tracing", **settings}}  # fmt: skip


def checked(monkeypatch, *states):
    """options of the second server: JIT off."""
    import json  # pylint: disable=import-outside-toplevel

    found = dict(enumerate(states))
    monkeypatch.setattr(same, "fetch", lambda port, path: argparse.Namespace(body=json.dumps(found[port])))
    own = [{}, {"opcache.jit": "disable"}]
    same.check_php([
        argparse.Namespace(name=f"s{port}", port=port, php="same", setup=argparse.Namespace(has_state=True), ini_values=lambda port=port: own[port])
        for port in found
    ])  # fmt: skip


def test_a_variant_differs_in_what_it_says_and_in_nothing_else(monkeypatch):
    checked(monkeypatch, state(), state(**{"opcache.jit": "disable"}))
    with pytest.raises(outcome.InvalidRun, match="s1 has opcache.jit=tracing, not disable"):
        checked(monkeypatch, state(), state())
    with pytest.raises(outcome.InvalidRun, match="do not run PHP the same way: settings"):
        checked(monkeypatch, state(), state(**{"opcache.jit": "disable", "memory_limit": "1M"}))


def test_ini_values_are_read_from_the_options():
    server = servers.Phpsrv(argparse.Namespace(new_folder=lambda name: name), "x", {"executor": "ext", "options": ["-d", "a.b=c=d", "--worker", "x", "-d", "e=1"]})
    assert server.ini_values() == {"a.b": "c=d", "e": "1"}
