"""What is known of a live turn, kept in Redis by all who work on it.

The archive is written from these notes and from the web side's record, which is one of them; where
the web side died, from the rest alone. A turn that no process has touched for
``redis_keys.LIVE_FOR`` seconds, by Redis's own clock, counts as closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from interaction.bus import redis_keys
from interaction.bus.background import Background
from interaction.bus.redis_client import CONNECTION_ERRORS, RETRY_FOR, Redis, retry_while_down
from interaction.bus.stage_watchdog import Job
from interaction.safe_logging import NO_FACTS
from interaction.turn_records.note_fields import Note, TurnNotesContent, TurnOpening


class Pulse(NamedTuple):
    """What a stage finds at a beat."""

    cancelled: bool
    session_live: bool
    """Whether a web process still has the session."""
    claimed: bool
    """False where Redis has lost its memory, and with it everything the job works from."""


class TurnNotes:
    """One turn's notes. Every method repeats itself while Redis is away, for ``RETRY_FOR`` seconds
    at most, and then raises what Redis raised; ``beat`` alone does not repeat itself."""

    def __init__(self, redis: Redis, turn: UUID) -> None:
        self.redis = redis
        self.turn = turn

    async def open(self, opening: TurnOpening, *notes: Note, patience: float = RETRY_FOR) -> None:
        """Write the first notes; again where Redis may have lost everything."""

        async def attempt() -> None:
            async with self.redis.pipeline(transaction=False) as pipe:
                pipe.sadd(redis_keys.open_turns(), str(self.turn))
                self._touch(pipe)
                self._write(pipe, [*opening.notes(), *notes])
                await pipe.execute()

        await retry_while_down(attempt, patience)

    async def write(self, *notes: Note) -> None:
        async def attempt() -> None:
            async with self.redis.pipeline(transaction=False) as pipe:
                self._write(pipe, notes)
                await pipe.execute()

        await retry_while_down(attempt)

    async def read(self) -> TurnNotesContent:
        key = redis_keys.turn_notes(self.turn)
        raw: Any = await retry_while_down(lambda: self.redis.hgetall(key))
        notes = {name.decode(): json.loads(value) for name, value in raw.items()}
        return TurnNotesContent.parse(notes)

    async def mark_working(self, job: Job) -> None:
        """``job`` is queued or at work: the archive waits for it."""

        async def attempt() -> None:
            async with self.redis.pipeline(transaction=False) as pipe:
                self._mark_working(pipe, job)
                self._touch(pipe)
                await pipe.execute()

        await retry_while_down(attempt)

    async def mark_done(self, job: Job) -> None:
        work, name = redis_keys.turn_work(self.turn), redis_keys.job_name(job)
        await retry_while_down(lambda: self.redis.hdel(work, name))

    async def beat(self, job: Job, session: UUID) -> Pulse:
        """Stay at work, and look at what may have changed."""
        async with self.redis.pipeline(transaction=False) as pipe:
            self._touch(pipe)
            pipe.exists(redis_keys.cancelled(job.turn), redis_keys.cancelled(job.subject))
            pipe.exists(redis_keys.session_live(session))
            pipe.exists(redis_keys.stage_claim(job))
            if job.stage != "archive":
                self._mark_working(pipe, job)
            _, cancelled, session_live, claimed, *_ = await pipe.execute()
        return Pulse(bool(cancelled), bool(session_live), bool(claimed))

    async def wait_until_idle(self, within: float) -> None:
        """Wait until no stage works on the turn, ``within`` seconds at most."""
        loop = asyncio.get_running_loop()
        until = loop.time() + within
        while await self._is_worked_on() and loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.1)  # they may be at work on other machines: no event tells

    async def delete(self, streams: Iterable[str], *, archived: bool) -> None:
        """Delete the turn's audio, whose keys are ``streams``; it is no open turn any more.

        Where it was ``archived`` the notes stay, for facts that come late.
        """
        keys = [*streams, redis_keys.turn_live(self.turn)]
        if not archived:
            keys += [redis_keys.turn_notes(self.turn), redis_keys.turn_work(self.turn)]

        async def attempt() -> None:
            async with self.redis.pipeline(transaction=False) as pipe:
                pipe.unlink(*keys)
                pipe.srem(redis_keys.open_turns(), str(self.turn))
                await pipe.execute()

        await retry_while_down(attempt)

    async def delete_with_replies(self) -> None:
        """Delete what there is of a turn that is not archived, and its replies' audio."""
        counts = (await self.read()).sentence_counts()
        streams = [
            redis_keys.sentence_audio(reply, sentence)
            for reply, count in counts.items()
            for sentence in range(count)
        ]
        await self.delete(streams, archived=False)

    async def _is_worked_on(self) -> bool:
        work = redis_keys.turn_work(self.turn)
        return bool(await retry_while_down(lambda: self.redis.exists(work)))

    def _touch(self, pipe: Any) -> None:
        pipe.set(redis_keys.turn_live(self.turn), 1, ex=redis_keys.LIVE_FOR)

    def _mark_working(self, pipe: Any, job: Job) -> None:
        work = redis_keys.turn_work(self.turn)
        pipe.hset(work, redis_keys.job_name(job), 1)
        pipe.expire(work, redis_keys.WORK_LEASE)

    def _write(self, pipe: Any, notes: Iterable[Note]) -> None:
        key = redis_keys.turn_notes(self.turn)
        pipe.hset(key, mapping={name: json.dumps(value) for name, value in notes})
        pipe.expire(key, redis_keys.LIFETIME)


async def session_of(redis: Redis, turn: UUID) -> UUID | None:
    """The session of a turn that has notes."""
    raw: Any = await redis.hget(redis_keys.turn_notes(turn), "session")
    return UUID(json.loads(raw)) if raw else None


class NotesWriter:
    """Writes notes behind the work, which need not wait for Redis. What cannot be written while
    Redis is away is left out."""

    def __init__(self, notes: TurnNotes, log_facts: Mapping[str, object] = NO_FACTS) -> None:
        self._notes = notes
        self._background = Background("notes", log_facts=log_facts)
        self._unwritten: dict[str, Note] = {}
        self._is_writing = False

    def note(self, *notes: Note) -> None:
        self._unwritten |= {note.name: note for note in notes}
        if not self._is_writing:
            self._is_writing = True
            self._background.start_job(self._write(), name="write")

    async def flush(self) -> None:
        """Wait until all is written."""
        await self._background.drain()

    async def _write(self) -> None:
        try:
            with contextlib.suppress(*CONNECTION_ERRORS):
                while self._unwritten:
                    notes, self._unwritten = self._unwritten, {}
                    await self._notes.write(*notes.values())
        finally:
            self._is_writing = False
