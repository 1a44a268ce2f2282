"""Calls are counted in Redis, in the minute in which they end, and cost no call anything."""

from __future__ import annotations

from collections import Counter

import pytest
import redis
import redis.asyncio

from interaction.bus import redis_keys
from interaction.bus.redis_client import close_redis, get_redis
from interaction.provider_calls.counter import CallCounter
from interaction.provider_calls.minutes import (
    MINUTES_KEPT,
    begins,
    hour_of,
    minute_now,
    minutes_to_read,
    read_minutes,
)
from interaction.provider_calls.tally import Series, Tally

SERIES = Series("llm", "openai", "gpt-5")


def counted(client: redis.Redis) -> Tally:
    now = minute_now(client)
    minutes = read_minutes(client, range(now - 1, now + 1))
    whole = Tally()
    for tallies in minutes.values():
        assert tallies.keys() == {SERIES}
        whole.add(tallies[SERIES])
    return whole


async def test_calls_that_end_together_are_counted_together(redis_client: redis.Redis) -> None:
    counter = CallCounter(get_redis())
    for number in range(300):
        call = counter.start(*SERIES)
        call.fail("provider_timeout") if number % 3 == 0 else call.succeed()
    before = redis_client.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0)
    await counter.flush()
    after = redis_client.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert counted(redis_client) == Tally(300, 0, Counter(provider_timeout=100))
    assert after - before <= 2, "one round trip, and another to make the script known"
    (key,) = redis_client.keys(f"{redis_keys.provider_calls()}*")
    assert 0 < redis_client.ttl(key) <= redis_keys.PROVIDER_CALLS_LIVE
    await counter.stop()
    await close_redis()


async def test_what_ends_while_it_is_written_is_written_next(redis_client: redis.Redis) -> None:
    counter = CallCounter(get_redis())
    counter.start(*SERIES).succeed()
    calls = [counter.start(*SERIES) for _ in range(10)]
    for call in calls:
        await redis.asyncio.Redis.ping(get_redis())
        call.succeed()
    await counter.flush()
    assert counted(redis_client).calls == 11
    await counter.stop()
    await close_redis()


async def test_without_redis_nothing_is_counted_and_nothing_fails() -> None:
    away = redis.asyncio.Redis.from_url("unix:///nonexistent/redis.sock")
    counter = CallCounter(away)
    counter.start(*SERIES).succeed()
    await counter.flush()
    counter.start(*SERIES).succeed()
    await counter.stop()
    await away.aclose()


async def test_a_redis_that_refuses_to_write_fails_no_call(redis_client: redis.Redis) -> None:
    redis_client.config_set("maxmemory", 1)
    try:
        counter = CallCounter(get_redis())
        counter.start(*SERIES).succeed()
        await counter.flush()
    finally:
        redis_client.config_set("maxmemory", 0)
    counter.start(*SERIES).succeed()
    await counter.flush()
    assert counted(redis_client).calls == 1
    await counter.stop()
    await close_redis()


def test_a_minute_belongs_to_one_hour_of_utc() -> None:
    for minute in (0, 59, 29_730_239, 29_730_240):
        assert hour_of(minute) <= begins(minute)
        assert (begins(minute) - hour_of(minute)).total_seconds() < 3600
        assert hour_of(minute).minute == 0


@pytest.mark.parametrize(
    ("folded", "first"),
    [
        (None, MINUTES_KEPT),  # nobody knows: all that there may be
        (1, 59),  # the hour, whatever is in rows
        (59, 59),
        (61, 60),
        (100, 99),
        (9_999, MINUTES_KEPT),
    ],
)
def test_what_is_in_rows_is_not_read_again(folded: int | None, first: int) -> None:
    """Both in minutes ago."""
    now = 29_000_000
    last = None if folded is None else now - folded
    assert minutes_to_read(now, last, at_least=60) == range(now - first, now + 1)
