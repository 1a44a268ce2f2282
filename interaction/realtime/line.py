"""The engine's one line to its provider: opened when it is wanted, opened anew when it was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from django.conf import settings

from interaction.choosing import provider_config
from interaction.core.signals import ToolSpec
from interaction.engine import SessionSpec
from interaction.providers.base import LineTerms, ProviderConfig, RealtimeLine, RealtimeModel
from interaction.providers.table import OURSELVES, load, prepare
from interaction.realtime.ourselves import config_of_ourselves


class Line:
    def __init__(self, spec: SessionSpec, tools: Sequence[ToolSpec]) -> None:
        assert spec.realtime is not None
        self._spec = spec
        self._choice = spec.realtime
        self._tools = tuple(tools)
        self.history = spec.history
        """What was said before: a line that is opened anew goes on from there."""
        self.opened = asyncio.Event()
        self._model: RealtimeModel | None = None
        self._line: RealtimeLine | None = None
        self._opening = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        return self._line is not None

    @property
    def now(self) -> RealtimeLine:
        assert self._line is not None, "no line is open"
        return self._line

    async def ready(self) -> RealtimeLine:
        """The line, opened where it is not. Raises ``ProviderError``."""
        async with self._opening:
            if self._line is None:
                model = await self._made()
                spec = self._spec
                terms = LineTerms(
                    spec.system_prompt, self.history, self._tools, spec.turns, spec.barge_in
                )
                self._line = await model.open(terms)
                self.opened.set()
            return self._line

    def drop(self) -> bool:
        """It is lost. Returns whether it was open."""
        line, self._line = self._line, None
        self.opened.clear()
        if line:
            closing = asyncio.create_task(line.aclose())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        return line is not None

    async def close(self) -> None:
        self.drop()
        await asyncio.gather(*self._closing)
        if self._model:
            await self._model.aclose()

    async def _made(self) -> RealtimeModel:
        if self._model is None:
            # The SDKs take a second to import, which must not hold up others.
            await asyncio.to_thread(prepare, "realtime", self._choice.name)
            made: RealtimeModel = load("realtime", await self._config())
            self._model = made
        return self._model

    async def _config(self) -> ProviderConfig:
        if self._choice.name == OURSELVES:
            host = settings.ENV.parley_host
            return await config_of_ourselves(self._choice, self._spec.owner_id, host)
        return await provider_config("realtime", self._choice, self._spec.owner_id)
