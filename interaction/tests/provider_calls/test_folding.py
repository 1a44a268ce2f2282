"""Minutes become rows once, whenever and however often they are folded."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis
from django.db import connection
from django.utils import timezone

from interaction.bus import redis_keys
from interaction.models import ProviderHour
from interaction.provider_calls import folding
from interaction.provider_calls.folding import fold, tally_of
from interaction.provider_calls.minutes import MINUTES_KEPT, hour_of, minute_now
from interaction.provider_calls.tally import Series, Tally, total, written

pytestmark = pytest.mark.django_db

ONE = Series("llm", "openai", "gpt-5")
OTHER = Series("tts", "espeak", "")
CALLS = Tally(3, 1, Counter(provider_timeout=1), Counter({120: 2}))


def put(client: redis.Redis, minute: int, series: Series = ONE, tally: Tally = CALLS) -> None:
    for name, count in written(series, tally).items():
        client.hincrby(redis_keys.provider_calls(minute), name, count)


def kept(series: Series = ONE) -> Tally:
    rows = ProviderHour.objects.filter(**series._asdict())
    return total(tally_of(row) for row in rows)


@pytest.fixture
def client(redis_client: redis.Redis) -> redis.Redis:
    return redis_client


@pytest.fixture
def now(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """``[minute]``: the one at hand; a test may change it."""
    at = [minute_now(client)]
    monkeypatch.setattr(folding, "minute_now", lambda client: at[0])
    yield at


def test_what_is_over_is_folded_and_the_minute_at_hand_is_not(
    client: redis.Redis, now: list[int]
) -> None:
    for age in range(5):
        put(client, now[0] - age)
    fold()
    assert kept() == total([CALLS] * 4)
    now[0] += 1
    fold()
    assert kept() == total([CALLS] * 5)


def test_folded_again_nothing_changes(client: redis.Redis, now: list[int]) -> None:
    for age in (1, 2, 30, 100):
        put(client, now[0] - age)
        put(client, now[0] - age, OTHER)
    fold()
    before = list(ProviderHour.objects.order_by("pk").values())
    fold()
    assert list(ProviderHour.objects.order_by("pk").values()) == before
    assert kept() == kept(OTHER) == total([CALLS] * 4)


@pytest.mark.parametrize("late", [1, 7, 59, 60, MINUTES_KEPT - 1])
def test_folded_late_nothing_is_missing(client: redis.Redis, now: list[int], late: int) -> None:
    put(client, now[0])
    now[0] += late + 1
    put(client, now[0] - 1)
    fold()
    assert kept() == total([CALLS] * 2)


def test_each_hour_has_its_row(client: redis.Redis, now: list[int]) -> None:
    edge = now[0] - now[0] % 60
    now[0] = edge + 2
    for minute in (edge - 1, edge, edge + 1):
        put(client, minute)
    fold()
    rows = dict(ProviderHour.objects.values_list("hour", "calls"))
    assert rows == {hour_of(edge - 1): 3, hour_of(edge): 6}


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 12, 31, 23, 59, tzinfo=UTC),  # midnight, and the year's end
        datetime(2026, 3, 29, 0, 59, tzinfo=UTC),  # Europe's clocks go forward
        datetime(2026, 10, 25, 0, 59, tzinfo=UTC),  # and back: an hour comes twice
        datetime(2026, 11, 1, 5, 59, tzinfo=UTC),  # New York's go back
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
def test_no_calendar_makes_an_hour_longer(
    client: redis.Redis,
    now: list[int],
    monkeypatch: pytest.MonkeyPatch,
    moment: datetime,
    zone: str,
) -> None:
    monkeypatch.setattr(folding, "KEPT_FOR", timedelta(days=10_000))
    first = int(moment.timestamp()) // 60
    with timezone.override(zone):
        for minute in range(first - 60, first + 3):
            put(client, minute)
        now[0] = first + 3
        fold()
    hours = dict(ProviderHour.objects.values_list("hour", "calls"))
    hour = moment.replace(minute=0)
    assert hours == {
        hour - timedelta(hours=1): 3,
        hour: 180,
        hour + timedelta(hours=1): 6,
    }


@pytest.mark.django_db(transaction=True)
def test_folded_by_several_at_once_each_minute_counts_once(
    client: redis.Redis, now: list[int]
) -> None:
    for age in range(1, 40):
        put(client, now[0] - age)
    begin = threading.Barrier(3)

    def work() -> None:
        begin.wait()
        fold()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept() == total([CALLS] * 39)


def test_another_that_was_quicker_is_noticed(
    client: redis.Redis, now: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(client, now[0] - 1)
    read, folds = folding.tally_of, list[ProviderHour]()

    def overtaken(row: ProviderHour) -> Tally:
        if not folds:
            folds.append(row)
            fold()  # the other reads and writes between this one's reading and writing
        return read(row)

    monkeypatch.setattr(folding, "tally_of", overtaken)
    fold()
    assert kept() == CALLS


def test_a_redis_that_has_lost_its_memory_takes_nothing_away(
    client: redis.Redis, now: list[int]
) -> None:
    put(client, now[0] - 2)
    fold()
    client.flushall()
    put(client, now[0] - 1)
    fold()
    assert kept() == total([CALLS] * 2)


def test_old_rows_go(client: redis.Redis, now: list[int]) -> None:
    for days in (0, 7, 9):
        hour = timezone.now() - timedelta(days=days)
        ProviderHour.objects.create(hour=hour, **ONE._asdict(), calls=days + 1)
    fold()
    assert kept().calls == 1 + 8


def test_without_redis_it_says_so_and_the_rows_stay(settings: object) -> None:
    ProviderHour.objects.create(hour=timezone.now(), **ONE._asdict(), calls=1)
    settings.REDIS_URL = "unix:///nonexistent/redis.sock"  # type: ignore[attr-defined]
    with pytest.raises(redis.RedisError):
        fold()
    assert kept().calls == 1
