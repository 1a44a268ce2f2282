"""What the page *Latency* shows of a selection of turns: figures by metric, how they are
distributed, how they changed over time, and who served how fast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from history.api.schemas import WAITS
from history.latency.columns import MEASURES, TOTAL, Columns, Label
from history.latency.scale import Scale
from history.latency.statistics import BUCKETS, Figures, figures, grouped
from history.served import STAGES

DISTRIBUTED = (
    "end_of_turn_delay",
    "transcription_delay",
    "llm_ttfs",
    "tts_ttfb",
    "yield",
    TOTAL,
)
BINS = 50
"""Bars of a distribution, at most."""
BAR_HEIGHT = 40
"""Of the highest bar of a distribution, px."""
MOST_PERIODS = 45
"""Points of a line over time: days, else weeks, else months."""
CHART_HEIGHT, COUNT_HEIGHT = 160, 32
"""Of the lines over time, and of the bars of their counts below, px."""


@dataclass(frozen=True, slots=True)
class Measure:
    name: str
    figures: Figures
    first: Figures
    """Of the sessions' first turns alone."""


@dataclass(frozen=True, slots=True)
class Bar:
    x: str
    width: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often a metric took how long."""

    name: str
    counts: Sequence[int]
    """By the bins of the picture."""
    longer: int
    """Turns that the axis does not reach."""
    bars: Sequence[Bar]
    p50: float
    p50_x: str
    p95: float
    p95_x: str


@dataclass(frozen=True, slots=True)
class Distribution:
    histograms: Sequence[Histogram]
    bins: Sequence[tuple[int, int]]
    """(from, to) in ms; from is in it."""
    scale: Scale

    @property
    def rows(self) -> Iterator[tuple[tuple[int, int], list[int]]]:
        """Of the table behind it: a bin, and the counts of each histogram."""
        for number, one in enumerate(self.bins):
            yield one, [histogram.counts[number] for histogram in self.histograms]


@dataclass(frozen=True, slots=True)
class Point:
    """A period's totals; y in px from the top of the lines, None where there are none."""

    begins: date
    figures: Figures
    x: str
    p50_y: float | None
    p95_y: float | None
    bar: Bar


@dataclass(frozen=True, slots=True)
class OverTime:
    period: Literal["day", "week", "month"]
    points: Sequence[Point]
    scale: Scale

    @property
    def joined(self) -> list[tuple[Point, Point]]:
        """Neighbours that both have totals."""
        pairs = zip(self.points, self.points[1:], strict=False)
        return [(a, b) for a, b in pairs if a.figures.count and b.figures.count]

    @property
    def marks(self) -> list[tuple[float, int]]:
        """(y, ms)."""
        return [(_y(value, self.scale), value) for _, value in self.scale.marks]


@dataclass(frozen=True, slots=True)
class Served:
    """A row of a comparison: one who served, and its metric."""

    label: Label
    below: bool
    """Whether it is one of several models of the provider in a row above."""
    figures: Figures
    p50_x: str
    p95_x: str
    low_x: str
    """Of the median's interval; empty where there is none."""
    high_x: str


@dataclass(frozen=True, slots=True)
class Versus:
    """Providers, models or modes side by side, the quickest first."""

    stage: str | None
    """One of ``STAGES``; None: modes."""
    measure: str
    rows: Sequence[Served]
    scale: Scale


@dataclass(frozen=True, slots=True)
class Overview:
    sessions: int
    turns: int
    interrupted: int
    failed: int
    measures: Sequence[Measure]
    distribution: Distribution | None
    """None where nothing of it is known; the same below."""
    over_time: OverTime | None
    stages: Sequence[Versus]
    modes: Versus | None


_latest: WeakKeyDictionary[Columns, tuple[str, Overview]] = WeakKeyDictionary()
"""With the time zone of its periods. All turns of a person are the same columns until one of them
changes, so that their page is worked out once."""


def overview_of(columns: Columns) -> Overview:
    zone = timezone.get_current_timezone_name()
    known = _latest.get(columns)
    if known is None or known[0] != zone:
        _latest[columns] = known = (zone, _work_out(columns))
    return known[1]


def _work_out(columns: Columns) -> Overview:
    first = np.flatnonzero(columns.first)
    whole = {name: figures(durations) for name, durations in columns.measures.items()}
    return Overview(
        sessions=len(columns.sessions),
        turns=len(columns),
        interrupted=columns.interrupted,
        failed=columns.failed,
        measures=[
            Measure(name, whole[name], figures(columns.measures[name][first])) for name in MEASURES
        ],
        distribution=_distribution(columns, whole),
        over_time=_over_time(columns),
        stages=[one for stage in STAGES if (one := _by_stage(columns, stage))],
        modes=_versus(columns, None, TOTAL, [columns.grouped_by("mode")]),
    )


def _distribution(columns: Columns, whole: dict[str, Figures]) -> Distribution | None:
    known = {name: whole[name] for name in DISTRIBUTED if whole[name].count}
    if not known:
        return None
    reach = max(min(1.25 * (one.p95 or 0), one.max or 0) for one in known.values())
    scale = Scale.up_to(min(max(reach, 1), BUCKETS - 192), marks=5)
    width = max(1, -(-int(scale.end) // BINS))
    bins = [(begin, begin + width) for begin in range(0, int(scale.end), width)]
    histograms = []
    for name, one in known.items():
        counts = columns.measures[name].counts()
        binned = np.add.reduceat(counts[: bins[-1][1]], [begin for begin, _ in bins])
        histograms.append(
            Histogram(
                name=name,
                counts=binned.tolist(),
                longer=int(one.count - binned.sum()),
                bars=list(_bars(binned, bins, scale)),
                p50=one.p50 or 0,
                p50_x=scale.at(one.p50 or 0),
                p95=one.p95 or 0,
                p95_x=scale.at(one.p95 or 0),
            )
        )
    return Distribution(histograms, bins, scale)


def _bars(counts: NDArray[np.intp], bins: list[tuple[int, int]], scale: Scale) -> Iterator[Bar]:
    highest = max(1, int(counts.max()))
    for (begin, end), count in zip(bins, counts.tolist(), strict=True):
        if count:
            height = max(1.0, BAR_HEIGHT * count / highest)
            # A little narrower than its bin, so that bars stand apart.
            width = f"{100 * 0.86 * (end - begin) / scale.end:.2f}%"
            yield Bar(scale.at(begin), width, round(BAR_HEIGHT - height, 1), round(height, 1))


def _over_time(columns: Columns) -> OverTime | None:
    """The totals by the day, week or month in which their turns began, on the server's clock."""
    total = columns.measures[TOTAL]
    if not total.known.any():
        return None
    begin, end = (_local(at) for at in (columns.started.min(), columns.started.max()))
    period, periods = _periods(begin, end)
    by_period = grouped(total, _period_of(columns.started, periods), len(periods))
    highest = max(one.p95 or 0 for one in by_period)
    most = max(one.count for one in by_period)
    scale, share = Scale.up_to(max(highest, 1)), 100 / len(periods)
    points = [
        Point(
            begins=one,
            figures=found,
            x=f"{share * (number + 0.5):.2f}%",
            p50_y=None if found.p50 is None else _y(found.p50, scale),
            p95_y=None if found.p95 is None else _y(found.p95, scale),
            bar=Bar(
                x=f"{share * (number + 0.2):.2f}%",
                width=f"{share * 0.6:.2f}%",
                y=round(COUNT_HEIGHT * (1 - found.count / most), 1),
                height=round(COUNT_HEIGHT * found.count / most, 1),
            ),
        )
        for number, (one, found) in enumerate(zip(periods, by_period, strict=True))
    ]
    return OverTime(period, points, scale)


def _local(at: float) -> date:
    return timezone.localtime(datetime.fromtimestamp(at, UTC)).date()


def _periods(begin: date, end: date) -> tuple[Literal["day", "week", "month"], list[date]]:
    """The first days of all periods from ``begin`` to ``end``."""
    days = (end - begin).days + 1
    if days <= MOST_PERIODS:
        return "day", [begin + timedelta(number) for number in range(days)]
    monday = begin - timedelta(begin.weekday())
    weeks = ((end - monday).days // 7) + 1
    if weeks <= MOST_PERIODS:
        return "week", [monday + timedelta(7 * number) for number in range(weeks)]
    months = range(12 * begin.year + begin.month - 1, 12 * end.year + end.month)
    return "month", [date(month // 12, month % 12 + 1, 1) for month in months]


def _period_of(started: NDArray[np.float64], periods: list[date]) -> NDArray[np.intp]:
    """Which period each moment is in. Clocks change by quarters of an hour at the least, so that
    all moments of one are in the same period."""
    zone = timezone.get_current_timezone()
    begins = [datetime.combine(one, time.min, zone).timestamp() // 900 for one in periods]
    quarter = np.floor(started).astype(np.int64) // 900
    first = int(quarter.min())
    quarters = np.arange(first, int(quarter.max()) + 1)
    period = np.searchsorted(begins, quarters, side="right") - 1
    return period.take(quarter - first)


def _y(ms: float, scale: Scale) -> float:
    return round(CHART_HEIGHT * (1 - ms / scale.end), 1)


def _by_stage(columns: Columns, stage: str) -> Versus | None:
    """Providers, and the models of those that served with several."""
    by_provider = columns.grouped_by("provider", stage)
    by_model = columns.grouped_by("model", stage)
    several = len(by_model[1]) > len(by_provider[1])
    return _versus(columns, stage, WAITS[stage], [by_provider, by_model] if several else [by_model])


def _versus(
    columns: Columns,
    stage: str | None,
    measure: str,
    groupings: list[tuple[NDArray[np.intp], list[Label]]],
) -> Versus | None:
    found: dict[Label, Figures] = {}
    for group, labels in groupings:
        if labels:
            by_group = grouped(columns.measures[measure], group, len(labels))
            found |= {label: one for label, one in zip(labels, by_group, strict=True) if one.count}
    if not found:
        return None
    scale = Scale.up_to(max(max(one.p95 or 0, one.p50_high or 0, 1) for one in found.values()))
    in_order = _in_order(found)
    shown = {label for label, _ in in_order}
    rows = [
        Served(
            label=label,
            below=label.model is not None and label._replace(model=None) in shown,
            figures=one,
            p50_x=scale.at(one.p50 or 0),
            p95_x=scale.at(one.p95 or 0),
            low_x="" if one.p50_low is None else scale.at(one.p50_low),
            high_x="" if one.p50_high is None else scale.at(one.p50_high),
        )
        for label, one in in_order
    ]
    return Versus(stage, measure, rows, scale)


def _in_order(found: dict[Label, Figures]) -> list[tuple[Label, Figures]]:
    """The quickest provider first; a provider's models follow it, the quickest first. The models
    of a provider that has but one are the provider's own row."""
    medians = {label: one.p50 or 0.0 for label, one in found.items()}
    models: dict[str | None, list[Label]] = {}
    for label in found:
        if label.model is not None:
            models.setdefault(label.provider, []).append(label)
    alone = [label for label in found if label.model is None]
    if not alone:
        return sorted(found.items(), key=lambda one: medians[one[0]])
    rows = []
    for label in sorted(alone, key=medians.__getitem__):
        own = sorted(models.get(label.provider, []), key=medians.__getitem__)
        rows += own if len(own) == 1 else [label, *own]
    return [(label, found[label]) for label in rows]
