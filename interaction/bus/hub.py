"""What the engines of one event loop share: a channel, a reader, a pulse.

One hub a web process. It starts with the first engine and stops with the last.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import UUID

from channels.layers import get_channel_layer

from interaction.bus.publisher import publisher
from interaction.bus.redis_client import CONNECTION_ERRORS, close_redis, get_redis
from interaction.bus.reply_reader import ReplyReader
from interaction.bus.stage_messages import REPORT, StageReport, unpack_report
from interaction.safe_logging import log_crash
from interaction.turn_records.turn_notes import SILENCE, live_key, session_key

logger = logging.getLogger(__name__)

ECHO = "cascade.echo"
ECHO_EVERY = 0.4
ECHO_WITHIN = 1.0
"""Without an echo for this long, the line to Redis is down and no stage is judged."""
LOOK_EVERY = 0.2
REFRESH_EVERY = 2.0


class Listener(Protocol):
    """What the hub wants of an engine."""

    session_id: UUID

    def report(self, report: StageReport, now: float) -> None: ...
    def look(self, now: float, linked: bool) -> None: ...
    def open_turns(self) -> list[UUID]: ...


class Hub:
    def __init__(self) -> None:
        self.reader = ReplyReader()
        self.channel = ""
        self._layer = get_channel_layer()
        self._listeners: dict[UUID, Listener] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._echoed_at = 0.0
        self._changing = asyncio.Lock()

    async def join(self, listener: Listener) -> None:
        """Raises what Redis raises when it is away."""
        async with self._changing:
            if not self._tasks:
                await self._start()
        self._listeners[listener.session_id] = listener
        await self._refresh()

    async def leave(self, listener: Listener) -> None:
        if self._listeners.get(listener.session_id) is listener:
            del self._listeners[listener.session_id]
            # The key would expire by itself, only later.
            with contextlib.suppress(*CONNECTION_ERRORS):
                async with asyncio.timeout(ECHO_WITHIN):
                    await get_redis().delete(session_key(listener.session_id))
        async with self._changing:
            if self._tasks and not self._listeners:
                await self._stop()

    async def _start(self) -> None:
        self.channel = await self._layer.new_channel("parley.")
        self._echoed_at = asyncio.get_running_loop().time()
        publisher()
        steps = (self._receive, self._echo, self._look, self._keep_fresh, self.reader.run)
        self._tasks = [asyncio.create_task(_for_ever(step)) for step in steps]

    async def _stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.channel = ""
        await close_redis()

    async def _receive(self) -> None:
        while True:
            message = await self._layer.receive(self.channel)
            now = asyncio.get_running_loop().time()
            if message.get("type") == ECHO:
                self._echoed_at = now
            elif message.get("type") == REPORT:
                report = unpack_report(message)
                if listener := self._listeners.get(report.session):
                    listener.report(report, now)

    async def _echo(self) -> None:
        """Hear the own voice through Redis: only then is somebody else's silence their own."""
        while True:
            await self._layer.send(self.channel, {"type": ECHO})
            await asyncio.sleep(ECHO_EVERY)

    async def _look(self) -> None:
        while True:
            now = asyncio.get_running_loop().time()
            for listener in list(self._listeners.values()):
                listener.look(now, linked=now - self._echoed_at < ECHO_WITHIN)
            await asyncio.sleep(LOOK_EVERY)

    async def _keep_fresh(self) -> None:
        while True:
            await self._refresh()
            await asyncio.sleep(REFRESH_EVERY)

    async def _refresh(self) -> None:
        """Say which sessions and turns this process has."""
        async with get_redis().pipeline(transaction=False) as pipe:
            for session, listener in self._listeners.items():
                pipe.set(session_key(session), 1, ex=SILENCE)
                for turn in listener.open_turns():
                    pipe.set(live_key(turn), 1, ex=SILENCE)
            await pipe.execute()


async def _for_ever(step: Callable[[], Awaitable[None]]) -> None:
    """Begin again after an error: one session's bad message must not silence the others."""
    while True:
        try:
            await step()
        except CONNECTION_ERRORS as error:
            logger.warning("redis does not answer: %s", type(error).__name__)
        except Exception as error:
            log_crash(logger, error)
        await asyncio.sleep(0.5)


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """The running loop's hub."""
    loop = asyncio.get_running_loop()
    for closed in [other for other in _hubs if other.is_closed()]:
        del _hubs[closed]
    return _hubs.setdefault(loop, Hub())
