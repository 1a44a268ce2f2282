"""A median out of buckets is that of the durations themselves, within the stated error."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.provider_calls.histogram import (
    ACCURACY,
    SHORTEST_MS,
    bucket_of,
    duration_of,
    median,
)

DURATIONS = st.floats(min_value=SHORTEST_MS, max_value=1_000_000)


@given(st.lists(DURATIONS, min_size=1, max_size=200))
def test_the_median_is_numpys_within_the_accuracy(durations: list[float]) -> None:
    found = median(Counter(map(bucket_of, durations)))
    assert found == pytest.approx(np.median(durations), rel=ACCURACY * 1.0001)


@given(DURATIONS)
def test_what_stands_for_a_bucket_is_in_it(ms: float) -> None:
    assert bucket_of(duration_of(bucket_of(ms))) == bucket_of(ms)
    assert duration_of(bucket_of(ms)) == pytest.approx(ms, rel=ACCURACY * 1.0001)


@given(DURATIONS, DURATIONS)
def test_longer_ones_are_never_in_a_lower_bucket(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert bucket_of(low) <= bucket_of(high)


@pytest.mark.parametrize("ms", [0, 0.01, SHORTEST_MS])
def test_what_is_shorter_than_the_shortest_counts_as_that(ms: float) -> None:
    assert bucket_of(ms) == bucket_of(SHORTEST_MS)


def test_of_nothing_there_is_no_median() -> None:
    assert median({}) is None
    assert median({5: 0}) is None
