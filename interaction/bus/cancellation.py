"""Stopping stages: a control message for those at work, a tombstone for those that come later.

A control message may be lost (pub/sub), so a stage also looks for its tombstone at
every beat (``Notes.beat``).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

from interaction.bus.audio_streams import LIFETIME
from interaction.bus.redis_client import CONNECTION_ERRORS, Redis, retry_while_down
from interaction.bus.stage_watchdog import Job
from interaction.turn_records.turn_notes import tombstone_key

CHANNEL = "parley:cancel"


async def cancel(redis: Redis, subject: UUID) -> None:
    """Stop all work on a reply, or on a turn, wherever it is done."""

    async def attempt() -> None:
        async with redis.pipeline(transaction=False) as pipe:
            pipe.set(tombstone_key(subject), 1, ex=LIFETIME)
            pipe.publish(CHANNEL, subject.bytes)
            await pipe.execute()

    await retry_while_down(attempt)


class RunningStages:
    """The tasks of one worker process, by what they work for."""

    def __init__(self) -> None:
        self._tasks: defaultdict[UUID, set[asyncio.Task[object]]] = defaultdict(set)

    @contextlib.contextmanager
    def on(self, job: Job) -> Iterator[None]:
        """The current task works for ``job`` in here."""
        task = asyncio.current_task()
        assert task is not None, "stages run as tasks"
        for subject in {job.turn, job.subject}:
            self._tasks[subject].add(task)
        try:
            yield
        finally:
            for subject in {job.turn, job.subject}:
                self._tasks[subject].discard(task)
                if not self._tasks[subject]:
                    del self._tasks[subject]

    def stop(self, subject: UUID) -> None:
        for task in self._tasks.get(subject, ()):
            task.cancel()

    async def listen(self, redis: Redis) -> None:
        """Obey the control channel, for ever."""
        while True:
            with contextlib.suppress(*CONNECTION_ERRORS):
                async with redis.pubsub(ignore_subscribe_messages=True) as control:
                    await control.subscribe(CHANNEL)
                    while True:
                        message = await control.get_message(timeout=5)
                        if message is not None:
                            self.stop(UUID(bytes=message["data"]))
            await asyncio.sleep(0.2)


running_stages = RunningStages()
"""One for the process: all its stages run on one loop."""
