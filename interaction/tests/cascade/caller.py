"""Somebody who talks to an engine: gives orders, and waits for what comes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID, uuid4

from channels.db import database_sync_to_async

from interaction.cascade.engine import CascadeEngine
from interaction.core.engine import Engine, SessionSpec
from interaction.core.events import EngineEvent, ReplyAudio, StageFailed
from interaction.core.orders import EndTurn, OpenTurn, Respond, SendAudio
from interaction.core.records import TurnRecord
from interaction.core.types import Message, ProviderSelection

E = TypeVar("E")
T = TypeVar("T")

PATIENCE = 120.0
"""Seconds until a test gives up: far more than anything takes on a busy machine."""


def spec(**changes: Any) -> SessionSpec:
    choices = {
        "session_id": uuid4(),
        "owner_id": 1,
        "stt": (ProviderSelection("pocketsphinx"),),
        "llm": (ProviderSelection("echo"),),
        "tts": (ProviderSelection("espeak"),),
        "paced": False,
    }
    return SessionSpec(**{**choices, **changes})


async def eventually(ask: Callable[[], T]) -> T:
    """The first true answer; ``ask`` may block."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer: T = await database_sync_to_async(ask, thread_sensitive=False)()
            if answer:
                return answer
            await asyncio.sleep(0.05)


class Caller:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.events: list[EngineEvent] = []
        self._turns = 0
        self._arrived = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def calling(
        cls, spec: SessionSpec, make: Callable[[SessionSpec], Engine] = CascadeEngine
    ) -> AsyncIterator[Caller]:
        engine = make(spec)
        caller = cls(engine)
        await engine.open()
        listening = asyncio.create_task(caller._listen())
        try:
            yield caller
        finally:
            await engine.close()
            await listening

    async def _listen(self) -> None:
        async for event in self.engine.events():
            self.events.append(event)
            self._arrived.set()

    async def until(self, kind: type[E], which: Callable[[E], bool] = lambda _: True) -> E:
        """The first event of a kind, past or to come, that ``which`` is true of."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for event in self.events:
                    if isinstance(event, kind) and which(event):
                        return event
                self._arrived.clear()
                await self._arrived.wait()

    def type(self, text: str, *before: Message) -> tuple[UUID, UUID]:
        """A typed turn; returns the ids of the turn and of the reply to come."""
        turn, reply = uuid4(), uuid4()
        self._turns += 1
        context = (*before, Message("user", text))
        self.engine.execute(Respond(turn, self._turns, reply, context))
        return turn, reply

    def open_turn(self, pcm: bytes) -> UUID:
        """A spoken turn that goes on after ``pcm``."""
        turn = uuid4()
        self._turns += 1
        self.engine.execute(OpenTurn(turn, self._turns))
        self.feed_audio(turn, pcm)
        return turn

    def feed_audio(self, turn: UUID, pcm: bytes) -> None:
        for i in range(0, len(pcm), 1024):
            self.engine.execute(SendAudio(turn, pcm[i : i + 1024]))

    def end(self, turn: UUID) -> UUID:
        reply = uuid4()
        self.engine.execute(EndTurn(turn, reply, ()))
        return reply

    async def reply_to_its_end(self, reply: UUID) -> bytes:
        """The whole reply, in order and complete."""
        outcome = await self.outcome(reply)
        assert outcome == "answered", outcome
        pieces = [e for e in self.events if isinstance(e, ReplyAudio) and e.reply_id == reply]
        assert [piece.sequence for piece in pieces] == list(range(len(pieces)))
        return b"".join(piece.pcm for piece in pieces)

    async def outcome(self, reply: UUID) -> str:
        """``answered``, or the code of what went wrong."""

        def ends(event: Any) -> bool:
            ours = getattr(event, "reply_id", None) == reply
            return ours and (isinstance(event, StageFailed) or getattr(event, "last", False))

        end = await self.until(object, ends)
        return end.code if isinstance(end, StageFailed) else "answered"

    async def failure(self, turn: UUID) -> StageFailed:
        return await self.until(StageFailed, lambda failed: failed.turn_id == turn)

    def close(self, turn: UUID, reply: UUID | None, **facts: Any) -> TurnRecord:
        """End the turn as the conversation would."""
        plain: dict[str, Any] = {
            "kind": "speech",
            "transcript": "",
            "reply": "",
            "heard_text": "",
            "heard_ms": None,
            "interrupted": False,
            "end_reason": "played",
        }
        known = {**plain, **facts}
        kept = known["reply" if known["end_reason"] == "played" else "heard_text"]
        said = Message("user", known["transcript"]), Message("assistant", kept)
        messages = tuple(message for message in said if message.content)
        record = TurnRecord(turn, self._turns, reply_id=reply, messages=messages, **known)
        self.engine.archive_turn(record)
        return record


def remote(**changes: Any) -> SessionSpec:
    """All three stages over HTTP, by the stand-in."""
    openai = (ProviderSelection("openai", model="any"),)
    return spec(**{"stt": openai, "llm": openai, "tts": openai, **changes})
