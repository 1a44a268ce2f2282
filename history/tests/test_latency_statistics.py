"""Figures agree with numpy's, to the last bit where they are durations."""

from __future__ import annotations

from itertools import pairwise
from math import comb
from typing import Any

import numpy as np
import pytest

from history.latency.statistics import Durations, Figures, figures, grouped, median_interval

pytestmark = pytest.mark.unit
UNKNOWN = np.nan


def expected(ms: np.ndarray) -> Figures:
    """The same by numpy alone."""
    known = np.sort(ms[~np.isnan(ms)])
    if not len(known):
        return Figures(0, None, None, None, None, None, None, None)
    p50, p95 = np.percentile(known, [50, 95])
    low, high = next(
        (
            (known[rank], known[len(known) - 1 - rank])
            for rank in reversed(range(len(known) // 2))
            if 2 * sum(comb(len(known), below) for below in range(rank + 1)) / 2 ** len(known)
            <= 0.05
        ),
        (None, None),
    )
    average: Any = pytest.approx(known.mean(), rel=1e-12)
    return Figures(len(known), average, known[0], known[-1], p50, p95, low, high)


@pytest.mark.parametrize(
    "ms",
    [
        [],
        [UNKNOWN],
        [UNKNOWN, UNKNOWN],
        [0.0],
        [812.25],
        [812.25, UNKNOWN],
        [1.0, 2.0],
        [3.0, 1.0, 2.0],
        [5.0] * 7,
        [0.0, 0.0, 1e-9],
        [8190.9, 8191.0, 8191.5, 8192.0, 8193.0],
        [90_000.5, 60_000.25, 10.0, 10.5],
        [1e9, 2e9, 3e9, 4e9, 5e9, 6e9],
        [-3.5, -1.0, 2.0],
        [0.1 + 0.2, 0.3, 0.30000000000000004],
        [999.9999999999, 1000.0, 1000.0000000001],
    ],
)
def test_small_and_odd_columns(ms: list[float]) -> None:
    column = np.array(ms, np.float64)
    assert figures(Durations.of(column)) == expected(column)


@pytest.mark.parametrize("count", [4, 5, 6, 7, 19, 20, 21, 100, 101, 999, 1000])
@pytest.mark.parametrize("spread", ["narrow", "wide", "ties"])
def test_random_columns(count: int, spread: str) -> None:
    rng = np.random.default_rng([count, len(spread)])
    column = {
        "narrow": rng.uniform(700, 701, count),
        "wide": rng.lognormal(7, 2, count),
        "ties": rng.integers(0, 5, count).astype(float),
    }[spread]
    column[rng.random(count) < 0.2] = UNKNOWN
    assert figures(Durations.of(column)) == expected(column)


def test_groups_are_each_as_if_alone() -> None:
    rng = np.random.default_rng(1)
    column = rng.lognormal(6, 1, 5000)
    column[rng.random(5000) < 0.3] = UNKNOWN
    group = rng.integers(-1, 7, 5000)
    column[group == 3] = UNKNOWN
    group[group == 5] = 4
    found = grouped(Durations.of(column), group, 7)
    assert found == [expected(column[group == number]) for number in range(7)]
    assert (found[3].count, found[5].count) == (0, 0)


def test_the_interval_of_the_median_covers_it_as_often_as_it_says() -> None:
    for count in (6, 7, 8, 20, 101, 400, 2000):
        ranks = median_interval(count)
        assert ranks
        low, high = ranks
        inside = 1 - 2 * sum(comb(count, below) for below in range(low + 1)) / 2**count
        narrower = inside - 2 * comb(count, low + 1) / 2**count
        assert high == count - 1 - low
        assert narrower < 0.95 <= inside
    assert [median_interval(count) for count in range(6)] == [None] * 6


def test_the_interval_grows_as_the_root_of_the_count() -> None:
    widths = [high - low for low, high in map(median_interval, (100, 10_000, 1_000_000))]  # type: ignore[misc]
    for narrow, wide in pairwise(widths):
        assert wide / narrow == pytest.approx(10, rel=0.1)
    assert widths[2] / 1_000_000**0.5 == pytest.approx(1.96, rel=0.01)
