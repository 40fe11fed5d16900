"""The judge of the budgets, judged.

SPDX-License-Identifier: MIT
"""

import pytest

import budget_table
from test_system_calls import complaints


@pytest.mark.parametrize(
    "measured, budget, is_good",
    [(100, 100, True), (103, 100, True), (103.1, 100, False), (50, 100, True), (0, 0, True), (0.01, 0, False)],
)
def test_tolerance(measured, budget, is_good):
    assert (budget_table.judge("x", measured, budget, 3) is None) == is_good


def test_background():
    """What a timer costs does not fail a budget of 0, and adds nothing to the tolerance of a large one."""
    assert budget_table.judge("x", 40, 0, 3, background=50) is None
    assert budget_table.judge("x", 60, 0, 3, background=50) is not None
    assert budget_table.judge("x", 10_350, 10_000, 3, background=50) is not None


def test_slack():
    assert budget_table.is_slack(96, 100, 3)
    assert not budget_table.is_slack(98, 100, 3)
    assert not budget_table.is_slack(0, 0, 3)


def test_other_conditions():
    here = budget_table.conditions()
    assert budget_table.difference(here) is None
    for key in here:
        assert budget_table.difference({**here, key: "other"}).startswith(key)


RULES = {"exactly": {"sendmsg": 1}, "at_most": {"futex": 2}, "total": 3}


@pytest.mark.parametrize(
    "counts, found",
    [
        ({"sendmsg": 1}, []),
        ({"sendmsg": 1, "futex": 2}, []),
        ({"sendmsg": 2}, ["sendmsg"]),
        ({}, ["sendmsg"]),
        ({"sendmsg": 1, "futex": 2.2}, ["futex", "all"]),
        ({"sendmsg": 1, "getpid": 0.2}, []),
        ({"sendmsg": 1, "getpid": 1}, ["others"]),
    ],
)
def test_rules_of_system_calls(counts, found):
    assert [complaint.split(":")[0] for complaint in complaints(counts, RULES, others=0.25)] == found
