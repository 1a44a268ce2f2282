"""The worker process's one event loop, in a thread: stages run on it as coroutines.

Connections to Redis and to providers belong to a loop: with one loop for all stages they stay open.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

from channels.layers import get_channel_layer

from interaction.bus.background import Background
from interaction.bus.cancellation import running_stages
from interaction.bus.publisher import publisher
from interaction.bus.redis_client import CONNECTION_ERRORS, get_redis
from interaction.cascade.provider_pool import StageKind, provider
from interaction.core.types import ProviderSelection

logger = logging.getLogger(__name__)

T = TypeVar("T")


class WorkerLoop:
    def __init__(self) -> None:
        self._background = Background("worker")
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="stages", daemon=True).start()
        self._loop.call_soon_threadsafe(self._start)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` on the loop and wait for it; for any thread but the loop's own."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _start(self) -> None:
        """What the loop does beside its stages."""
        self._background.start_loop(
            "obey cancellations",
            _obey_cancellations,
            on_error="continue",
            expected=CONNECTION_ERRORS,
        )


async def _obey_cancellations() -> None:
    await running_stages.obey(get_redis())


async def warm(kinds: tuple[StageKind, ...]) -> None:
    """Connect, and load the default providers, before the first turn needs them."""
    publisher()
    try:
        await get_redis().ping()
        await get_channel_layer().send("parley.warm", {"type": "warm"})
    except CONNECTION_ERRORS:
        logger.warning("redis does not answer yet")
    for kind in kinds:
        try:
            async with provider(kind, ProviderSelection(""), 0) as warmed:
                if warm_up := getattr(warmed, "warm", None):
                    await warm_up()
        except Exception as error:
            # The turn that needs it fails with a message for the person.
            facts = {"stage": kind, "code": type(error).__name__}
            logger.warning("engine not warmed", extra=facts)


@cache
def worker_loop() -> WorkerLoop:
    """This process's loop; it starts with the first call."""
    return WorkerLoop()
