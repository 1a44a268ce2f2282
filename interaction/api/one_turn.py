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
class TurnResult:
    """The turn's transcript, its reply and when things happened."""

    turn_id: UUID | None = None
    transcript: str = ""
    reply: str = ""
    pcm: bytearray = field(default_factory=bytearray)
    """The reply's audio, mono s16le at ``OUTPUT_SAMPLE_RATE``."""
    latency: dict[str, float | None] = field(default_factory=dict)
    """Metric name to ms."""
    events: list[tuple[float, str]] = field(default_factory=list)
    """(milliseconds since the upload had been received, message type of the socket or
    ``first_audio`` or ``last_audio``)."""


class OneTurn:
    """A session of one turn. ``ending`` then says how the session ended."""

    def __init__(self, opened: PreparedSession) -> None:
        self.result = TurnResult()
        self.ending = SessionEnding("client_left", None)
        self._started_at = time.monotonic()
        self._failed: Failure | None = None
        self._done = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._live = LiveSession(opened.spec, opened.config, INPUT_SAMPLE_RATE, self._on_news)

    async def run(self, pcm: bytes) -> TurnResult:
        """Transcribe and answer ``pcm``, mono s16le at ``INPUT_SAMPLE_RATE``.

        Raises ``TurnFailed``. When it is cancelled, whatever works on the answer is stopped.
        """
        running = asyncio.create_task(self._live.run())
        running.add_done_callback(lambda task: self._done.set())
        feeding = asyncio.create_task(self._feed(pcm))
        try:
            await self._done.wait()
        except asyncio.CancelledError:
            self._live.command(InterruptReply())
            raise
        finally:
            feeding.cancel()
            self._live.hang_up("ended" if self._done.is_set() else "client_left")
            self.ending = await running
        if self._failed:
            raise TurnFailed(self._failed)
        return self.result

    async def _feed(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), PIECE_BYTES):
            self._live.hear(pcm[start : start + PIECE_BYTES])
            await self._live.heard()
        self._live.command(CommitTurn())

    def _on_news(self, news: News) -> None:
        if not isinstance(news, PlayAudio | StatusChanged):
            self._log_event(codec.encode(news).model_dump()["type"])
        match news:
            case TranscriptUpdated(turn_id, text, True):
                self.result.turn_id, self.result.transcript = turn_id, text
            case ReplyTextCompleted(text=text):
                self.result.reply = text
            case PlayAudio():
                self._keep_audio(news)
            case ReplyEnded(latency=latency):
                self.result.latency = latency
                self._done.set()
            case Failure(stage=stage):
                if stage != "archive":
                    self._failed = news
                    self._done.set()

    def _keep_audio(self, piece: PlayAudio) -> None:
        """Append the audio; report it as sent and played, since a file is received as a whole."""
        if not self.result.pcm:
            self._log_event("first_audio")
            self._command_later(AudioSent(piece.reply_id))
        self.result.pcm += piece.pcm
        if piece.last:
            self._log_event("last_audio")
            played_ms = 1000 * len(self.result.pcm) // 2 // OUTPUT_SAMPLE_RATE
            self._command_later(AudioSent(piece.reply_id, last=True))
            self._command_later(PlaybackReport(piece.reply_id, played_ms, ended=True))

    def _command_later(self, command: Command) -> None:
        """After the effects that are being carried out."""
        self._loop.call_soon(self._live.command, command)

    def _log_event(self, event: str) -> None:
        self.result.events.append((round(1000 * (time.monotonic() - self._started_at), 1), event))
