"""The hour by minute: a small picture a provider, and one table of them all behind these."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from voiceproject.status.document import CallMinute, ProviderNow, ProvidersNow
from voiceproject.status.redis_answers import MINUTES

WIDTH = 3
"""Of a minute, in px."""
HEIGHT = 22
"""Of the calls of the fullest minute; errors hang below them, to a scale of their own."""
BELOW = 8


@dataclass(frozen=True, slots=True)
class MinutesPicture:
    """Both are paths of SVG: a stroke a minute, in px; y goes down."""

    calls: str
    errors: str
    fullest: CallMinute
    failed: int

    width = MINUTES * WIDTH
    stroke = WIDTH - 1
    line = HEIGHT
    height = HEIGHT + BELOW


@dataclass(frozen=True, slots=True)
class MinutesTable:
    columns: list[ProviderNow]
    rows: list[tuple[datetime, list[CallMinute | None]]]
    """The minutes in which calls ended, the newest first, with an entry a column."""


def picture(one: ProviderNow, at_hand: datetime) -> MinutesPicture | None:
    """None where no call ended within the hour. ``at_hand``: the last minute's beginning."""
    if not one.minutes:
        return None
    fullest = max(one.minutes, key=lambda minute: minute.calls)
    most_errors = max(minute.errors for minute in one.minutes)
    calls, errors = "", ""
    for minute in one.minutes:
        place = MINUTES - 1 - round((at_hand - minute.begins) / timedelta(minutes=1))
        start = f"M{place * WIDTH + 1} {HEIGHT}"
        calls += f"{start}v-{_visible(HEIGHT * minute.calls / fullest.calls)}"
        if minute.errors:
            errors += f"{start}v{_visible(BELOW * minute.errors / most_errors)}"
    return MinutesPicture(calls, errors, fullest, sum(minute.errors for minute in one.minutes))


def _visible(height: float) -> str:
    return f"{max(2.0, height):.1f}"


def minutes_table(providers: ProvidersNow) -> MinutesTable:
    columns = [one for one in providers.series if one.minutes]
    cells = {
        (minute.begins, number): minute
        for number, one in enumerate(columns)
        for minute in one.minutes
    }
    rows = [
        (begins, [cells.get((begins, number)) for number in range(len(columns))])
        for begins in sorted({begins for begins, _number in cells}, reverse=True)
    ]
    return MinutesTable(columns, rows)
