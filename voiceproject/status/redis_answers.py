"""All that the status is told by Redis, in two round trips."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import redis
from django.conf import settings

from interaction.bus import redis_keys
from interaction.bus.short_lived_redis import connect
from interaction.provider_calls.minutes import A_MINUTE, Minutes, minutes_to_read
from interaction.provider_calls.tally import read
from voiceproject.heartbeat import Beat

logger = logging.getLogger(__name__)

MINUTES = 60
"""Of an hour of providers' calls."""


@dataclass(frozen=True, slots=True)
class RedisAnswers:
    live: frozenset[UUID]
    """Of the sessions that were asked for: those that a web process has."""
    info: dict[str, Any]
    """What Redis says of itself; empty where it may not be asked."""
    queues: dict[str, tuple[int, bytes | None]]
    """By name: how many tasks wait, and the message of the first of them."""
    workers: list[tuple[Beat, float]]
    """What each said last, and ms since then."""
    recordings: tuple[int, float] | None
    """Their bytes, and seconds since they were measured."""
    minute: int
    """The one at hand, by Redis's clock."""
    minutes: Minutes
    """What was counted of providers' calls in the hour, and before it in what no row has: rows that
    are read after this have the rest."""


def ask(sessions: Sequence[UUID]) -> RedisAnswers | None:
    """None where Redis does not answer within its patience."""
    try:
        with connect() as client:
            return _ask(client, sessions)
    except redis.RedisError as error:
        logger.warning("no status from redis: %s", type(error).__name__)
        return None


def _ask(client: redis.Redis, sessions: Sequence[UUID]) -> RedisAnswers:
    queues = settings.QUEUES
    with client.pipeline(transaction=False) as pipe:
        pipe.time()
        pipe.smembers(redis_keys.workers())
        pipe.get(redis_keys.provider_calls_folded())
        pipe.get(redis_keys.recordings_size())
        pipe.pttl(redis_keys.recordings_size())
        for queue in queues:
            pipe.llen(queue)
            pipe.lindex(queue, -1)  # new ones are put in at the other end
        (seconds, _), names, folded, size, size_left, *of_queues = pipe.execute()
    minute, names = seconds // A_MINUTE, sorted(name.decode() for name in names)
    numbers = minutes_to_read(minute, int(folded) if folded else None, at_least=MINUTES)
    with client.pipeline(transaction=False) as pipe:
        pipe.info()
        for session in sessions:
            pipe.exists(redis_keys.session_live(session))
        for name in names:
            pipe.get(redis_keys.worker(name))
            pipe.pttl(redis_keys.worker(name))
        for number in numbers:
            pipe.hgetall(redis_keys.provider_calls(number))
        info, *answers = pipe.execute(raise_on_error=False)
    alive, answers = answers[: len(sessions)], answers[len(sessions) :]
    beats, counts = answers[: 2 * len(names)], answers[2 * len(names) :]
    return RedisAnswers(
        live=frozenset(one for one, lives in zip(sessions, alive, strict=True) if lives == 1),
        # A Redis that others run may keep that to itself.
        info={} if isinstance(info, Exception) else info,
        queues=dict(zip(queues, _pairs(of_queues), strict=True)),
        workers=_workers(_pairs(beats)),
        recordings=_recordings(size, size_left),
        minute=minute,
        minutes=_minutes(numbers, counts),
    )


def _workers(beats: Sequence[tuple[Any, Any]]) -> list[tuple[Beat, float]]:
    """But for those that nothing is remembered of."""
    return [
        (json.loads(beat), _age_ms(left, redis_keys.WORKER_REMEMBERED))
        for beat, left in beats
        if isinstance(beat, bytes)
    ]


def _recordings(size: bytes | None, left_ms: int) -> tuple[int, float] | None:
    if size is None:
        return None
    return int(size), _age_ms(left_ms, redis_keys.RECORDINGS_KNOWN) / 1000


def _minutes(numbers: Sequence[int], counts: Sequence[Any]) -> Minutes:
    return {
        number: read(fields)
        for number, fields in zip(numbers, counts, strict=True)
        if isinstance(fields, dict) and fields
    }


def _pairs(flat: Sequence[Any]) -> list[tuple[Any, Any]]:
    return list(zip(flat[::2], flat[1::2], strict=True))


def _age_ms(left_ms: int, life_s: int) -> float:
    """How long ago a key was written that lives so long."""
    return max(0.0, 1000 * life_s - left_ms)
