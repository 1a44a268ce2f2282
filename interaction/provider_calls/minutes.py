"""The minutes that are counted in Redis, by their numbers: minutes since 1970, by Redis's clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import redis

from interaction.bus import redis_keys
from interaction.provider_calls.tally import Series, Tally, read

A_MINUTE = 60
MINUTES_KEPT = redis_keys.PROVIDER_CALLS_LIVE // A_MINUTE
"""Before the one at hand; none is older."""

Minutes = dict[int, dict[Series, Tally]]


def minute_now(client: redis.Redis) -> int:
    seconds, _microseconds = client.time()
    return int(seconds) // A_MINUTE


def read_minutes(client: redis.Redis, numbers: Iterable[int]) -> Minutes:
    """What was counted in these minutes, but for those in which nothing was: one round trip."""
    wanted = list(numbers)
    with client.pipeline(transaction=False) as pipe:
        for number in wanted:
            pipe.hgetall(redis_keys.provider_calls(number))
        answers: list[Any] = pipe.execute()
    return {number: read(fields) for number, fields in zip(wanted, answers, strict=True) if fields}


def minutes_to_read(now: int, folded: int | None, *, at_least: int) -> range:
    """The last ``at_least`` minutes, ``now`` being the last of them, and before them those that no
    row may have. ``folded``: the last one that rows have, like all before it; None: not known."""
    oldest = now - MINUTES_KEPT
    not_folded = oldest if folded is None else max(folded + 1, oldest)
    return range(min(not_folded, now - at_least + 1), now + 1)


def begins(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * A_MINUTE, UTC)


def hour_of(minute: int) -> datetime:
    """The beginning of the hour that a minute belongs to, in UTC."""
    return begins(minute - minute % 60)
