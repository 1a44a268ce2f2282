"""The engine's connection to its realtime provider: opened when it is needed, and again when it was
lost, with the conversation so far."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from interaction.bus.background import Background
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
from interaction.realtime.self_provider import self_provider_config
from interaction.safe_logging import log_crash

logger = logging.getLogger(__name__)

FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 30.0
"""Seconds after a failure in which audio alone opens no connection: twice as many after each that
follows."""
CLOSE_WITHIN = 5.0
"""Seconds for which closing waits for the provider's connections to close."""


class ProviderConnection:
    """At most one open connection at a time. Whoever finds it broken calls ``drop``."""

    def __init__(self, spec: SessionSpec, tools: Sequence[ToolSpec]) -> None:
        """``tools``: those that the provider may call."""
        assert spec.realtime is not None
        self._spec = spec
        self._choice = spec.realtime
        self._tools = tuple(tools)
        self._history = spec.history
        """The messages before the turn at hand: with them a new connection begins."""
        self._closed_turn: tuple[Message, ...] = ()
        """The messages of the last turn, once it is closed."""
        self._now = asyncio.get_running_loop().time
        self._backoff = 0.0
        self._backoff_until = 0.0
        self.opened = asyncio.Event()
        """Set while a connection is open."""
        self._model: RealtimeModel | None = None
        self._connection: RealtimeConnection | None = None
        self._opening = asyncio.Lock()
        self._log_facts = {"session": spec.session_id}
        self._closing = Background("provider connection", log_facts=self._log_facts)

    @property
    def current(self) -> RealtimeConnection | None:
        """The open connection; None where none is open."""
        return self._connection

    @property
    def is_backing_off(self) -> bool:
        """It has failed not long ago: only a turn is worth another attempt."""
        return self._now() < self._backoff_until

    async def ensure_open(self) -> RealtimeConnection:
        """The connection, opened where it is not. Raises ``ProviderError``."""
        async with self._opening:
            if self._connection is None:
                try:
                    self._connection = await self._open()
                except Exception:
                    self._back_off()
                    raise
                self.opened.set()
            return self._connection

    def on_reply_requested(self, context: Sequence[Message]) -> None:
        """``context``: the messages before the turn that the reply is for."""
        self._history = tuple(message for message in context if message.role != "system")
        self._closed_turn = ()

    def on_turn_closed(self, record: TurnRecord) -> None:
        """``record``: of the turn that a reply was requested for last."""
        self._closed_turn = record.messages

    def mark_working(self) -> None:
        """A reply has come whole: the next failure is the first again."""
        self._backoff = self._backoff_until = 0.0

    def drop(self) -> None:
        """It is lost: close what is left of it in the background; the next use opens another."""
        connection, self._connection = self._connection, None
        self.opened.clear()
        if connection:
            self._back_off()
            self._closing.start_job(connection.aclose(), name="close")

    async def close(self) -> None:
        """Close everything, within ``CLOSE_WITHIN`` seconds and a few more; never raises."""
        self.drop()
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                await self._closing.drain()
                await self._close_model()
        except Exception as error:
            log_crash(logger, error, self._log_facts, "provider connection not closed")
        await self._closing.stop()

    def _back_off(self) -> None:
        self._backoff = min(2 * self._backoff or FIRST_BACKOFF, LONGEST_BACKOFF)
        self._backoff_until = self._now() + self._backoff

    async def _open(self) -> RealtimeConnection:
        # Its key may be another one by now.
        await self._close_model()
        model, spec = await self._make_model(), self._spec
        history = (*self._history, *self._closed_turn)
        terms = RealtimeSessionConfig(
            spec.system_prompt, history, self._tools, spec.turns, spec.barge_in
        )
        return await model.open(terms)

    async def _make_model(self) -> RealtimeModel:
        # The SDKs take a second to import, which must not hold up others.
        await asyncio.to_thread(prepare, "realtime", self._choice.name)
        made: RealtimeModel = load("realtime", await self._config())
        self._model = made
        return made

    async def _close_model(self) -> None:
        model, self._model = self._model, None
        if model:
            await model.aclose()

    async def _config(self) -> ProviderConfig:
        if self._choice.name == OURSELVES:
            return await self_provider_config(self._choice, self._spec.owner_id)
        return await provider_config("realtime", self._choice, self._spec.owner_id)
