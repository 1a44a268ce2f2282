"""Providers' figures are those of the calls themselves, however they are spread over minutes and
rows."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random

import numpy as np
import pytest

from interaction.models import ProviderHour
from interaction.provider_calls.histogram import ACCURACY, bucket_of
from interaction.provider_calls.minutes import Minutes, begins, hour_of
from interaction.provider_calls.tally import Series, Tally, total
from voiceproject.status.document import CallFigures, ProvidersNow
from voiceproject.status.minutes_picture import BELOW, HEIGHT, WIDTH, minutes_table, picture
from voiceproject.status.provider_figures import providers_now

pytestmark = pytest.mark.django_db

ALL = [
    Series("stt", "openai-live", "gpt-live-transcribe"),
    Series("llm", "openai", "gpt-5"),
    Series("llm", "openai", ""),
    Series("tts", "espeak", ""),
    Series("realtime", "gemini", "live"),
]
NOON = int(datetime(2026, 11, 25, 12, 30, tzinfo=UTC).timestamp()) // 60
MIDNIGHT = int(datetime(2026, 10, 25, 0, 0, tzinfo=UTC).timestamp()) // 60
LAST_OF_HOUR = NOON + 29


class Call:
    """A call as it was: in which minute it ended, what it came to, how long its result took."""

    def __init__(self, random: Random, now: int) -> None:
        self.minute = now - int(random.triangular(0, 26 * 60, 0))
        self.series = random.choice(ALL)
        self.code = random.choice(["", "", "", "", "provider_timeout", "provider_refused"])
        self.given_up = not self.code and random.random() < 0.1
        timed = not (self.given_up or self.code) or random.random() < 0.2
        self.ms = random.lognormvariate(6, 1) if timed and not self.given_up else None

    def tally(self) -> Tally:
        errors = Counter({self.code: 1}) if self.code else Counter()
        buckets = Counter() if self.ms is None else Counter({bucket_of(self.ms): 1})
        return Tally(1, int(self.given_up), errors, buckets)


def spread(calls: list[Call], folded_through: int, now: int) -> Minutes:
    """Keep the calls as they would be: folded up to a minute, the last two hours in Redis too."""
    minutes: Minutes = {}
    for call in calls:
        tallies = minutes.setdefault(call.minute, {})
        tallies.setdefault(call.series, Tally()).add(call.tally())
    hours = {hour_of(minute) for minute in minutes if minute <= folded_through}
    for hour, series in product(hours, ALL):
        taken = {
            minute: tallies[series]
            for minute, tallies in minutes.items()
            if hour_of(minute) == hour and minute <= folded_through and series in tallies
        }
        if taken:
            whole = total(taken.values())
            ProviderHour.objects.create(
                hour=hour,
                **series._asdict(),
                through=max(taken),
                calls=whole.calls,
                given_up=whole.given_up,
                errors=whole.errors,
                buckets=whole.buckets,
            )
    return {minute: tallies for minute, tallies in minutes.items() if minute > now - 120}


def check(figures: CallFigures, calls: list[Call]) -> None:
    """The figures against another computation, on the calls themselves."""
    errors = [call.code for call in calls if call.code]
    judged = [call for call in calls if not call.given_up]
    times = [call.ms for call in calls if call.ms is not None]
    assert figures.calls == len(calls)
    assert figures.given_up == len(calls) - len(judged)
    assert figures.errors == len(errors)
    assert figures.by_code == Counter(errors)
    assert figures.results == len(times)
    if judged:
        assert figures.error_rate == pytest.approx(len(errors) / len(judged))
    else:
        assert figures.error_rate is None
    if times:
        assert figures.p50_ms == pytest.approx(np.median(times), rel=1.0001 * ACCURACY)
    else:
        assert figures.p50_ms is None


@pytest.mark.parametrize("now", [NOON, MIDNIGHT, MIDNIGHT - 1, MIDNIGHT + 60, LAST_OF_HOUR])
@pytest.mark.parametrize("behind", [1, 4, 60, 119])
@pytest.mark.parametrize("count", [3, 2_000])
def test_hour_and_day_are_those_of_the_calls(now: int, behind: int, count: int) -> None:
    random = Random(f"{now} {behind} {count}")
    calls = [Call(random, now) for _ in range(count)]
    found = providers_now(spread(calls, now - behind, now), now, None)
    first, since = now - 59, hour_of(now) - timedelta(hours=23)
    assert (found.hour_since, found.day_since) == (begins(first), since)
    of_day = [call for call in calls if begins(call.minute) >= since]
    assert {(one.stage, one.provider, one.model) for one in found.series} == {
        tuple(call.series) for call in of_day
    }
    for one in found.series:
        own = [call for call in of_day if call.series == (one.stage, one.provider, one.model)]
        of_hour = [call for call in own if call.minute >= first]
        check(one.day, own)
        check(one.hour, of_hour)
        assert {minute.begins: (minute.calls, minute.errors) for minute in one.minutes} == {
            begins(number): (
                sum(call.minute == number for call in of_hour),
                sum(call.minute == number and bool(call.code) for call in of_hour),
            )
            for number in {call.minute for call in of_hour}
        }


def test_stages_come_in_their_order() -> None:
    minutes: Minutes = {NOON: dict.fromkeys(reversed(ALL), Tally(1))}
    stages = [one.stage for one in providers_now(minutes, NOON, None).series]
    assert stages == ["stt", "llm", "llm", "tts", "realtime"]


def test_of_no_calls_there_are_no_series() -> None:
    assert providers_now({}, NOON, None).series == []


def test_who_was_not_called_in_the_hour_has_no_rate_and_no_median_of_it() -> None:
    ProviderHour.objects.create(hour=hour_of(NOON - 300), **ALL[0]._asdict(), calls=1)
    (one,) = providers_now({}, NOON, None).series
    assert (one.hour.calls, one.hour.error_rate, one.hour.p50_ms) == (0, None, None)
    assert (one.day.calls, one.day.error_rate, one.day.p50_ms) == (1, 0, None)


@pytest.mark.parametrize(("minutes_ago", "since"), [(10, 10), (59, 59), (61, 59), (9_000, 59)])
def test_the_hour_begins_where_redis_did(minutes_ago: int, since: int) -> None:
    found = providers_now({}, NOON, begins(NOON - minutes_ago))
    assert found.hour_since == begins(NOON - since)


def pictured(minutes: dict[int, tuple[int, int]]) -> ProvidersNow:
    counted: Minutes = {
        NOON - age: {ALL[0]: Tally(calls, errors=Counter(code=errors) if errors else Counter())}
        for age, (calls, errors) in minutes.items()
    }
    return providers_now(counted, NOON, None)


def strokes(path: str) -> dict[int, float]:
    """{minute's place: the height of its stroke, downwards}."""
    found = re.findall(rf"M(\d+) {HEIGHT}v(-?[\d.]+)", path)
    assert path == "".join(f"M{x} {HEIGHT}v{height}" for x, height in found)
    return {int(x) // WIDTH: float(height) for x, height in found}


def test_the_picture_has_a_bar_a_minute_where_it_belongs() -> None:
    providers = pictured({0: (4, 0), 1: (2, 1), 59: (1, 1)})
    drawn = picture(providers.series[0], providers.minute)
    assert drawn is not None
    calls, errors = strokes(drawn.calls), strokes(drawn.errors)
    assert calls == {0: -HEIGHT / 4, 58: -HEIGHT / 2, 59: -HEIGHT}
    assert errors == {0: BELOW, 58: BELOW}
    assert (drawn.fullest.calls, drawn.failed) == (4, 2)


def test_a_few_calls_beside_many_are_still_seen() -> None:
    providers = pictured({0: (10_000, 0), 1: (1, 0)})
    drawn = picture(providers.series[0], providers.minute)
    assert drawn is not None
    assert strokes(drawn.calls) == {59: -HEIGHT, 58: -2}


def test_without_calls_there_is_no_picture() -> None:
    ProviderHour.objects.create(hour=hour_of(NOON - 300), **ALL[0]._asdict(), calls=1)
    providers = providers_now({}, NOON, None)
    assert picture(providers.series[0], providers.minute) is None
    assert minutes_table(providers).rows == []


def test_the_table_behind_has_the_newest_minute_first() -> None:
    table = minutes_table(pictured({3: (2, 1), 0: (5, 0)}))
    shown = [
        (at, [(cell.calls, cell.errors) for cell in cells if cell]) for at, cells in table.rows
    ]
    assert shown == [(begins(NOON), [(5, 0)]), (begins(NOON - 3), [(2, 1)])]
