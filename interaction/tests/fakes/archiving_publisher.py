"""A task queue and a worker in one, for the archive alone: a test sees rows without a worker.

Chosen by ``settings.PARLEY_PUBLISHER``.
"""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

from interaction.bus.background import Background
from interaction.bus.redis_client import close_redis
from interaction.bus.stage_messages import StageRequest, dump, load_request
from interaction.cascade.stage import StageRun, run_repeatable
from interaction.turn_records.archive import DEADLINE, archive_turn


class ArchivingPublisher:
    """Implements ``interaction.bus.publisher.TaskPublisher``: archives a turn as the task does in a
    worker, between ``start`` and ``stop``, in a thread of its own: connections to Redis belong to
    an event loop, and the engine's ends before the archive has written. It has no other stage."""

    async def start(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready)), name="archive", daemon=True
        )
        self._thread.start()
        await asyncio.to_thread(ready.wait)

    async def stop(self) -> None:
        """Wait until every turn so far is archived, then end."""
        self._loop.call_soon_threadsafe(self._over.set)
        await asyncio.to_thread(self._thread.join)

    async def publish(self, request: StageRequest, patience: float = 0.0, **kwargs: Any) -> None:
        assert request.stage == "archive", f"{request.stage} needs a worker"
        received = load_request(json.loads(json.dumps(dump(request))))
        run = run_repeatable(received, _archive, DEADLINE)
        self._loop.call_soon_threadsafe(self._background.start_job, run)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._background = Background("archive in the test")
        ready.set()
        await self._over.wait()
        await self._background.drain()
        await close_redis()


async def _archive(run: StageRun) -> None:
    await archive_turn(run.redis, run.request)
