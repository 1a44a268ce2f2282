"""A realtime provider in memory, for an engine that records nothing: no socket, no Redis."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any
from unittest.mock import create_autospec
from uuid import uuid4

import pytest

from interaction.bus.hub import Hub
from interaction.core.engine import SessionSpec
from interaction.core.types import Message, ProviderSelection
from interaction.providers.errors import ProviderUnavailable
from interaction.providers.realtime_protocol import (
    InputTranscript,
    OutputAudio,
    OutputTranscript,
    RealtimeEvent,
    ResponseDone,
)
from interaction.realtime import engine as engine_module
from interaction.realtime.engine import RealtimeEngine
from interaction.realtime.provider_connection import ProviderConnection
from interaction.tests.cascade.caller import PATIENCE, Caller

FakeEvent = RealtimeEvent | Exception | None
"""An exception: the connection is lost; None: its events end."""
GONE = ProviderUnavailable("It is gone.", stage="realtime", provider="openai")
HUNDRED_MS = bytes(4_800)
ANSWER: tuple[FakeEvent, ...] = (
    OutputTranscript("Hello. "),
    OutputAudio(HUNDRED_MS),
    ResponseDone(),
)


class FakeConnection:
    """Answers each turn at once with the provider's next plan, or with ``ANSWER``."""

    def __init__(self, provider: FakeProvider) -> None:
        self._provider = provider
        self._events: asyncio.Queue[FakeEvent] = asyncio.Queue()
        self._turns = 0

    def emit(self, *events: FakeEvent) -> None:
        for event in events:
            self._events.put_nowait(event)

    def emit_transcript(self) -> None:
        """Transcribe the next spoken turn."""
        self.emit(InputTranscript(self._turns, "hello", final=True))
        self._turns += 1

    def answer(self) -> None:
        plans = self._provider.plans
        self.emit(*(plans.pop(0) if plans else ANSWER))

    async def feed_audio(self, pcm: bytes) -> None:
        pass

    async def start_turn(self) -> None:
        pass

    async def commit_turn(self) -> None:
        self.emit_transcript()
        self.answer()

    async def discard_turn(self) -> None:
        pass

    async def send_text(self, text: str) -> None:
        self._raise_bug("send_text")
        self.answer()

    async def cancel_reply(self, heard_ms: int) -> None:
        self.emit(ResponseDone(cut_off=True))

    async def send_tool_results(self, results: Sequence[Message]) -> None:
        self.answer()

    async def events(self) -> AsyncIterator[RealtimeEvent]:
        while (event := await self._events.get()) is not None:
            if isinstance(event, Exception):
                raise event
            yield event

    async def aclose(self) -> None:
        self.emit(GONE)
        self._raise_bug("aclose")
        if self._provider.never_closes:
            await asyncio.Event().wait()

    def _raise_bug(self, method: str) -> None:
        if method in self._provider.bugs:
            self._provider.bugs.remove(method)
            raise ZeroDivisionError


class FakeProvider:
    def __init__(self) -> None:
        self.connections: list[FakeConnection] = []
        self.plans: list[tuple[FakeEvent, ...]] = []
        """Events that answer the next turns."""
        self.bugs: list[str] = []
        """Methods of a connection that raise what they must not, once each."""
        self.error: Exception | None = None
        """Why no connection can be opened."""
        self.never_closes = False
        self._opened = asyncio.Event()

    @property
    def connection(self) -> FakeConnection:
        """The last one that was opened."""
        return self.connections[-1]

    async def open(self) -> FakeConnection:
        if self.error:
            raise self.error
        self.connections.append(FakeConnection(self))
        self._opened.set()
        return self.connection

    async def connected(self, count: int) -> None:
        """Wait until so many connections were opened."""
        async with asyncio.timeout(PATIENCE):
            while len(self.connections) < count:
                self._opened.clear()
                await self._opened.wait()

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have every engine use it, which then records nothing."""

        monkeypatch.setattr(ProviderConnection, "_open", lambda _connection: self.open())
        hub = create_autospec(Hub, instance=True)
        hub.channel = ""
        monkeypatch.setattr(engine_module, "hub", lambda: hub)
        for name in ("ArchiveQueue", "TurnRecorder"):
            real = getattr(engine_module, name)
            monkeypatch.setattr(engine_module, name, create_autospec(real))

    @contextlib.asynccontextmanager
    async def calling(self, **changes: Any) -> AsyncIterator[Caller]:
        """A caller of an engine with this provider."""
        async with Caller.calling(spec(**changes), RealtimeEngine) as caller:
            yield caller


def spec(**changes: Any) -> SessionSpec:
    fields: dict[str, Any] = {
        "session_id": uuid4(),
        "owner_id": 1,
        "mode": "realtime",
        "realtime": ProviderSelection("openai"),
        "stt": (),
        "llm": (),
        "tts": (),
    }
    return SessionSpec(**{**fields, **changes})
