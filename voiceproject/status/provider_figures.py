"""Providers' figures: of the hour, out of Redis's minutes; of the day, out of rows and minutes."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, cast

from interaction.models import ProviderHour
from interaction.provider_calls.folding import tally_of
from interaction.provider_calls.minutes import Minutes, begins, hour_of
from interaction.provider_calls.tally import Series, Tally, total
from voiceproject.status.document import CallFigures, CallMinute, ProviderNow, ProvidersNow
from voiceproject.status.redis_answers import MINUTES

HOURS = 24
STAGES = ("stt", "llm", "tts", "realtime")


def providers_now(minutes: Minutes, now: int, counted_since: datetime | None) -> ProvidersNow:
    """``now``: the minute at hand. ``counted_since``: when Redis was started; None: unknown."""
    first = now - MINUTES + 1
    day_since = hour_of(now) - timedelta(hours=HOURS - 1)
    of_hour = _by_series(minutes, first)
    of_day = _of_day(minutes, day_since)
    return ProvidersNow(
        minute=begins(now),
        hour_since=max(begins(first), counted_since or begins(first)),
        day_since=day_since,
        series=[
            ProviderNow(
                stage=cast("Any", series.stage),
                provider=series.provider,
                model=series.model,
                hour=_figures(total(of_hour.get(series, {}).values())),
                day=_figures(of_day[series]),
                minutes=[
                    CallMinute(begins=begins(number), calls=tally.calls, errors=tally.failed)
                    for number, tally in sorted(of_hour.get(series, {}).items())
                ],
            )
            for series in sorted(of_day, key=_place)
        ],
    )


def _of_day(minutes: Minutes, since: datetime) -> dict[Series, Tally]:
    """The rows, each with the minutes of its hour that were not taken into it yet."""
    of_day: dict[Series, Tally] = defaultdict(Tally)
    through: dict[tuple[datetime, Series], int] = {}
    for row in ProviderHour.objects.filter(hour__gte=since):
        series = Series(row.stage, row.provider, row.model)
        through[row.hour, series] = row.through
        if row.calls:  # a row that was just made is still empty
            of_day[series].add(tally_of(row))
    for number, tallies in minutes.items():
        hour = hour_of(number)
        for series, tally in tallies.items():
            if hour >= since and number > through.get((hour, series), -1):
                of_day[series].add(tally)
    return of_day


def _by_series(minutes: Minutes, first: int) -> dict[Series, dict[int, Tally]]:
    """{series: {minute: its tally}} from a minute on."""
    found: dict[Series, dict[int, Tally]] = defaultdict(dict)
    for number, tallies in minutes.items():
        if number >= first:
            for series, tally in tallies.items():
                found[series][number] = tally
    return found


def _figures(tally: Tally) -> CallFigures:
    return CallFigures(
        calls=tally.calls,
        given_up=tally.given_up,
        errors=tally.failed,
        by_code=dict(tally.errors.most_common()),
        error_rate=tally.error_rate,
        results=tally.buckets.total(),
        p50_ms=tally.p50_ms,
    )


def _place(series: Series) -> tuple[int, str, str]:
    return STAGES.index(series.stage), series.provider, series.model
