# SPDX-License-Identifier: MIT
"""Arithmetic on rounds: nothing but numbers in, numbers out."""
import itertools
import math
import statistics
from typing import Iterable, List, Sequence, Tuple

EXACT_MOST = 200_000  # arrangements that are counted one by one; above that the normal distribution serves


def median(values: Iterable[float]) -> float:
    return float(statistics.median(list(values)))


def share_at(ordered: Sequence[float], share: float) -> float:
    """The value below which that share of the ordered values lies; 0 when there are none."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0


def spread(values: Sequence[float]) -> float:
    """How far the values lie apart, as a share of their median."""
    middle = median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def overlap(first: Sequence[float], second: Sequence[float]) -> bool:
    return min(first) <= max(second) and min(second) <= max(first)


def sign_test(pairs: Sequence[Tuple[float, float]]) -> float:
    """How likely at least so one-sided a split of first < second and first > second is by chance (two-sided; ties do not count)."""
    above = sum(1 for first, second in pairs if first > second)
    below = sum(1 for first, second in pairs if first < second)
    count, most = above + below, max(above, below)
    if count == 0:
        return 1.0
    tail = sum(math.comb(count, k) for k in range(most, count + 1)) / 2**count
    return min(2 * tail, 1.0)


def rank_sum_test(first: Sequence[float], second: Sequence[float]) -> float:
    """Wilcoxon's rank sum, two-sided: how likely it is that one distribution gives two such groups."""
    ranks = _ranks(list(first) + list(second))
    count, size = len(ranks), len(first)
    if not first or not second:
        return 1.0
    expected = size * (count + 1) / 2
    distance = abs(sum(ranks[:size]) - expected)
    if math.comb(count, size) <= EXACT_MOST:
        as_far = sum(1 for chosen in itertools.combinations(ranks, size) if abs(sum(chosen) - expected) >= distance - 1e-9)
        return as_far / math.comb(count, size)
    deviation = math.sqrt(size * (count - size) * (count + 1) / 12)
    return math.erfc(distance / deviation / math.sqrt(2))


def _ranks(values: List[float]) -> List[float]:
    """1 for the least; equal values share the mean of their ranks."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    place = 0
    while place < len(order):
        end = place
        while end + 1 < len(order) and values[order[end + 1]] == values[order[place]]:
            end += 1
        for index in order[place : end + 1]:
            ranks[index] = (place + end) / 2 + 1
        place = end + 1
    return ranks
