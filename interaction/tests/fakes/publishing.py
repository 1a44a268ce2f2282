"""A broker without workers, and a Redis that is slow for audio."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from interaction.bus.stage_messages import StageRequest
from interaction.core.types import Stage


class FakePublisher:
    """Accepts every request at once; no worker gets it."""

    def __init__(self) -> None:
        self.requests: list[StageRequest] = []
        self.crash_at: Stage | None = None
        """The next request of this stage raises a bug, and is lost."""

    async def publish(self, request: StageRequest, patience: float = 0.0, **_: Any) -> None:
        if request.stage == self.crash_at:
            self.crash_at = None
            raise RuntimeError("injected")
        self.requests.append(request)

    def turns(self, stage: Stage) -> list[UUID]:
        """Those for which this stage was asked, in order."""
        return [request.turn_id for request in self.requests if request.stage == stage]


class HoldingPipeline(Pipeline):
    released: asyncio.Event
    waiting: asyncio.Event

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        if any(args[0] == "XADD" and b":audio:" in _bytes(args[1]) for args, _ in self._commands()):
            self.waiting.set()
            await self.released.wait()
        answers: list[Any] = await super().execute(raise_on_error)
        return answers

    def _commands(self) -> list[Any]:
        return list(self.command_stack)


class HoldingRedis(Redis):
    """A Redis that is slow for audio alone: nobody who appends some is answered until
    ``released`` is set. ``waiting`` is set when somebody does."""

    def __init__(self) -> None:
        super().__init__(connection_pool=Redis.from_url(settings.REDIS_URL).connection_pool)
        self.auto_close_connection_pool = True
        self.released = asyncio.Event()
        self.waiting = asyncio.Event()

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        pipe = HoldingPipeline(
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )
        pipe.released, pipe.waiting = self.released, self.waiting
        return pipe


def _bytes(key: Any) -> bytes:
    return key if isinstance(key, bytes) else str(key).encode()
