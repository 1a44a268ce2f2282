"""What the engines of one event loop share: a channel for the stages' reports, a reader of replies,
and the clock by which stages are watched and live sessions are kept alive in Redis.

There is one hub a web process. It starts with the first engine and stops with the last.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import ParamSpec, Protocol
from uuid import UUID

from channels.layers import get_channel_layer

from interaction.bus import redis_keys
from interaction.bus.background import Background
from interaction.bus.publisher import publisher
from interaction.bus.redis_client import CONNECTION_ERRORS, close_redis, get_redis
from interaction.bus.reply_reader import ReplyReader
from interaction.bus.stage_messages import REPORT_TYPE, StageReport, unpack_report
from interaction.safe_logging import log_crash

logger = logging.getLogger(__name__)

P = ParamSpec("P")

ECHO_TYPE = "cascade.echo"
"""The ``type`` of the messages that a hub sends to itself."""
ECHO_EVERY = 0.4
"""Seconds."""
ECHO_WITHIN = 1.0
"""Seconds without an echo after which the connection to Redis counts as down and no stage is
called lost."""
CHECK_EVERY = 0.2
"""Seconds between two checks for silent stages."""
REFRESH_EVERY = 2.0
"""Seconds; well below ``redis_keys.LIVE_FOR``."""


class Listener(Protocol):
    """What the hub wants of an engine."""

    session_id: UUID

    def on_report(self, report: StageReport, now: float) -> None:
        """A stage that works for the session has sent this; ``now``: the loop's time."""
        ...

    def check_stages(self, now: float, linked: bool) -> None:
        """Look whether a stage has gone silent. ``linked``: as for ``StageWatchdog.check``."""
        ...

    def open_turns(self) -> list[UUID]:
        """Turns that must not be taken for abandoned."""
        ...


class Hub:
    def __init__(self) -> None:
        self.reader = ReplyReader()
        self.channel = ""
        """Where stages send their reports; empty while the hub is stopped."""
        self._layer = get_channel_layer()
        self._listeners: dict[UUID, Listener] = {}
        self._background: Background | None = None
        """None while the hub is stopped."""
        self._echoed_at = 0.0
        self._changing = asyncio.Lock()

    async def join(self, listener: Listener) -> None:
        """Raises what Redis raises when it is away."""
        async with self._changing:
            if self._background is None:
                await self._start()
        self._listeners[listener.session_id] = listener
        await self._refresh_live_keys()

    async def leave(self, listener: Listener) -> None:
        if self._listeners.get(listener.session_id) is listener:
            del self._listeners[listener.session_id]
            # The key would expire by itself, only later.
            with contextlib.suppress(*CONNECTION_ERRORS):
                async with asyncio.timeout(ECHO_WITHIN):
                    await get_redis().delete(redis_keys.session_live(listener.session_id))
        async with self._changing:
            if not self._listeners:
                await self._stop()

    async def _start(self) -> None:
        self.channel = await self._layer.new_channel("parley.")
        self._echoed_at = asyncio.get_running_loop().time()
        publisher()
        self._background = background = Background("hub")
        for name, step in {
            "receive reports": self._receive,
            "echo": self._echo,
            "check stages": self._check_stages,
            "keep sessions alive": self._keep_alive,
        }.items():
            background.start_loop(name, step, on_error="continue", expected=CONNECTION_ERRORS)
        self.reader.start(background)

    async def _stop(self) -> None:
        background, self._background = self._background, None
        if background is None:
            return
        await background.stop()
        self.channel = ""
        await close_redis()

    async def _receive(self) -> None:
        message = await self._layer.receive(self.channel)
        now = asyncio.get_running_loop().time()
        if message.get("type") == ECHO_TYPE:
            self._echoed_at = now
        elif message.get("type") == REPORT_TYPE:
            report = unpack_report(message)
            if listener := self._listeners.get(report.session):
                _call_safely(listener, listener.on_report, report, now)

    async def _echo(self) -> None:
        """Send a message to this process itself: while none comes back, Redis is away, and no stage
        is called lost for its silence."""
        await self._layer.send(self.channel, {"type": ECHO_TYPE})
        await asyncio.sleep(ECHO_EVERY)

    async def _check_stages(self) -> None:
        now = asyncio.get_running_loop().time()
        linked = now - self._echoed_at < ECHO_WITHIN
        for listener in list(self._listeners.values()):
            _call_safely(listener, listener.check_stages, now, linked)
        await asyncio.sleep(CHECK_EVERY)

    async def _keep_alive(self) -> None:
        await self._refresh_live_keys()
        await asyncio.sleep(REFRESH_EVERY)

    async def _refresh_live_keys(self) -> None:
        """Let Redis know which sessions and turns this process has."""
        async with get_redis().pipeline(transaction=False) as pipe:
            for session, listener in self._listeners.items():
                pipe.set(redis_keys.session_live(session), 1, ex=redis_keys.LIVE_FOR)
                for turn in listener.open_turns():
                    pipe.set(redis_keys.turn_live(turn), 1, ex=redis_keys.LIVE_FOR)
            await pipe.execute()


def _call_safely(
    listener: Listener, method: Callable[P, None], *args: P.args, **kwargs: P.kwargs
) -> None:
    """A bug in one session is logged, and the other sessions are served all the same."""
    try:
        method(*args, **kwargs)
    except Exception as error:
        log_crash(logger, error, {"session": listener.session_id})


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """The running loop's hub."""
    loop = asyncio.get_running_loop()
    for closed in [other for other in _hubs if other.is_closed()]:
        del _hubs[closed]
    return _hubs.setdefault(loop, Hub())
