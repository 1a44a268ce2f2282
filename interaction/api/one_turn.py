"""A whole recording as one turn: the same conversation that a socket has, fed as fast as it can."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from uuid import UUID

from interaction.core.commands import AudioSent, Command, CommitTurn, InterruptReply, PlaybackReport
from interaction.core.news import (
    Failure,
    News,
    PlayAudio,
    ReplyEnded,
    ReplyTextCompleted,
    StatusChanged,
    TranscriptUpdated,
)
from interaction.core.types import INPUT_SAMPLE_RATE, OUTPUT_SAMPLE_RATE
from interaction.edges.parley import codec
from interaction.sessions.create import PreparedSession
from interaction.sessions.live_session import LiveSession, SessionEnding

PIECE_BYTES = 10 * INPUT_SAMPLE_RATE * 2


class TurnFailed(Exception):
    def __init__(self, failed: Failure) -> None:
        super().__init__(failed.code)
        self.failed = failed


@dataclass(slots=True)
class Heard:
    """What came back."""

    turn_id: UUID | None = None
    transcript: str = ""
    reply: str = ""
    pcm: bytearray = field(default_factory=bytearray)
    """Mono s16le at ``SPEAKING_RATE``."""
    latency: dict[str, float | None] = field(default_factory=dict)
    events: list[tuple[float, str]] = field(default_factory=list)
    """Milliseconds since the beginning, and what happened."""


class OneTurn:
    """Asks once. ``ending`` then says how the session ended."""

    def __init__(self, opened: PreparedSession) -> None:
        self.heard = Heard()
        self.ending = SessionEnding("client_left", None)
        self._began_at = time.monotonic()
        self._failed: Failure | None = None
        self._done = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._live = LiveSession(opened.spec, opened.config, INPUT_SAMPLE_RATE, self._tell)

    async def ask(self, pcm: bytes) -> Heard:
        """``pcm``: mono s16le at ``HEARING_RATE``. Raises ``TurnFailed``.

        When it is cancelled, whatever works on the answer is stopped.
        """
        living = asyncio.create_task(self._live.run())
        living.add_done_callback(lambda task: self._done.set())
        feeding = asyncio.create_task(self._feed(pcm))
        try:
            await self._done.wait()
        except asyncio.CancelledError:
            self._live.command(InterruptReply())
            raise
        finally:
            feeding.cancel()
            self._live.hang_up("ended" if self._done.is_set() else "client_left")
            self.ending = await living
        if self._failed:
            raise TurnFailed(self._failed)
        return self.heard

    async def _feed(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), PIECE_BYTES):
            self._live.hear(pcm[start : start + PIECE_BYTES])
            await self._live.heard()
        self._live.command(CommitTurn())

    def _tell(self, news: News) -> None:
        if not isinstance(news, PlayAudio | StatusChanged):
            self._note(codec.encode(news).model_dump()["type"])
        match news:
            case TranscriptUpdated(turn_id, text, True):
                self.heard.turn_id, self.heard.transcript = turn_id, text
            case ReplyTextCompleted(text=text):
                self.heard.reply = text
            case PlayAudio():
                self._play(news)
            case ReplyEnded(latency=latency):
                self.heard.latency = latency
                self._done.set()
            case Failure(stage=stage):
                if stage != "archive":
                    self._failed = news
                    self._done.set()

    def _play(self, piece: PlayAudio) -> None:
        """Whoever gets a file has heard all of it; the conversation is told so, in order."""
        if not self.heard.pcm:
            self._note("first_audio")
            self._soon(AudioSent(piece.reply_id))
        self.heard.pcm += piece.pcm
        if piece.last:
            self._note("last_audio")
            played_ms = 1000 * len(self.heard.pcm) // 2 // OUTPUT_SAMPLE_RATE
            self._soon(AudioSent(piece.reply_id, last=True))
            self._soon(PlaybackReport(piece.reply_id, played_ms, ended=True))

    def _soon(self, command: Command) -> None:
        """Not from within the conversation's own news."""
        self._loop.call_soon(self._live.command, command)

    def _note(self, event: str) -> None:
        self.heard.events.append((round(1000 * (time.monotonic() - self._began_at), 1), event))
