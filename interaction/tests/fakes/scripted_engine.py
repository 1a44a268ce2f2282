"""An engine that needs no provider, no worker and no Redis: it answers in the words of a script.

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
)
from interaction.core.orders import EndTurn, EngineOrder, Respond, TranscribeTurn
from interaction.core.records import TurnRecord
from interaction.core.types import OUTPUT_SAMPLE_RATE, Message, ToolCall

HEARD = "what is the weather like in paris today"
"""The transcript of every spoken turn, unless the STT model is called ``says …``."""
PIECE_MS = 100


def tone(ms: int) -> bytes:
    """Something that is not silence: a square wave at ``SPEAKING_RATE``."""
    period = (b"\x00\x10" * 30 + b"\x00\xf0" * 30) * (ms * OUTPUT_SAMPLE_RATE // 60_000 + 1)
    return period[: ms * OUTPUT_SAMPLE_RATE // 1000 * 2]


class ScriptedBug(Exception):
    """What a turn of the word ``break`` raises; its text quotes the turn."""


class ScriptedEngine:
    """``hold``: answer nothing until a test does. ``fail``: the LLM times out. ``break``: a bug.
    ``lost``: nothing can come any more. ``call x``: the client's tool. ``mute``: text without
    audio. ``cut``: as much as it may write. ``for N seconds``: so much audio; else one second."""

    made: ClassVar[list[ScriptedEngine]] = []
    live: ClassVar[list[ScriptedEngine]] = []
    asked_to_hold: ClassVar[asyncio.Event] = asyncio.Event()

    def __init__(self, spec: SessionSpec) -> None:
        self.spec = spec
        self.heard = (
            spec.stt[0].model.removeprefix("says ") if "says " in spec.stt[0].model else HEARD
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
                self.tell(PartialTranscript(turn_id, self.heard[:10]))
                self.tell(FinalTranscript(turn_id, self.heard, reply_id))
                self._answer(turn_id, reply_id, [*context, Message("user", self.heard)])
            case TranscribeTurn(turn_id):
                self.tell(FinalTranscript(turn_id, self.heard))
            case Respond(turn_id, _, reply_id, context, options):
                if options.tools and context and context[-1].content.startswith("call "):
                    name = context[-1].content.removeprefix("call ")
                    call = ToolCall("call_1", name, "{}")
                    self.tell(ClientToolCalled(turn_id, reply_id, call))
                    self.tell(ReplyText(reply_id, "", 0))
                    return
                self._answer(turn_id, reply_id, list(context))

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

    def tell(self, event: EngineEvent) -> None:
        self._events.put_nowait(event)

    def _answer(self, turn_id: UUID, reply_id: UUID, context: list[Message]) -> None:
        words = context[-1].content if context else ""
        if "break" in words:
            raise ScriptedBug(words)
        if "fail" in words:
            self.tell(
                StageFailed(
                    turn_id, "llm", "demo", "provider_timeout", "It took too long.", True, reply_id
                )
            )
        elif "lost" in words:
            message = "It does not answer."
            self.tell(EngineLost("scripted", "provider_unavailable", message, True))
        elif "mute" in words:
            self.tell(ReplyText(reply_id, "Nothing to say aloud.", 0))
        elif "cut" in words:
            self.tell(ReplyText(reply_id, "Once upon", 0, cut=True))
        elif "hold" in words:
            self.asked_to_hold.set()
        else:
            self.tell(MetricMeasured(turn_id, "llm_ttft", 12.5))
            self.speak(reply_id, f"You said: {words}.", _seconds(words))

    def speak(self, reply_id: UUID, text: str, seconds: int, *, last: bool = True) -> None:
        self.tell(ReplySentence(reply_id, 0, text))
        self.tell(ReplyText(reply_id, text, 1))
        pieces = seconds * 1000 // PIECE_MS
        for number in range(pieces):
            self.tell(ReplyAudio(reply_id, number, 0, tone(PIECE_MS)))
        if last:
            self.tell(ReplyAudio(reply_id, pieces, 0, b"", last=True))


def _seconds(words: str) -> int:
    _before, found, after = words.partition("for ")
    return int(after.split()[0]) if found else 1
