"""What is known of a live turn, kept in Redis by all who work on it.

The archive is written from these notes and the web side's record; where the web side died, from
the notes alone. ``live`` keys expire by Redis's own clock: a turn that nobody touched for
``SILENCE`` seconds counts as closed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from interaction.bus.audio_streams import LIFETIME, sentence_key
from interaction.bus.redis_client import RETRY_FOR, Redis, retry_while_down
from interaction.bus.stage_watchdog import Job

SILENCE = 10
"""Seconds."""
WORK_LEASE = 3
"""Seconds after its last beat, or its queueing, that a stage still counts as at work."""
OPEN = "parley:turns:open"


def notes_key(turn: UUID) -> str:
    return f"parley:turn:{turn}"


def live_key(turn: UUID) -> str:
    return f"parley:turn:{turn}:live"


def work_key(turn: UUID) -> str:
    return f"parley:turn:{turn}:work"


def tombstone_key(subject: UUID) -> str:
    return f"parley:cancelled:{subject}"


def session_key(session: UUID) -> str:
    return f"parley:session:{session}:live"


def claim_key(job: Job) -> str:
    return f"parley:claim:{_name(job)}"


class Pulse(NamedTuple):
    cancelled: bool
    session_live: bool
    """Whether a web process still has the session."""
    claimed: bool
    """False where Redis has lost its memory, and with it everything this job stands on."""


class TurnNotes:
    """One turn's notes. Every method repeats itself while Redis is away."""

    def __init__(self, redis: Redis, turn: UUID) -> None:
        self.redis = redis
        self.turn = turn

    async def open(self, facts: dict[str, Any], patience: float = RETRY_FOR) -> None:
        """Begin, or begin again where Redis lost everything."""

        async def attempt() -> None:
            async with self.redis.pipeline(transaction=False) as pipe:
                pipe.sadd(OPEN, str(self.turn))
                self._touch(pipe)
                self._write(pipe, facts)
                await pipe.execute()

        await retry_while_down(attempt, patience)

    async def write(self, **facts: Any) -> None:
        async def attempt() -> None:
            async with self.redis.pipeline(transaction=False) as pipe:
                self._write(pipe, facts)
                await pipe.execute()

        await retry_while_down(attempt)

    async def read(self) -> dict[str, Any]:
        raw: Any = await retry_while_down(lambda: self.redis.hgetall(notes_key(self.turn)))
        return {name.decode(): json.loads(value) for name, value in raw.items()}

    async def working(self, job: Job) -> None:
        """``job`` is queued or at work: the archive waits for it."""

        async def attempt() -> None:
            async with self.redis.pipeline(transaction=False) as pipe:
                pipe.hset(work_key(self.turn), _name(job), 1)
                pipe.expire(work_key(self.turn), WORK_LEASE)
                self._touch(pipe)
                await pipe.execute()

        await retry_while_down(attempt)

    async def done_working(self, job: Job) -> None:
        await retry_while_down(lambda: self.redis.hdel(work_key(self.turn), _name(job)))

    async def beat(self, job: Job, session: UUID) -> Pulse:
        """Stay at work, and look at what may have changed."""
        async with self.redis.pipeline(transaction=False) as pipe:
            self._touch(pipe)
            pipe.exists(tombstone_key(job.turn), tombstone_key(job.subject))
            pipe.exists(session_key(session))
            pipe.exists(claim_key(job))
            if job.stage != "archive":
                pipe.hset(work_key(self.turn), _name(job), 1)
                pipe.expire(work_key(self.turn), WORK_LEASE)
            _, cancelled, session_live, claimed, *_ = await pipe.execute()
        return Pulse(bool(cancelled), bool(session_live), bool(claimed))

    async def settled(self, within: float) -> None:
        """Wait until no stage works on the turn, ``within`` seconds at most."""
        loop = asyncio.get_running_loop()
        until = loop.time() + within
        while await self._being_worked_on() and loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.1)  # they may be at work on other machines: no event tells

    async def _being_worked_on(self) -> bool:
        return bool(await retry_while_down(lambda: self.redis.exists(work_key(self.turn))))

    async def forget(self, streams: Iterable[str], *, archived: bool) -> None:
        """Delete the turn's audio; what was noted stays for late facts where it was archived."""
        keys = [*streams, live_key(self.turn)]
        if not archived:
            keys += [notes_key(self.turn), work_key(self.turn)]

        async def attempt() -> None:
            async with self.redis.pipeline(transaction=False) as pipe:
                pipe.unlink(*keys)
                pipe.srem(OPEN, str(self.turn))
                await pipe.execute()

        await retry_while_down(attempt)

    async def free(self) -> None:
        """Forget a reply that is kept nowhere, and its audio."""
        replies = notes_of_replies(await self.read())
        streams = [sentence_key(reply.id, n) for reply in replies for n in range(reply.sentences)]
        await self.forget(streams, archived=False)

    def _touch(self, pipe: Any) -> None:
        pipe.set(live_key(self.turn), 1, ex=SILENCE)

    def _write(self, pipe: Any, facts: dict[str, Any]) -> None:
        key = notes_key(self.turn)
        pipe.hset(key, mapping={name: json.dumps(value) for name, value in facts.items()})
        pipe.expire(key, LIFETIME)


def _name(job: Job) -> str:
    return f"{job.stage}:{job.subject}:{job.n}"


@dataclass
class NotedReply:
    id: UUID
    sentences: int


def notes_of_replies(notes: dict[str, Any]) -> list[NotedReply]:
    """The replies that any stage worked on, an abandoned eager one included."""
    counts: dict[UUID, int] = {}
    for name in notes:
        if name.startswith("sentence:"):
            _, reply, number = name.split(":")
            counts[UUID(reply)] = max(counts.get(UUID(reply), 0), int(number) + 1)
    return [NotedReply(reply, count) for reply, count in counts.items()]
