"""The figures of one conversation as its card shows them: what each stage took turn by turn, which
turn was the slowest and why, and how the last conversation of the same configuration compares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from history.latency.columns import MEASURES, TOTAL
from history.latency.scale import Scale
from history.latency.stage_parts import STAGES, parts_of, total_of
from history.latency.statistics import Durations, Figures, figures
from history.models import SessionSummary
from history.summaries import configuration
from history.waterfall import total_metric
from interaction.models import Session, Turn

ROW_HEIGHT = 32
"""Of a strip, in px."""
TAB_STOPS = 40
"""Turns of a plot that the keyboard reaches one by one; of a longer conversation, the slowest."""
COMPARED = (TOTAL, "end_of_turn_delay", "transcription_delay", "llm_ttfs", "tts_ttfb", "e2e")


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric, or the total, over the conversation."""

    name: str
    figures: Figures
    first: float | None
    """Of the first turn alone."""


@dataclass(frozen=True, slots=True)
class Dot:
    stage: str
    ms: float
    x: str
    y: float


@dataclass(frozen=True, slots=True)
class TurnDots:
    """A turn in the plot, and in the table behind it."""

    number: int
    parts: Mapping[str, float]
    """By the plot's rows; what is unknown is missing."""
    dots: Sequence[Dot]
    slowest: bool
    tab_stop: bool

    @property
    def pairs(self) -> list[tuple[Dot, Dot]]:
        """Neighbours, to be joined by a line."""
        return list(zip(self.dots, self.dots[1:], strict=False))


@dataclass(frozen=True, slots=True)
class Strip:
    """A row of the plot."""

    stage: str
    """One of ``STAGES``, or ``total``."""
    y: float
    """The top, in px."""
    count: int
    median: float
    median_x: str


@dataclass(frozen=True, slots=True)
class StripPlot:
    """Every turn as a dot in each stage's strip, on one axis of ms."""

    strips: Sequence[Strip]
    turns: Sequence[TurnDots]
    scale: Scale
    height: int


@dataclass(frozen=True, slots=True)
class Slowest:
    """The turn with the greatest total, and the stage that was the furthest above its median."""

    number: int
    total: float
    total_metric: str | None
    stage: str | None
    """None: no stage was above its median."""
    ms: float | None
    above: float | None
    """By how much, in ms."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric beside the earlier conversation's; ms, positive where it became slower."""

    name: str
    now: Figures
    before: Figures

    @property
    def p50(self) -> float | None:
        return _less(self.now.p50, self.before.p50)

    @property
    def p95(self) -> float | None:
        return _less(self.now.p95, self.before.p95)


@dataclass(frozen=True, slots=True)
class Comparison:
    summary: SessionSummary
    """Of the last conversation of the same configuration."""
    differences: Sequence[Difference]
    """Of the metrics that both know; the total first where it is among them."""


@dataclass(frozen=True, slots=True)
class SessionCard:
    turns: int
    interrupted: int
    failed: int
    measures: Sequence[Measure]
    """All of ``MEASURES``."""
    plot: StripPlot | None
    """None where no turn has a figure."""
    slowest: Slowest | None
    """None of fewer than two turns that have a total."""
    yields: Sequence[tuple[int, float]]
    """(turn, ms until the reply fell silent) of the interruptions that were measured."""
    comparison: Comparison | None


def card_of(session: Session, turns: Sequence[Turn]) -> SessionCard:
    """``turns``: all of the session's, in their order, with their latencies."""
    by_measure = measured(turns)
    overall = {name: figures(durations) for name, durations in by_measure.items()}
    slowest = slowest_of(turns)
    yields = by_measure["yield"].optional()
    return SessionCard(
        turns=len(turns),
        interrupted=sum(turn.interrupted for turn in turns),
        failed=sum(turn.error is not None for turn in turns),
        measures=[
            Measure(name, overall[name], next(iter(by_measure[name][:1].optional()), None))
            for name in MEASURES
        ],
        plot=plot_of(turns, slowest),
        slowest=slowest,
        yields=[
            (turn.sequence, ms) for turn, ms in zip(turns, yields, strict=True) if ms is not None
        ],
        comparison=compared(session, overall),
    )


def measured(turns: Sequence[Turn]) -> dict[str, Durations]:
    """{one of MEASURES: what it was in each turn}."""
    rows = [turn.latency.by_metric() if hasattr(turn, "latency") else {} for turn in turns]
    totals = [total_of(turn) for turn in turns]
    return {
        name: Durations.of(
            np.array(totals if name == TOTAL else [row.get(name) for row in rows], np.float64)
        )
        for name in MEASURES
    }


def slowest_of(turns: Sequence[Turn]) -> Slowest | None:
    totals = [(total, turn) for turn in turns if (total := total_of(turn)) is not None]
    if len(totals) < 2:
        return None
    total, turn = max(totals, key=lambda one: one[0])
    medians = _medians(map(parts_of, turns))
    above = {stage: ms - medians[stage] for stage, ms in parts_of(turn).items()}
    stage = max(above, key=lambda one: above[one], default=None)
    found = stage is not None and above[stage] > 0
    return Slowest(
        number=turn.sequence,
        total=total,
        total_metric=total_metric(turn.latency.by_metric()),
        stage=stage if found else None,
        ms=parts_of(turn)[stage] if found and stage else None,
        above=above[stage] if found and stage else None,
    )


def plot_of(turns: Sequence[Turn], slowest: Slowest | None) -> StripPlot | None:
    rows = [parts_of(turn) for turn in turns]
    totals = [total_of(turn) for turn in turns]
    for row, total in zip(rows, totals, strict=True):
        if total is not None:
            row[TOTAL] = total
    values = [ms for row in rows for ms in row.values()]
    if not values:
        return None
    scale = Scale.up_to(max(values))
    stages = [stage for stage in (*STAGES, TOTAL) if any(stage in row for row in rows)]
    tops = {stage: number * ROW_HEIGHT for number, stage in enumerate(stages)}
    medians = _medians(rows)
    reached = sorted((total or 0.0 for total in totals), reverse=True)[:TAB_STOPS][-1]
    return StripPlot(
        strips=[
            Strip(
                stage,
                tops[stage],
                sum(stage in row for row in rows),
                medians[stage],
                scale.at(medians[stage]),
            )
            for stage in stages
        ],
        turns=[
            TurnDots(
                number=turn.sequence,
                parts=row,
                dots=[
                    Dot(stage, row[stage], scale.at(row[stage]), tops[stage] + _height(place))
                    for stage in stages
                    if stage in row
                ],
                slowest=slowest is not None and turn.sequence == slowest.number,
                tab_stop=(total or 0.0) >= reached,
            )
            for place, (turn, row, total) in enumerate(zip(turns, rows, totals, strict=True))
        ],
        scale=scale,
        height=len(stages) * ROW_HEIGHT,
    )


def compared(session: Session, overall: Mapping[str, Figures]) -> Comparison | None:
    """Beside the owner's last conversation before this one with the same mode, providers and
    models."""
    same = SessionSummary.objects.filter(owner=session.owner_id, turn_count__gt=0)
    same = same.filter(mode=session.mode, **configuration(session))
    earlier = same.filter(created_at__lt=session.created_at).exclude(session=session.pk)
    summary = earlier.select_related("session").order_by("-created_at").first()
    if summary is None:
        return None
    turns = Turn.objects.filter(session=summary.session_id).select_related("latency")
    before = {name: figures(one) for name, one in measured(list(turns)).items()}
    differences = [
        Difference(name, overall[name], before[name])
        for name in COMPARED
        if overall[name].count and before[name].count
    ]
    return Comparison(summary, differences)


def _medians(rows: Iterable[Mapping[str, float]]) -> dict[str, float]:
    known: dict[str, list[float]] = {}
    for row in rows:
        for stage, ms in row.items():
            known.setdefault(stage, []).append(ms)
    return {stage: float(np.median(values)) for stage, values in known.items()}


def _height(place: int) -> float:
    """In a strip, so that dots of the same length are seen beside each other: px from its top."""
    return ROW_HEIGHT / 2 + (place * 2 % 5 - 2) * 2.5


def _less(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else now - before
