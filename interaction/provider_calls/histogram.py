"""Durations as counts in buckets, from which a median is read within a known error.

The buckets are those of DDSketch (Masson, Rim and Lee, 2019): their bounds grow by a constant
factor, so that whatever is in one is within ``ACCURACY`` of what stands for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

ACCURACY = 0.02
"""A median is at most this share of the exact one away from it."""
SHORTEST_MS = 0.1
"""Shorter durations count as this one."""
_FACTOR = (1 + ACCURACY) / (1 - ACCURACY)
_LOG_FACTOR = math.log(_FACTOR)


def bucket_of(ms: float) -> int:
    """The bucket of a duration; the longer, the higher, below 0 for less than a millisecond."""
    return math.ceil(math.log(max(ms, SHORTEST_MS)) / _LOG_FACTOR)


def duration_of(bucket: int) -> float:
    """The ms that stand for all durations of a bucket."""
    middle: float = 2 * _FACTOR**bucket / (_FACTOR + 1)
    return middle


def median(buckets: Mapping[int, int]) -> float | None:
    """The median in ms of {bucket: count}, between two neighbours their mean; None of nothing."""
    count = sum(buckets.values())
    if not count:
        return None
    return (_nth(buckets, (count - 1) // 2) + _nth(buckets, count // 2)) / 2


def _nth(buckets: Mapping[int, int], rank: int) -> float:
    """The duration of that rank, counted from 0."""
    for bucket in sorted(buckets):
        rank -= buckets[bucket]
        if rank < 0:
            return duration_of(bucket)
    raise IndexError(rank)
