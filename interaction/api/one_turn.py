"""A whole recording as one turn: the same session that a socket has, fed as fast as can be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from interaction.core.commands import AudioSent, CommitTurn, InterruptReply, PlaybackReport
from interaction.core.news import (
    Failure,
    News,
    PlayAudio,
    ReplyEnded,
    ReplyTextCompleted,
    StatusChanged,
    TranscriptUpdated,
)
from interaction.core.types import INPUT_SAMPLE_RATE, OUTPUT_SAMPLE_RATE, CutReason
from interaction.edges.parley import codec
from interaction.sessions.create import PreparedSession
from interaction.sessions.live_session import LiveSession, open_session

PIECE_BYTES = 10 * INPUT_SAMPLE_RATE * 2


class TurnFailed(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


@dataclass(slots=True)
class TurnResult:
    """The turn's transcript, its reply and when things happened."""

    session_id: UUID
    turn_id: UUID | None = None
    transcript: str = ""
    reply: str = ""
    cut: CutReason | None = None
    """Why the reply is less than the model's whole answer."""
    pcm: bytearray = field(default_factory=bytearray)
    """The reply's audio, mono s16le at ``OUTPUT_SAMPLE_RATE``."""
    latency: dict[str, float | None] = field(default_factory=dict)
    """Metric name to ms."""
    events: list[tuple[float, str]] = field(default_factory=list)
    """(milliseconds since the upload had been received, message type of the socket or
    ``first_audio`` or ``last_audio``)."""


async def answer_recording(make: Callable[[], PreparedSession], pcm: bytes) -> TurnResult:
    """The answer to ``pcm``: mono s16le at ``INPUT_SAMPLE_RATE``.

    ``make`` prepares the session; its settings' input rate is that of ``pcm``. Raises
    ``TurnFailed``, and what ``make`` raises. When it is cancelled, the caller has gone: whatever
    works on the answer is stopped.
    """
    turn = _OneTurn()
    async with open_session(make, turn.on_news, cancelled="client_left") as live:
        await turn.run(live, pcm)
    if turn.failure:
        raise TurnFailed(turn.failure)
    return turn.result


class _OneTurn:
    def __init__(self) -> None:
        self.failure: Failure | None = None
        self._started_at = time.monotonic()
        self._done = asyncio.Event()

    async def run(self, live: LiveSession, pcm: bytes) -> None:
        self._live = live
        self.result = TurnResult(live.spec.session_id)
        async with asyncio.TaskGroup() as tasks:
            session = tasks.create_task(live.run())
            session.add_done_callback(lambda _: self._done.set())
            feeding = tasks.create_task(self._feed(pcm))
            try:
                await self._done.wait()
                live.hang_up("ended")
            except asyncio.CancelledError:
                live.submit(InterruptReply(how="client_left"))
                live.hang_up("client_left")
                raise
            finally:
                feeding.cancel()
                await session

    async def _feed(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), PIECE_BYTES):
            self._live.feed_audio(pcm[start : start + PIECE_BYTES])
            await self._live.wait_until_consumed()
        self._live.submit(CommitTurn())

    def on_news(self, news: News) -> None:
        if not isinstance(news, StatusChanged) and (message := codec.encode(news)):
            self._add_event(message.model_dump()["type"])
        match news:
            case TranscriptUpdated(turn_id, text, True):
                self.result.turn_id, self.result.transcript = turn_id, text
            case ReplyTextCompleted(text=text, cut=cut):
                self.result.reply, self.result.cut = text, cut
            case PlayAudio():
                self._on_audio(news)
            case ReplyEnded(latency=latency):
                self.result.latency = latency
                self._done.set()
            case Failure(stage=stage):
                if stage != "archive":
                    self.failure = news
                    self._done.set()

    def _on_audio(self, piece: PlayAudio) -> None:
        """Append the audio; report it as sent and played, since a file is received as a whole."""
        if not self.result.pcm:
            self._add_event("first_audio")
            self._live.submit(AudioSent(piece.reply_id))
        self.result.pcm += piece.pcm
        if piece.last:
            self._add_event("last_audio")
            played_ms = 1000 * len(self.result.pcm) // 2 // OUTPUT_SAMPLE_RATE
            self._live.submit(AudioSent(piece.reply_id, last=True))
            self._live.submit(PlaybackReport(piece.reply_id, played_ms, ended=True))

    def _add_event(self, name: str) -> None:
        at_ms = round(1000 * (time.monotonic() - self._started_at), 1)
        self.result.events.append((at_ms, name))
