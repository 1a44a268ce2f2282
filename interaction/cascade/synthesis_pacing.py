"""Keeps synthesis a little ahead of playback, and no further.

Sentences are synthesised at the same time, perhaps on different machines, and played one after
the other. When each will have been played stands in the reply's timeline in Redis, as a duration
from the entry on, since clocks of two machines cannot be compared.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from uuid import UUID

from interaction.bus import redis_keys
from interaction.bus.audio_streams import read_new_entries
from interaction.bus.redis_client import CONNECTION_ERRORS, Redis, retry_while_down

T = TypeVar("T")

LEAD = 2.0
"""Seconds of audio that may be written ahead of what plays."""
PREFETCH = 1.0
"""Seconds of a sentence that may be written before it is its turn."""


class PlaybackTimeline:
    """Which sentences of a reply were written in full, and when each will have been played."""

    def __init__(self, redis: Redis, reply: UUID) -> None:
        self.redis = redis
        self.key = redis_keys.reply_timeline(reply)
        self._ends: dict[int, float] = {}
        """When each sentence will have been played, in this loop's time."""
        self._last_id = b"0"

    async def wait_for_end(self, sentence: int) -> float:
        """Wait until ``sentence`` was written in full; return when it will have been played, in
        this loop's time."""
        loop = asyncio.get_running_loop()
        while sentence not in self._ends:
            try:
                answer = await read_new_entries(self.redis, {self.key: self._last_id})
            except CONNECTION_ERRORS:
                answer = []
                await asyncio.sleep(0.1)
            for _, entries in answer:
                for self._last_id, fields in entries:
                    ends_in = float(fields[b"ends_in"])
                    self._ends[int(fields[b"sentence"])] = loop.time() + ends_in
        return self._ends[sentence]

    async def record_end(self, sentence: int, ends_in: float) -> None:
        """``sentence`` was written in full and will have been played in ``ends_in`` seconds."""

        async def attempt() -> None:
            async with self.redis.pipeline(transaction=False) as pipe:
                pipe.xadd(self.key, {"sentence": sentence, "ends_in": f"{ends_in:.3f}"})
                pipe.expire(self.key, redis_keys.LIFETIME)
                await pipe.execute()

        await retry_while_down(attempt)


class SynthesisPacing:
    """When the audio of one sentence may be written.

    ``hurry`` set: there is no playback to keep pace with, nothing is waited for.
    """

    def __init__(self, timeline: PlaybackTimeline, sentence: int, hurry: asyncio.Event) -> None:
        self._timeline = timeline
        self._sentence = sentence
        self._hurry = hurry
        self._now: Callable[[], float] = asyncio.get_running_loop().time
        self._plays_at: float | None = None
        """When this sentence begins to play, once that is known."""

    async def wait_until_due(self, seconds: float) -> None:
        """Return when audio ``seconds`` into the sentence may be written."""
        if self._plays_at is None and (self._sentence == 0 or seconds >= PREFETCH):
            await self._find_start()
        if self._plays_at is not None:
            await self._sleep_until(self._plays_at + seconds - LEAD)

    async def finish(self, seconds: float) -> None:
        """The whole sentence, ``seconds`` of it, was written: let the next one go on."""
        if self._plays_at is None:
            await self._find_start()
        assert self._plays_at is not None
        ends_in = 0.0 if self._hurry.is_set() else self._plays_at + seconds - self._now()
        await self._timeline.record_end(self._sentence, max(ends_in, 0.0))

    async def _find_start(self) -> None:
        """Find out when this sentence begins to play."""
        self._plays_at = self._now()
        if self._sentence:
            ended = await run_unless_set(
                self._hurry, self._timeline.wait_for_end(self._sentence - 1)
            )
            self._plays_at = max(ended or 0.0, self._now())

    async def _sleep_until(self, at: float) -> None:
        if (delay := at - self._now()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._hurry.wait()


async def run_unless_set(event: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """Await ``work``; cancel it and return None when ``event`` is set first."""
    working = asyncio.create_task(work)
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        waiting.cancel()
        await asyncio.gather(working, return_exceptions=True)
