"""An engine that needs no provider, no worker and no Redis: it replies by a script.

Chosen by ``settings.PARLEY_ENGINES``. What a turn's words contain says what happens to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import ClassVar
from uuid import UUID

from interaction.core.engine import EngineUnavailable, SessionSpec
from interaction.core.events import (
    ClientToolCalled,
    EngineEvent,
    EngineLost,
    FinalTranscript,
    MetricMeasured,
    PartialTranscript,
    ReplyAudio,
    ReplySentence,
    ReplyText,
    StageFailed,
    UsageReported,
)
from interaction.core.orders import EndTurn, EngineOrder, Respond, TranscribeTurn
from interaction.core.records import TurnRecord
from interaction.core.types import OUTPUT_SAMPLE_RATE, Message, ToolCall

TRANSCRIPT = "what is the weather like in paris today"
"""The transcript of every spoken turn, unless the STT model is called ``says …``."""
PIECE_MS = 100


def tone(ms: int) -> bytes:
    """A square wave: mono s16le at ``OUTPUT_SAMPLE_RATE``."""
    period = (b"\x00\x10" * 30 + b"\x00\xf0" * 30) * (ms * OUTPUT_SAMPLE_RATE // 60_000 + 1)
    return period[: ms * OUTPUT_SAMPLE_RATE // 1000 * 2]


class ScriptedBug(Exception):
    """What a turn of the word ``break`` raises; its text quotes the turn."""


class ScriptedEngine:
    """``hold``: reply nothing until a test does. ``fail``: the LLM times out. ``break``: a bug.
    ``lost``: the engine is lost. ``call x``: call the client's tool ``x``. ``mute``: text without
    audio. ``cut``: reach the token limit. ``count``: report the usage, too. ``for N seconds``: so
    much audio; else one second."""

    made: ClassVar[list[ScriptedEngine]] = []
    live: ClassVar[list[ScriptedEngine]] = []
    asked_to_hold: ClassVar[asyncio.Event] = asyncio.Event()

    def __init__(self, spec: SessionSpec) -> None:
        self.spec = spec
        self.transcript = (
            spec.stt[0].model.removeprefix("says ") if "says " in spec.stt[0].model else TRANSCRIPT
        )
        self.orders: list[EngineOrder] = []
        self.records: list[TurnRecord] = []
        self.closed = False
        self._events: asyncio.Queue[EngineEvent] = asyncio.Queue()
        self.made.append(self)

    async def open(self) -> None:
        if self.spec.llm[0].model == "unavailable":
            raise EngineUnavailable("The workers are away.")
        self.live.append(self)

    def execute(self, order: EngineOrder) -> None:
        self.orders.append(order)
        match order:
            case EndTurn(turn_id, reply_id, context):
                self.emit(PartialTranscript(turn_id, self.transcript[:10]))
                self.emit(FinalTranscript(turn_id, self.transcript, reply_id))
                self._reply(turn_id, reply_id, [*context, Message("user", self.transcript)])
            case TranscribeTurn(turn_id):
                self.emit(FinalTranscript(turn_id, self.transcript))
            case Respond(turn_id, _, reply_id, context, options):
                if options.tools and context and context[-1].content.startswith("call "):
                    name = context[-1].content.removeprefix("call ")
                    call = ToolCall("call_1", name, "{}")
                    self.emit(ClientToolCalled(turn_id, reply_id, call))
                    self.emit(ReplyText(reply_id, "", 0))
                    return
                self._reply(turn_id, reply_id, list(context))

    async def wait_until_executed(self) -> None:
        return

    def archive_turn(self, record: TurnRecord) -> None:
        self.records.append(record)

    async def events(self) -> AsyncIterator[EngineEvent]:
        while True:
            yield await self._events.get()

    async def close(self) -> None:
        self.closed = True
        if self in self.live:
            self.live.remove(self)

    def emit(self, event: EngineEvent) -> None:
        self._events.put_nowait(event)

    def _reply(self, turn_id: UUID, reply_id: UUID, context: list[Message]) -> None:
        words = context[-1].content if context else ""
        if "break" in words:
            raise ScriptedBug(words)
        if "fail" in words:
            self.emit(
                StageFailed(
                    turn_id, "llm", "demo", "provider_timeout", "It took too long.", True, reply_id
                )
            )
        elif "lost" in words:
            message = "It does not answer."
            self.emit(EngineLost("scripted", "provider_unavailable", message, True))
        elif "mute" in words:
            self.emit(ReplyText(reply_id, "Nothing to say aloud.", 0))
        elif "cut" in words:
            self.emit(ReplyText(reply_id, "Once upon", 0, cut="length"))
        elif "hold" in words:
            self.asked_to_hold.set()
        else:
            if "count" in words:
                self.emit(UsageReported(turn_id, reply_id, 12, 34))
            self.emit(MetricMeasured(turn_id, "llm_ttft", 12.5))
            self.emit_reply(reply_id, f"You said: {words}.", _seconds(words))

    def emit_reply(self, reply_id: UUID, text: str, seconds: int, *, last: bool = True) -> None:
        self.emit(ReplySentence(reply_id, 0, text))
        self.emit(ReplyText(reply_id, text, 1))
        pieces = seconds * 1000 // PIECE_MS
        for number in range(pieces):
            self.emit(ReplyAudio(reply_id, number, 0, tone(PIECE_MS)))
        if last:
            self.emit(ReplyAudio(reply_id, pieces, 0, b"", last=True))


def _seconds(words: str) -> int:
    _before, found, after = words.partition("for ")
    return int(after.split()[0]) if found else 1
