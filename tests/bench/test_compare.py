"""Two result files: what counts as a difference.

SPDX-License-Identifier: MIT
"""

import json

import pytest
from harness import compare


def document(values, peer=(1000,) * 5, machine="A"):
    rounds = [
        {
            "phpsrv": {"is_valid": True, "requests_per_s": value, "p99_us": 500, "server_cpu_us": 1e6 / value},
            "nginx-fpm": {"is_valid": True, "requests_per_s": other, "p99_us": 900, "server_cpu_us": 1e6 / other},
        }
        for value, other in zip(values, peer)
    ]
    return {
        "machine": {"processor": machine, "cores": 2, "kernel": "6"},
        "results": [{"scenario": "hello", "kind": "throughput", "rounds": rounds}],
    }


def found(old, new, server, measure):
    lines = compare.documents(old, new)["hello"]
    return next(line for line in lines if line["server"] == server and line["measure"] == measure)


def test_rounds_that_overlap_are_noise():
    old, new = document([3000, 3100, 2900, 3050, 2950]), document([3040, 2940, 3090, 2990, 3010])
    assert found(old, new, "phpsrv", "requests/s")["verdict"] == "noise"


def test_rounds_apart_are_real_in_the_right_direction():
    old, new = document([3000, 3100, 2900, 3050, 2950]), document([3600, 3700, 3500, 3650, 3550])
    assert found(old, new, "phpsrv", "requests/s")["verdict"] == "better"
    assert found(old, new, "phpsrv", "CPU per request")["verdict"] == "better"
    assert found(new, old, "phpsrv", "requests/s")["verdict"] == "worse"
    assert found(old, new, "phpsrv / nginx-fpm", "ratio")["change"] == pytest.approx(0.2, abs=0.01)


def test_a_change_below_two_percent_is_noise_however_sure():
    old, new = document([3000, 3001, 3002, 3003, 3004]), document([3030, 3031, 3032, 3033, 3034])
    assert found(old, new, "phpsrv", "requests/s")["verdict"] == "noise"


def test_two_rounds_prove_nothing():
    old, new = document([3000, 3100]), document([6000, 6100])
    assert found(old, new, "phpsrv", "requests/s")["verdict"] == "noise"


def test_a_machine_that_became_slower_is_told_from_a_server_that_did():
    old = document([3000, 3100, 2900, 3050, 2950], (1000, 1030, 970, 1015, 985))
    new = document([1500, 1550, 1450, 1525, 1475], (500, 515, 485, 508, 492))
    assert found(old, new, "phpsrv", "requests/s")["verdict"] == "worse"
    assert found(old, new, "phpsrv / nginx-fpm", "ratio")["verdict"] == "noise"
    assert "that was the machine" in compare.text(old, new)


def test_invalid_rounds_and_scenarios_do_not_count():
    old, new = document([3000] * 5), document([6000] * 5)
    new["results"][0]["rounds"][0]["phpsrv"]["is_valid"] = False
    assert found(old, new, "phpsrv", "requests/s")["rounds"] == [5, 4]
    new["results"][0]["invalid"] = "errors"
    assert compare.documents(old, new) == {}
    assert "no scenario in common" in compare.text(old, new)


def test_curves_and_servers_by_themselves_are_compared_in_parts():
    def with_others(value):
        made = document([value] * 5)
        rounds = made["results"][0]["rounds"]
        made["results"] = [
            {"scenario": "curve", "kind": "curve", "rounds": [{"value": 1000, "pairs": rounds}]},
            {"scenario": "slow", "kind": "slow", "rounds": [{"phpsrv": [{"without": pair["phpsrv"], "with": pair["nginx-fpm"], "slow": {"bytes": 1}} for pair in rounds]}]},
        ]  # fmt: skip
        return made

    parts = compare.documents(with_others(3000), with_others(6000))
    assert list(parts) == ["curve at 1,000", "slow, phpsrv"]
    assert {line["server"] for line in parts["slow, phpsrv"]} == {"without / with", "without", "with"}
    assert [line["verdict"] for line in parts["curve at 1,000"] if line["measure"] == "requests/s"] == ["better", "noise"]


def test_another_machine_is_said():
    text = compare.text(document([3000] * 5), document([3000] * 5, machine="B"))
    assert "Not the same machine (processor: A and B)" in text


def test_a_file_that_is_no_result_is_refused(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps([1]))
    with pytest.raises(ValueError, match="holds no results"):
        compare.load(str(path))
