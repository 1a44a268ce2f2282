"""The engine's one line to its provider: opened when it is wanted, opened anew when it was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from django.conf import settings

from interaction.core.engine import SessionSpec
from interaction.core.records import TurnRecord
from interaction.core.types import Message, ToolSpec
from interaction.credentials.provider_selection import provider_config
from interaction.providers.config import ProviderConfig
from interaction.providers.parley import OURSELVES
from interaction.providers.realtime_protocol import (
    RealtimeConnection,
    RealtimeModel,
    RealtimeSessionConfig,
)
from interaction.providers.registry import load, prepare
from interaction.realtime.self_provider import config_of_ourselves

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
"""Seconds after a failure until the line is opened for nothing but listening: twice as many after
each that follows."""


class ProviderConnection:
    def __init__(self, spec: SessionSpec, tools: Sequence[ToolSpec]) -> None:
        assert spec.realtime is not None
        self._spec = spec
        self._choice = spec.realtime
        self._tools = tuple(tools)
        self._before = spec.history
        """What was said before the turn at hand: a line that is opened anew goes on from there."""
        self._turn: tuple[Message, ...] = ()
        """What was said in it."""
        self._now = asyncio.get_running_loop().time
        self._pause = 0.0
        self._paused_until = 0.0
        self.opened = asyncio.Event()
        self._model: RealtimeModel | None = None
        self._line: RealtimeConnection | None = None
        self._opening = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        return self._line is not None

    @property
    def current(self) -> RealtimeConnection | None:
        return self._line

    @property
    def pauses(self) -> bool:
        """It has failed not long ago: only a turn is worth another attempt."""
        return self._now() < self._paused_until

    @property
    def now(self) -> RealtimeConnection:
        assert self._line is not None, "no line is open"
        return self._line

    async def ready(self) -> RealtimeConnection:
        """The line, opened where it is not. Raises ``ProviderError``."""
        async with self._opening:
            if self._line is None:
                try:
                    self._line = await self._open()
                except Exception:
                    self._has_failed()
                    raise
                self.opened.set()
            return self._line

    def replies_to(self, context: Sequence[Message]) -> None:
        """A reply was asked for; ``context``: what was said before its turn."""
        self._before = tuple(message for message in context if message.role != "system")
        self._turn = ()

    def closed(self, record: TurnRecord) -> None:
        """That turn is over."""
        said = Message("user", record.transcript), Message("assistant", heard(record))
        self._turn = tuple(message for message in said if message.content)

    def serves(self) -> None:
        """A reply has come whole over it."""
        self._pause = self._paused_until = 0.0

    def drop(self) -> None:
        """It is lost."""
        line, self._line = self._line, None
        self.opened.clear()
        if line:
            self._has_failed()
            closing = asyncio.create_task(line.aclose())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        self.drop()
        await asyncio.gather(*self._closing)
        await self._forget_model()

    def _has_failed(self) -> None:
        self._pause = min(2 * self._pause or FIRST_PAUSE, LONGEST_PAUSE)
        self._paused_until = self._now() + self._pause

    async def _open(self) -> RealtimeConnection:
        # Its key may be another one by now.
        await self._forget_model()
        model, spec = await self._made(), self._spec
        said = (*self._before, *self._turn)
        session = RealtimeSessionConfig(
            spec.system_prompt, said, self._tools, spec.turns, spec.barge_in
        )
        return await model.open(session)

    async def _made(self) -> RealtimeModel:
        # The SDKs take a second to import, which must not hold up others.
        await asyncio.to_thread(prepare, "realtime", self._choice.name)
        made: RealtimeModel = load("realtime", await self._config())
        self._model = made
        return made

    async def _forget_model(self) -> None:
        model, self._model = self._model, None
        if model:
            await model.aclose()

    async def _config(self) -> ProviderConfig:
        if self._choice.name == OURSELVES:
            host = settings.ENV.parley_host
            return await config_of_ourselves(self._choice, self._spec.owner_id, host)
        return await provider_config("realtime", self._choice, self._spec.owner_id)


def heard(record: TurnRecord) -> str:
    """As much of a turn's reply as belongs into the conversation."""
    return record.reply if record.end_reason in ("played", "heard") else record.heard_text
