"""A result as a page.

SPDX-License-Identifier: MIT
"""

import xml.etree.ElementTree as ElementTree

import pytest
from harness import curve, outcome, paced, publish, report, same, throughput, wire


def one_round(rate, cpu, workers=None, **more):
    result = {"requests_per_s": rate, "p50_us": 100, "p99_us": 900, "server_cpu_us": cpu, "foreign_share": 0.01, "is_valid": True, "errors_total": 0,
              "errors": {}, **more}  # fmt: skip
    return {**result, "worker_cpu_us": workers} if workers else result


SCENARIO = {
    "name": "hello", "kind": "throughput", "about": "hello.php", "servers": ["phpsrv", "nginx-fpm"], "limit": "engine-limit",
    "target": {"ratio_min": 3.0, "limit_share_min": 0.85},
}  # fmt: skip


def pairs(count=5):
    return [
        {"phpsrv": one_round(4000 + i, 12, 6.0), "nginx-fpm": one_round(1000, 50, 25.0), "engine-limit": one_round(9000, 4.5, 4.5)} for i in range(count)
    ]


def hello():
    return {**throughput.conclude(SCENARIO, pairs(), {}, []), "group": "php"}


def test_share_of_the_limit_is_work_per_cpu_second():
    result = hello()
    rows = {row["server"]: row for row in result["rows"]}
    assert rows["phpsrv"]["limit_share"] == pytest.approx(0.75)
    assert rows["nginx-fpm"]["limit_share"] == pytest.approx(0.18)
    assert "limit_share" not in rows["engine-limit"]
    assert [(one["what"], one["holds"]) for one in result["verdicts"]] == [("ratio", True), ("limit_share", False)]
    assert result["figures"]["ratio_chance"] == pytest.approx(2 / 32)


def test_share_of_copies_is_bytes_per_cpu_second():
    rounds = [{"phpsrv": {"gib_per_cpu_s": 5.0}, "copy-limit": {"gib_per_cpu_s": 10.0}}]
    assert throughput.limit_share(rounds, "phpsrv", "copy-limit") == pytest.approx(0.5)
    assert throughput.limit_share(rounds, "copy-limit", "copy-limit") is None


def test_a_limit_that_is_a_server_is_read_by_all_its_cpu_time():
    rounds = [{"phpsrv": one_round(9, 8.0), "nginx-static": one_round(9, 16.0), "nginx-return": one_round(9, 6.0)} for _ in range(3)]
    scenario = {**SCENARIO, "name": "static-1k", "servers": ["phpsrv", "nginx-static"], "limit": "nginx-return", "target": {"limit_share_min": 0.7}}
    result = {**throughput.conclude(scenario, rounds, {}, []), "group": "files"}
    assert [row.get("limit_share") for row in result["rows"]] == [0.75, 0.375, None] and result["verdicts"][0]["holds"]
    pictures = publish.draw([result])
    assert "nginx-return" not in pictures["files-throughput"] and "75" in pictures["limits-share"]


def test_a_limit_that_is_the_peer_is_drawn_and_has_no_share():
    rounds = [{"phpsrv-stub": one_round(9, 8.0), "nginx-return": one_round(9, 6.0)} for _ in range(3)]
    scenario = {**SCENARIO, "name": "stub", "servers": ["phpsrv-stub", "nginx-return"], "limit": "nginx-return", "target": {}}
    result = {**throughput.conclude(scenario, rounds, {}, []), "group": "files"}
    assert [row.get("limit_share") for row in result["rows"]] == [0.75, None]
    assert "nginx-return" in publish.draw([result])["files-throughput"]


def test_the_loop_is_read_against_bare_tcp():
    rounds = [{"phpsrv": one_round(9, 12.0, 6.0, loop_cpu_us=6.0), "tcp-limit": one_round(20, 4.5)} for _ in range(3)]
    scenario = {**SCENARIO, "servers": ["phpsrv"], "limit": "nginx-return", "loop_limit": "tcp-limit", "target": {"loop_limit_share_min": 0.7}}
    for pair in rounds:
        pair["nginx-return"] = one_round(9, 6.0)
    result = {**throughput.conclude(scenario, rounds, {}, []), "group": "php"}
    assert result["verdicts"][0]["value"] == pytest.approx(0.75) and [row.get("limit_share") for row in result["rows"]] == [0.5, None, None]
    assert "loop: 75% of its CPU time is what bare TCP takes" in report.summary_lines(result)
    assert "tcp-limit" not in publish.draw([result])["php-throughput"]


def test_a_limit_that_does_other_work_is_refused():
    page = wire.Response(200, {}, b"x" * 100, 200)
    same.check_limit_body(page, 101, 0.01)
    with pytest.raises(outcome.InvalidRun, match="the limit makes 102 bytes of body for each request, the servers 100"):
        same.check_limit_body(page, 102, 0.01)


def test_overload_is_drawn():
    rows = [{"server": "phpsrv", "goodput_share": 0.97, "p99_us": 9}, {"server": "nginx-fpm", "goodput_share": 0.5, "p99_us": 9}]
    pictures = publish.draw([{"scenario": "overload-3x", "kind": "goodput", "group": "behaviour", "about": "o", "rows": rows}])
    assert set(pictures) == {"behaviour-goodput"} and ">97<" in pictures["behaviour-goodput"]


def test_a_further_peer_with_errors_does_not_spoil_the_scenario():
    rounds = pairs()
    for pair in rounds:
        pair["unit"] = one_round(1, 1, is_valid=False, errors={"read": 3}, errors_total=3)
    for pair in rounds:
        pair["unit"]["is_valid"] = False
    result = throughput.conclude(SCENARIO, rounds, {}, [])
    assert [row["server"] for row in result["rows"]] == ["phpsrv", "nginx-fpm", "engine-limit"]
    assert "unit: 5 of 5 rounds had errors" in result["notes"]


def test_errors_of_a_main_server_make_the_scenario_invalid():
    rounds = pairs()
    for pair in rounds[:3]:
        pair["phpsrv"].update(is_valid=False, errors_total=1, errors={"status": 1})
    with pytest.raises(outcome.InvalidRun, match="3 of 5 rounds had errors"):
        throughput.conclude(SCENARIO, rounds, {}, [])


def test_growth_divides_the_costs_at_the_two_places():
    scenario = {"servers": ["phpsrv"], "vary": {"key": "connections", "compare": [32, 10000]}}
    rounds = [
        {"value": value, "pairs": [{"phpsrv": {"server_cpu_us": cpu, "is_valid": True}}]}
        for value, cpu in ((10, 5.0), (32, 10.0), (1000, 30.0), (10000, 11.0))
    ]
    assert curve.growth(scenario, rounds, [10, 32, 1000, 10000]) == pytest.approx({"growth": 1.1, "highest_by_lowest": 6.0})
    assert curve.growth(scenario, rounds[:1] + rounds[2:3], [10, 1000])["growth"] == pytest.approx(6.0), "the ends, where a place was left out"


def test_overload_is_read_against_the_peak_and_the_queue():
    over = {"requests_per_s": 950, "sent": 5000, "unsent": 1000, "duration_us": 2_000_000, "p50_us": 1, "p99_us": 60_000, "max_us": 9, "refused": 4000,
            "refused_p99_us": 5, "errors_total": 0, "unfinished": 2}  # fmt: skip
    scenario = {"queue_capacity": 48, "queue_wait_ms": 37, "workers": 2}
    row, figures = paced.overload_row("phpsrv", [{"peak": {"requests_per_s": 1000}, "overload": over}], scenario)
    assert row["goodput_share"] == pytest.approx(0.95) and row["asked_per_s"] == pytest.approx(3000)
    assert row["full_queue_ms"] == pytest.approx(50) and figures["wait_ratio"] == pytest.approx(1.2) and figures["errors"] == 2
    assert row["wait_bound_ms"] == pytest.approx(37 + 1.5 * 2) and figures["p99_by_wait"] == pytest.approx(1.5), "two workers at 1,000/s: 2 ms each"


def test_each_turn_of_an_overload_is_read_against_its_own_peak():
    def turn(peak, served, p99_us):
        over = {"requests_per_s": served, "sent": 1, "unsent": 0, "duration_us": 1_000_000, "p50_us": 1, "p99_us": p99_us, "max_us": 9, "refused": 0,
                "refused_p99_us": 0, "errors_total": 0, "unfinished": 0}  # fmt: skip
        return {"peak": {"requests_per_s": peak}, "overload": over}

    turns = [turn(1000, 900, 55_000), turn(500, 450, 110_000), turn(100, 90, 550_000)]
    row, figures = paced.overload_row("phpsrv", turns, {"queue_capacity": 48, "queue_wait_ms": 47, "workers": 2})
    assert row["goodput_share"] == pytest.approx(0.9) and figures["wait_ratio"] == pytest.approx(1.1)
    assert figures["p99_by_wait"] == pytest.approx(110 / 53), "of 55/50, 110/53 and 550/77"


def test_results_are_merged_and_the_later_one_counts(tmp_path):
    first, second = document([hello(), {**hello(), "scenario": "json"}]), document([{**hello(), "about": "once more"}])
    second["machine"] = {**second["machine"], "date": "2026-03-04T00:00:00+00:00"}
    both = publish.merged([first, second])
    assert [(one["scenario"], one["about"]) for one in both["results"]] == [("hello", "once more"), ("json", "hello.php")]
    publish.write(both, str(tmp_path / "R.md"), str(tmp_path / "plots"))
    text = (tmp_path / "R.md").read_text()
    assert "Measured 2026-01-02 with" in text and "Measured 2026-03-04 with" in text and text.count("nginx: nginx/1.") == 1
    assert "noise" not in text and "noise" in publish.page(publish.merged([{**first, "quick": True}, second]), [], "plots")


def test_a_bound_of_nothing_is_a_mistake():
    with pytest.raises(outcome.InvalidRun, match="names no figure"):
        outcome.verdicts({"rattio_min": 1}, {"ratio": 2})


def document(results):
    machine = {"date": "2026-01-02T03:04:05+00:00", "cores": 2, "processor": "P", "is_virtual": True, "memory_mib": 2048, "kernel": "Linux", "system": "D",
               "load_average": 0.1}  # fmt: skip
    return {"machine": machine, "versions": {"nginx": "nginx/1"}, "command": "bench/run.py --output /x/y.json hello --php=/p", "rounds": 5, "seconds": 2, "quick": False, "results": results}


def test_a_page_has_tables_verdicts_and_pictures(tmp_path):
    rows = [{"server": "phpsrv", "x": x, "server_cpu_us": 5.0 + x / 1000} for x in (10, 1000)]
    grown = {"scenario": "curve-connections", "kind": "curve", "group": "curves", "about": "hello <b>", "rows": rows, "figures": {"growth": 1.1, "highest_by_lowest": 1.2},
             "verdicts": [], "notes": [], "vary": {"key": "connections"}}  # fmt: skip
    skipped = {"scenario": "worker-restarts", "kind": "throughput", "group": "worker", "about": "w", "skipped": "this build has no --x"}
    invalid = {"scenario": "json", "kind": "throughput", "group": "php", "about": "j", "invalid": "3 of 5 rounds had errors\nmore"}
    publish.write(document([hello(), grown, skipped, invalid]), str(tmp_path / "R.md"), str(tmp_path / "plots"))
    text = (tmp_path / "R.md").read_text()
    assert "| limit_share >= 0.85 | hello | 0.75 | **no** |" in text and "| ratio >= 3 | hello | 4.00 | yes |" in text
    assert "Left out: this build has no --x." in text and "No result: 3 of 5 rounds had errors\n" in text
    assert "`./dev bench hello`" in text
    pictures = {path.stem for path in (tmp_path / "plots").iterdir()}
    assert pictures == {"php-throughput", "php-cpu", "limits-share", "curves-curve-connections"}
    for path in (tmp_path / "plots").iterdir():
        ElementTree.parse(path)
        if path.stem != "limits-share":  # its group was not measured
            assert f"](plots/{path.name})" in text


def test_closing_line_counts_what_was_measured():
    results = [hello(), {"scenario": "a", "skipped": "x"}, {"scenario": "b", "invalid": "y"}]
    assert report.closing(results) == "0 of 2 scenarios reach their targets: not hello, b; left out: a"
    assert not report.all_hold(results)
