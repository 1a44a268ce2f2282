"""Figures over durations: count, average, extremes, median and 95th percentile, and how sure the
median is. Exact, for several groups at once, and quick for a million of them.

Unknown durations count nowhere. A percentile is the one of numpy's ``linear`` method: between two
neighbours it lies where the rank says.

How it is so quick: durations are counted by whole milliseconds, once. The counts say in which
millisecond a rank lies, and only the few durations of that millisecond are sorted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

BUCKETS = 8192
"""Whole milliseconds that are counted apart. All that takes longer is in the last one, and sorted
there."""
_WIDTH = BUCKETS + 1
"""With a place for what is unknown."""
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Durations:
    """A column of milliseconds, some of them unknown."""

    ms: NDArray[np.float64]
    """0 where unknown."""
    bucket: NDArray[np.uint16]
    """The whole milliseconds of each; ``BUCKETS`` where unknown."""

    @classmethod
    def of(cls, ms: NDArray[np.float64]) -> Durations:
        """``ms``: NaN where unknown."""
        unknown = np.isnan(ms)
        known = np.where(unknown, 0.0, ms)
        bucket = np.where(unknown, BUCKETS, np.clip(known, 0, BUCKETS - 1))
        return cls(known, bucket.astype(np.uint16))

    def __getitem__(self, chosen: NDArray[Any] | slice) -> Durations:
        return Durations(self.ms[chosen], self.bucket[chosen])

    @property
    def known(self) -> NDArray[np.bool_]:
        return self.bucket < BUCKETS

    def optional(self) -> list[float | None]:
        """Each of them; None where unknown."""
        pairs = zip(self.ms.tolist(), self.known.tolist(), strict=True)
        return [ms if known else None for ms, known in pairs]

    def counts(self) -> NDArray[np.intp]:
        """How many there are of each whole millisecond; the last entry is of all that is longer."""
        return np.bincount(self.bucket, minlength=_WIDTH)[:BUCKETS]


@dataclass(frozen=True, slots=True)
class Figures:
    """All in ms; None where no duration is known."""

    count: int
    """Durations that are known."""
    avg: float | None
    min: float | None
    max: float | None
    p50: float | None
    p95: float | None
    p50_low: float | None
    """The lower end of the median's 95 % interval; None of fewer than six."""
    p50_high: float | None


def figures(durations: Durations) -> Figures:
    [whole] = grouped(durations, None, 1)
    return whole


def grouped(durations: Durations, group: NDArray[np.intp] | None, groups: int) -> list[Figures]:
    """The figures of each group. ``group``: the group of each duration, -1 for none; None where all
    are in one."""
    counted = _Counted(durations, group, groups)
    ranks = [_Ranks.of(int(count)) for count in counted.counts]
    rows = [row for row, count in enumerate(counted.counts) if count]
    if not rows:
        return [_NOTHING] * groups
    wanted = np.array([ranks[row].places for row in rows], dtype=np.intp).reshape(len(rows), -1)
    found = counted.at(np.repeat(rows, wanted.shape[1]), wanted.ravel()).reshape(wanted.shape)
    of_row = dict(zip(rows, found, strict=True))
    sums = counted.sums()
    return [
        ranks[row].figures(of_row[row], float(sums[row])) if row in of_row else _NOTHING
        for row in range(groups)
    ]


_NOTHING = Figures(0, None, None, None, None, None, None, None)


@dataclass(frozen=True, slots=True)
class _Ranks:
    """Which of ``count`` sorted durations the figures are made of."""

    count: int
    places: tuple[int, ...]
    """Least, greatest, two for each percentile, two for the interval."""

    @classmethod
    def of(cls, count: int) -> _Ranks:
        last = count - 1
        middles = [int(last * share) for share in (0.5, 0.95)]
        neighbours = [min(at + step, last) for at in middles for step in (0, 1)]
        return cls(count, (0, last, *neighbours, *(median_interval(count) or (0, 0))))

    def figures(self, found: NDArray[np.float64], total: float) -> Figures:
        least, greatest, below50, above50, below95, above95, low, high = found.tolist()
        last = self.count - 1
        sure = median_interval(self.count) is not None
        return Figures(
            count=self.count,
            avg=total / self.count,
            min=least,
            max=greatest,
            p50=_between(below50, above50, last * 0.5 % 1),
            p95=_between(below95, above95, last * 0.95 % 1),
            p50_low=low if sure else None,
            p50_high=high if sure else None,
        )


def _between(low: float, high: float, share: float) -> float:
    """As numpy does it, to the last bit."""
    step = high - low
    return high - step * (1 - share) if share >= 0.5 else low + step * share


@lru_cache(maxsize=4096)
def median_interval(count: int) -> tuple[int, int] | None:
    """The ranks, from 0, between which the median lies with 95 % confidence, whatever the
    distribution (the interval of order statistics); None where there are too few for that.

    How many of ``count`` independent durations lie below the median is binomial, of one half.
    """
    middle = count // 2
    # Probabilities of middle, middle - 1, … of them, in units of the first: ten standard
    # deviations hold all of it that a float can tell.
    reach = min(middle, 5 * int(count**0.5) + 5)
    below = np.arange(middle, middle - reach, -1)
    weights = np.cumprod(np.concatenate([[1.0], below / (count - below + 1)]))
    whole = 2 * weights.sum() - (weights[0] if count % 2 == 0 else 0)
    tails = weights[::-1].cumsum() / whole
    """Of at most ``middle - reach``, and one more each."""
    outside = int(np.searchsorted(tails, (1 - CONFIDENCE) / 2, side="right"))
    rank = middle - reach + outside - 1
    return (rank, count - 1 - rank) if rank >= 0 and outside else None


class _Counted:
    """Durations by group and whole millisecond."""

    def __init__(self, durations: Durations, group: NDArray[np.intp] | None, groups: int) -> None:
        self._ms = durations.ms
        # A cell is a millisecond of a group. What is in no group has cells before the first one's.
        self._skipped = 0 if group is None else 1
        self._row = None if group is None else group + 1
        self._cell: NDArray[np.integer[Any]] = durations.bucket
        if self._row is not None:
            self._cell = self._row * _WIDTH + durations.bucket
        self._cells = (groups + self._skipped) * _WIDTH
        by_cell = np.bincount(self._cell, minlength=self._cells).reshape(-1, _WIDTH)
        self._before = np.zeros((groups, _WIDTH), np.intp)
        """How many of its group are shorter than each millisecond."""
        np.cumsum(by_cell[self._skipped :, :BUCKETS], axis=1, out=self._before[:, 1:])
        self.counts: NDArray[np.intp] = self._before[:, BUCKETS]
        """Known durations, by group."""

    def at(self, rows: NDArray[np.intp], ranks: NDArray[np.intp]) -> NDArray[np.float64]:
        """The durations that have these ranks, from 0, in these groups."""
        buckets = np.array(
            [
                np.searchsorted(self._before[row], rank, side="right") - 1
                for row, rank in zip(rows, ranks, strict=True)
            ]
        )
        cells = (rows + self._skipped) * _WIDTH + buckets
        is_wanted = np.zeros(self._cells, np.bool_)
        is_wanted[cells] = True
        chosen = np.flatnonzero(is_wanted.take(self._cell))
        cell, ms = self._cell[chosen], self._ms[chosen]
        order = np.lexsort((ms, cell))
        starts = np.searchsorted(cell[order], cells)
        places: NDArray[np.intp] = starts + ranks - self._before[rows, buckets]
        return ms[order][places]

    def sums(self) -> NDArray[np.float64]:
        if self._row is None:
            return np.array([self._ms.sum()])
        sums = np.bincount(self._row, self._ms, len(self.counts) + 1)
        return sums[1:].astype(np.float64, copy=False)
