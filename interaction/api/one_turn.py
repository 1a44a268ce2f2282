"""A whole recording as one turn: the same conversation that a socket has, fed as fast as it can."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from uuid import UUID

from interaction.core import effects, signals
from interaction.core.signals import HEARING_RATE, SPEAKING_RATE
from interaction.edges import parley
from interaction.edges.live import Ending, LiveSession
from interaction.edges.opening import Opened

PIECE_BYTES = 10 * HEARING_RATE * 2


class TurnFailed(Exception):
    def __init__(self, failed: effects.Failed) -> None:
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

    def __init__(self, opened: Opened) -> None:
        self.heard = Heard()
        self.ending = Ending("client_left", None)
        self._began_at = time.monotonic()
        self._failed: effects.Failed | None = None
        self._done = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._live = LiveSession(opened.spec, opened.config, HEARING_RATE, self._tell)

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
            self._live.command(signals.Interrupt())
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
        self._live.command(signals.Commit())

    def _tell(self, news: effects.News) -> None:
        if not isinstance(news, effects.Play | effects.StatusChanged):
            self._note(parley.encode(news).model_dump()["type"])
        match news:
            case effects.TranscriptHeard(turn_id, text, True):
                self.heard.turn_id, self.heard.transcript = turn_id, text
            case effects.ReplyWritten(text=text):
                self.heard.reply = text
            case effects.Play():
                self._play(news)
            case effects.ReplyEnded(latency=latency):
                self.heard.latency = latency
                self._done.set()
            case effects.Failed(stage=stage):
                if stage != "archive":
                    self._failed = news
                    self._done.set()

    def _play(self, piece: effects.Play) -> None:
        """Whoever gets a file has heard all of it; the conversation is told so, in order."""
        if not self.heard.pcm:
            self._note("first_audio")
            self._soon(signals.AudioLeft(piece.reply_id))
        self.heard.pcm += piece.pcm
        if piece.last:
            self._note("last_audio")
            played_ms = 1000 * len(self.heard.pcm) // 2 // SPEAKING_RATE
            self._soon(signals.AudioLeft(piece.reply_id, last=True))
            self._soon(signals.Playback(piece.reply_id, played_ms, ended=True))

    def _soon(self, command: signals.Command) -> None:
        """Not from within the conversation's own news."""
        self._loop.call_soon(self._live.command, command)

    def _note(self, event: str) -> None:
        self.heard.events.append((round(1000 * (time.monotonic() - self._began_at), 1), event))
