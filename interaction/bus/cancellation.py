"""Stopping stages: a message for those at work, a tombstone for those that start later.

The message may be lost (pub/sub), so a stage also looks for its tombstone at every beat
(``TurnNotes.beat``).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

from interaction.bus import redis_keys
from interaction.bus.redis_client import Redis, retry_while_down
from interaction.bus.stage_watchdog import Job


async def cancel(redis: Redis, subject: UUID) -> None:
    """Stop all work on a reply, or on a turn, in whichever worker it is done."""

    async def attempt() -> None:
        async with redis.pipeline(transaction=False) as pipe:
            pipe.set(redis_keys.cancelled(subject), 1, ex=redis_keys.LIFETIME)
            pipe.publish(redis_keys.CANCEL_CHANNEL, subject.bytes)
            await pipe.execute()

    await retry_while_down(attempt)


class RunningStages:
    """The tasks of one worker process, by the turn and the reply that they work for."""

    def __init__(self) -> None:
        self._tasks: defaultdict[UUID, set[asyncio.Task[object]]] = defaultdict(set)

    @contextlib.contextmanager
    def running(self, job: Job) -> Iterator[None]:
        """Within it the current task works for ``job`` and may be cancelled."""
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

    def cancel(self, subject: UUID) -> None:
        for task in self._tasks.get(subject, ()):
            task.cancel()

    async def obey(self, redis: Redis) -> None:
        """Cancel what ``CANCEL_CHANNEL`` names, until the connection breaks."""
        async with redis.pubsub(ignore_subscribe_messages=True) as control:
            await control.subscribe(redis_keys.CANCEL_CHANNEL)
            while True:
                message = await control.get_message(timeout=5)
                if message is not None:
                    self.cancel(UUID(bytes=message["data"]))


running_stages = RunningStages()
"""One for the process: all its stages run on one loop."""
