"""What an outbox sends, in which order, and when it gives a client up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from interaction.core.news import PlayAudio
from interaction.edges.parley.codec import pack
from interaction.edges.parley.messages import AudioHeader, Pong
from interaction.sessions.outbox import QUEUED_MS, ClientGone, ClientTooSlow, Outbox
from interaction.tests.fakes.scripted_engine import tone

TURN = uuid4()


class Wire:
    def __init__(self) -> None:
        self.sent: list[str | AudioHeader] = []
        self.ends: list[tuple[UUID, bool]] = []
        self.error: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.use(Outbox(self.send))

    def use(self, outbox: Outbox) -> None:
        self.outbox = outbox
        outbox.start_session(
            24_000, pack, lambda reply_id, last: self.ends.append((reply_id, last))
        )

    async def send(self, message: dict[str, Any]) -> None:
        await self.open.wait()
        if self.error:
            raise self.error
        if message["type"] == "websocket.close":
            self.sent.append(f"close {message['code']} {message['reason']}")
        elif "text" in message:
            self.sent.append(message["text"])
        else:
            self.sent.append(AudioHeader.unpacked(message["bytes"])[0])

    async def settle(self) -> None:
        """Until nothing more leaves."""
        while True:
            before = len(self.sent)
            for _ in range(5):
                await asyncio.sleep(0)
            if len(self.sent) == before:
                return

    def play(self, reply_id: UUID, sequence: int, ms: int = 100, last: bool = False) -> bool:
        return self.outbox.enqueue_audio(PlayAudio(TURN, reply_id, sequence, 0, tone(ms), last))


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire()
    task = asyncio.create_task(wire.outbox.run())
    yield wire
    task.cancel()


async def test_the_first_and_the_last_piece_of_a_reply_are_reported(wire: Wire) -> None:
    reply = uuid4()
    for number in range(3):
        wire.play(reply, number, last=number == 2)
    await wire.settle()
    assert wire.ends == [(reply, False), (reply, True)]


async def test_frames_are_numbered_as_they_leave(wire: Wire) -> None:
    """The core closes a reply that broke off with a number past every real one."""
    reply = uuid4()
    wire.play(reply, 0)
    wire.play(reply, 2**32 - 1, ms=0, last=True)
    await wire.settle()
    assert [h.sequence for h in wire.sent if isinstance(h, AudioHeader)] == [0, 1]


async def test_an_interrupted_reply_is_dropped_where_it_stands(wire: Wire) -> None:
    cut, other = uuid4(), uuid4()
    wire.open.clear()
    for number in range(5):
        wire.play(cut, number)
    wire.outbox.interrupt_reply(cut)
    wire.outbox.send_message(Pong(nonce="interrupted"))
    wire.play(cut, 5)
    wire.play(other, 0)
    wire.open.set()
    await wire.settle()
    replies = [sent.reply_id for sent in wire.sent if isinstance(sent, AudioHeader)]
    assert replies == [other]


async def test_audio_that_waits_is_bounded(wire: Wire) -> None:
    wire.open.clear()
    reply, quarter = uuid4(), QUEUED_MS // 4
    assert all(wire.play(reply, number, ms=quarter) for number in range(5))
    assert not wire.play(reply, 5, ms=quarter)


async def test_a_client_that_takes_nothing_is_given_up() -> None:
    wire = Wire()
    wire.open.clear()
    wire.use(Outbox(wire.send, send_s=0))
    wire.outbox.send_message(Pong())
    with pytest.raises(ClientTooSlow):
        await wire.outbox.run()


@pytest.mark.parametrize("error", [RuntimeError("closed"), OSError("closed"), TimeoutError()])
async def test_whatever_a_closed_socket_raises_says_that_the_client_is_gone(
    error: Exception,
) -> None:
    wire = Wire()
    wire.error = error
    wire.outbox.send_message(Pong())
    with pytest.raises(ClientGone):
        await wire.outbox.run()


async def test_a_frame_that_cannot_be_sent_is_a_bug() -> None:
    wire = Wire()
    wire.error = ValueError("no such frame")
    wire.outbox.send_message(Pong())
    with pytest.raises(ValueError, match="no such frame"):
        await wire.outbox.run()


async def test_nothing_is_sent_behind_the_close() -> None:
    wire = Wire()
    wire.outbox.send_message(Pong(nonce="before"))
    wire.outbox.close(1001, "going away")
    wire.outbox.send_message(Pong(nonce="behind"))
    await wire.outbox.run()
    assert len(wire.sent) == 2
    assert wire.sent[1] == "close 1001 going away"


async def test_a_client_that_never_reports_gets_audio_by_the_clock() -> None:
    wire, now = Wire(), 0.0
    wire.use(Outbox(wire.send, clock=lambda: now))
    task = asyncio.create_task(wire.outbox.run())
    reply = uuid4()
    for number in range(120):
        wire.play(reply, number)
    await wire.settle()
    assert len(wire.sent) == 100
    now = 1.0
    wire.outbox.send_message(Pong())  # anything that makes it look at the clock again
    await wire.settle()
    assert len(wire.sent) == 111
    task.cancel()
