"""State of a turn goes with the turn: a realtime engine does not grow with the session."""

from __future__ import annotations

import asyncio
import gc
from typing import Any
from uuid import UUID, uuid4

import pytest

from interaction.core.events import (
    EngineSpeechStarted,
    EngineSpeechStopped,
    ReplyAudio,
)
from interaction.core.orders import CancelReply, DropTurn, EndTurn, OpenTurn, Respond, SendAudio
from interaction.core.records import TurnRecord
from interaction.core.types import Message, ToolCall
from interaction.providers.realtime_protocol import (
    InputTranscript,
    OutputAudio,
    OutputTranscript,
    ResponseDone,
    SpeechStarted,
    SpeechStopped,
)
from interaction.realtime.engine import RealtimeEngine
from interaction.realtime.reply import RealtimeReply
from interaction.realtime.response_matching import MOST_NUMBERED, ResponseMatcher
from interaction.tests.fakes.realtime_provider import ANSWER, HUNDRED_MS, FakeProvider, spec
from interaction.tests.realtime.test_engine_detected_turns import SERVER

FRAME = bytes(1024)
TOOL = (ResponseDone((ToolCall("1", "current_time", "{}"),)),)
BROKEN_OFF = (OutputTranscript("Well"), OutputAudio(HUNDRED_MS))


def sizes(thing: object, name: str = "engine") -> dict[str, int]:
    """Lengths of all containers within the objects of ``interaction.realtime``, by their path."""
    found: dict[str, int] = {}
    for attribute, value in vars(thing).items():
        path = f"{name}.{attribute}"
        if type(value).__module__.startswith(("interaction.realtime", "interaction.bus")):
            if type(value).__name__ != "RealtimeReply":
                found |= sizes(value, path)
        elif isinstance(value, asyncio.Queue):
            found[path] = value.qsize()
        elif isinstance(value, list | dict | set | tuple):
            found[path] = len(value)
    return found


class Conversation:
    """Turns of every kind, one after the other, as a conversation orders them."""

    def __init__(self, engine: RealtimeEngine, provider: FakeProvider) -> None:
        self.engine = engine
        self.provider = provider
        self.turns = 0
        self._events = engine.events()

    async def until(
        self, kind: type[Any], *, reply: UUID | None = None, last: bool = False
    ) -> None:
        async for event in self._events:
            ours = reply is None or getattr(event, "reply_id", None) == reply
            if isinstance(event, kind) and ours and (not last or event.last):
                return

    async def spoken(self) -> None:
        turn, reply = self.open(), uuid4()
        self.engine.execute(EndTurn(turn, reply, self.context))
        await self.until(ReplyAudio, reply=reply, last=True)
        self.close(turn, reply)

    async def typed(self) -> None:
        turn, reply = uuid4(), uuid4()
        self.engine.execute(
            Respond(turn, self.turns, reply, (*self.context, Message("user", "Hi")))
        )
        await self.until(ReplyAudio, reply=reply, last=True)
        self.close(turn, reply)

    async def with_a_tool(self) -> None:
        self.provider.plans = [TOOL, ANSWER]
        await self.spoken()

    async def interrupted(self) -> None:
        self.provider.plans = [BROKEN_OFF]
        turn, reply = self.open(), uuid4()
        self.engine.execute(EndTurn(turn, reply, self.context))
        await self.until(ReplyAudio, reply=reply)
        self.engine.execute(CancelReply(turn, reply, heard_ms=50))
        self.close(turn, reply)

    async def dropped(self) -> None:
        self.engine.execute(DropTurn(self.open()))

    async def detected(self) -> None:
        """By the provider, which answers before anybody asks."""
        turn, reply, connection = uuid4(), uuid4(), self.provider.connection
        connection.emit(SpeechStarted())
        await self.until(EngineSpeechStarted)
        self.engine.execute(OpenTurn(turn, self.turns))
        connection.emit(SpeechStopped())
        connection.emit_transcript()
        connection.answer()
        await self.until(EngineSpeechStopped)
        self.engine.execute(EndTurn(turn, reply, self.context))
        await self.until(ReplyAudio, reply=reply, last=True)
        self.close(turn, reply)

    async def detected_and_not_wanted(self) -> None:
        connection = self.provider.connection
        connection.emit(SpeechStarted(), SpeechStopped())
        connection.emit_transcript()
        connection.answer()
        await self.until(EngineSpeechStopped)

    context = (Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", "Hello"))

    def open(self) -> UUID:
        turn = uuid4()
        self.engine.execute(OpenTurn(turn, self.turns))
        self.engine.execute(SendAudio(turn, FRAME))
        return turn

    def close(self, turn: UUID, reply: UUID) -> None:
        plain: dict[str, Any] = {"heard_text": "", "heard_ms": None, "interrupted": False}
        record = TurnRecord(
            turn, self.turns, "speech", "Hi", "Hello", end_reason="played", reply_id=reply, **plain
        )
        self.engine.archive_turn(record)


KINDS = {
    "conversation": ("spoken", "typed", "dropped", "interrupted", "with_a_tool"),
    "provider": ("detected", "detected_and_not_wanted", "typed", "detected", "detected"),
}


@pytest.mark.uncounted
@pytest.mark.parametrize("detects", KINDS)
async def test_six_hundred_turns_leave_no_more_behind_than_a_hundred_and_fifty(
    monkeypatch: pytest.MonkeyPatch, detects: str
) -> None:
    provider = FakeProvider()
    provider.install(monkeypatch)
    turns = {"turns": SERVER} if detects == "provider" else {}
    engine = RealtimeEngine(spec(tools=("current_time",), **turns))
    await engine.open()
    await provider.connected(1)
    conversation = Conversation(engine, provider)
    after: dict[int, dict[str, int]] = {}
    for number in range(600):
        conversation.turns = number + 1
        kinds = KINDS[detects]
        await getattr(conversation, kinds[number % len(kinds)])()
        if number + 1 in (150, 600):
            await engine._background.drain()
            gc.collect()
            # By the type: isinstance would wake every lazy object of the process.
            replies = sum(type(one) is RealtimeReply for one in gc.get_objects())
            after[number + 1] = {**sizes(engine), "replies": replies}
    await engine.close()
    assert len(provider.connections) == 1
    assert after[150]["engine._matcher._numbered"] == MOST_NUMBERED
    assert after[600] == after[150]


def test_a_late_transcript_finds_a_recent_turn_and_no_other() -> None:
    matcher = ResponseMatcher(conversation_detects_turns=True)
    turns = [uuid4() for _ in range(100)]
    for turn in turns:
        matcher.on_turn_opened(turn)
        reply = RealtimeReply(turn, uuid4())
        matcher.on_turn_ended(turn, reply)
        assert matcher.match_reply(ResponseDone()) is reply
    found = [
        matcher.match_transcript(InputTranscript(number, "hello", True)) for number in range(100)
    ]
    assert found == [None] * (100 - MOST_NUMBERED) + turns[-MOST_NUMBERED:]
