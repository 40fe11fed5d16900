"""Arithmetic on rounds.

SPDX-License-Identifier: MIT
"""

import pytest
from harness import stats


def test_share_at_takes_the_value_at_that_place():
    values = list(range(1, 101))
    assert stats.share_at(values, 0.5) == 51
    assert stats.share_at(values, 0.99) == 100
    assert stats.share_at(values, 1.0) == 100
    assert stats.share_at([], 0.5) == 0


def test_overlap_is_symmetric_and_includes_the_ends():
    assert stats.overlap([1, 2, 3], [3, 4])
    assert stats.overlap([3, 4], [1, 2, 3])
    assert not stats.overlap([1, 2], [3, 4])


@pytest.mark.parametrize(
    "pairs, chance",
    [
        ([(2, 1)] * 5, 2 / 32),
        ([(1, 2)] * 7, 2 / 128),
        ([(2, 1), (1, 2)], 1.0),
        ([(1, 1)] * 4, 1.0),  # ties say nothing
        ([(2, 1)] * 6 + [(1, 2)], 2 * 8 / 128),
    ],
)
def test_sign_test_is_the_binomial_tail(pairs, chance):
    assert stats.sign_test(pairs) == pytest.approx(chance)


def test_rank_sum_of_groups_apart_is_the_least_possible():
    assert stats.rank_sum_test([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == pytest.approx(2 / 252)
    assert stats.rank_sum_test([6, 7, 8, 9, 10], [1, 2, 3, 4, 5]) == pytest.approx(2 / 252)


def test_rank_sum_of_equal_groups_is_one():
    assert stats.rank_sum_test([1, 2, 3], [1, 2, 3]) == pytest.approx(1.0)
    assert stats.rank_sum_test([5] * 4, [5] * 4) == pytest.approx(1.0)


def test_rank_sum_of_large_groups_agrees_with_the_exact_one(monkeypatch):
    first, second = [1, 4, 6, 7, 9, 12, 13], [2, 8, 10, 11, 14, 15, 16]
    exact = stats.rank_sum_test(first, second)
    monkeypatch.setattr(stats, "EXACT_MOST", 0)
    assert stats.rank_sum_test(first, second) == pytest.approx(exact, abs=0.03)


def test_spread_is_a_share_of_the_median():
    assert stats.spread([90, 100, 110]) == pytest.approx(0.2)
