"""What leaves a socket, in order: messages at once, audio as far ahead as the listener needs it.

Neither daphne nor Channels holds a sender back: what is sent to a slow client piles up in the
server's memory. So audio waits here, bounded, and where it can still be dropped.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from interaction.audio.resample import Resampler
from interaction.core.news import PlayAudio
from interaction.core.types import OUTPUT_SAMPLE_RATE
from interaction.edges.parley.codec import pack
from interaction.sessions.playback_pacing import AHEAD_MS, PlaybackPacing
from interaction.sessions.settings import WireModel

QUEUED_MS = 600_000
"""Audio that may wait to be sent: ten minutes are 28.8 MB."""
MOST_POSTED = 8 * 1024 * 1024
"""Characters of messages that may wait before whoever causes more has to."""
SEND_S = 30.0
"""A server that does hold senders back may do so for this long; then the client is given up."""

Send = Callable[[dict[str, Any]], Awaitable[None]]
Pack = Callable[[PlayAudio, int, bytes], str | bytes | None]
"""What a piece of audio is on the wire: the piece, its number in the reply, and its PCM at the
session's rate. A string is sent as text; None is not sent."""
Left = Callable[[UUID, bool], None]


@dataclass
class _Stream:
    """A reply on its way out: how it began to be sent, it is sent to its end."""

    resampler: Resampler
    pack: Pack
    sequence: int = 0


class Outbox:
    """The one sender of a socket.

    Messages overtake audio that waits, so that a reply which is far ahead holds nothing up. All
    that is told after ``interrupt(reply_id)`` leaves with no audio of that reply behind it.
    """

    def __init__(
        self,
        send: Send,
        clock: Callable[[], float] = time.monotonic,
        patience: float = SEND_S,
    ) -> None:
        self._send = send
        self._patience = patience
        self._clock = clock
        self._messages: deque[dict[str, Any]] = deque()
        self._posted = 0
        """Characters of messages that wait."""
        self._less = asyncio.Event()
        self._audio: deque[PlayAudio] = deque()
        self._queued_ms = 0.0
        self._stirred = asyncio.Event()
        self._reply_id: UUID | None = None
        self._cut_off: UUID | None = None
        self.begin(OUTPUT_SAMPLE_RATE, lambda reply_id, last: None)

    def begin(
        self, rate: int, left: Left, pack: Pack = pack, ahead_ms: float | None = AHEAD_MS
    ) -> None:
        """A session starts: audio leaves at ``rate`` Hz, ``left`` hears of a reply's first and
        last piece. ``ahead_ms``: how far it may run ahead of the ear; None: it leaves at once."""
        self.speak(rate, pack)
        self._left = left
        self._pace = PlaybackPacing(ahead_ms)
        self._reply_id = None
        self.drop_audio()

    def speak(self, rate: int, pack: Pack) -> None:
        """Replies that begin from here on leave like this."""
        self._rate = rate
        self._pack = pack

    def tell(self, message: WireModel) -> None:
        """Send a message. Never blocks."""
        self.post(message.model_dump_json(by_alias=True))

    def post(self, text: str) -> None:
        """Send a text frame. Never blocks."""
        self._messages.append({"type": "websocket.send", "text": text})
        self._posted += len(text)
        self._stirred.set()

    def close(self, code: int, reason: str) -> None:
        """Close the socket behind all that was posted. Never blocks."""
        self._messages.append({"type": "websocket.close", "code": code, "reason": reason})
        self._stirred.set()

    async def room(self) -> None:
        """Wait until the client has taken most of what was posted: for those who cause more."""
        while self._posted > MOST_POSTED:
            self._less.clear()
            await self._less.wait()

    def play(self, piece: PlayAudio) -> bool:
        """Send audio when its time comes; false where too much waits already. Never blocks."""
        if piece.reply_id == self._cut_off:
            return True
        if self._queued_ms > QUEUED_MS:
            return False
        self._audio.append(piece)
        self._queued_ms += duration_ms(piece.pcm)
        self._stirred.set()
        return True

    def interrupt(self, reply_id: UUID) -> None:
        """Nothing more of this reply leaves."""
        self._cut_off = reply_id
        self._audio = deque(piece for piece in self._audio if piece.reply_id != reply_id)
        self._queued_ms = sum(duration_ms(piece.pcm) for piece in self._audio)
        self._streams.pop(reply_id, None)

    def drop_audio(self) -> None:
        """Nothing more of any reply leaves."""
        self._audio.clear()
        self._streams: dict[UUID, _Stream] = {}
        self._queued_ms = 0.0

    def played(self, reply_id: UUID, played_ms: int) -> None:
        """The client's account of its playback: makes room for more."""
        self._pace.reports = True
        if reply_id == self._reply_id:
            self._pace.reported(played_ms)
            self._stirred.set()

    async def run(self) -> None:
        """Send until cancelled. Raises ``TimeoutError`` when the client takes nothing any more."""
        while True:
            while self._messages:
                message = self._messages.popleft()
                await self._send_out(message)
                self._posted -= len(message.get("text", ""))
                self._less.set()
            wait = self._wait()
            if wait == 0:
                await self._send_piece(self._audio.popleft())
                await asyncio.sleep(0)  # sending does not suspend: let others have their turn
                continue
            self._stirred.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._stirred.wait()
            except TimeoutError:
                pass

    def _wait(self) -> float | None:
        if not self._audio:
            return None
        if self._audio[0].reply_id != self._reply_id:
            return 0.0
        return self._pace.wait(self._clock())

    async def _send_piece(self, piece: PlayAudio) -> None:
        ms = duration_ms(piece.pcm)
        self._queued_ms -= ms
        if piece.reply_id != self._reply_id:
            self._reply_id = piece.reply_id
            self._pace.begin()
        stream = self._streams.get(piece.reply_id)
        if first := stream is None:
            stream = _Stream(Resampler(OUTPUT_SAMPLE_RATE, self._rate), self._pack)
            self._streams[piece.reply_id] = stream
        pcm = stream.resampler.feed(piece.pcm)
        if piece.last:
            pcm += stream.resampler.finish()
            del self._streams[piece.reply_id]
        frame = stream.pack(piece, stream.sequence, pcm)
        stream.sequence += 1
        if frame is not None:
            kind = "text" if isinstance(frame, str) else "bytes"
            await self._send_out({"type": "websocket.send", kind: frame})
        self._pace.sent(ms, self._clock())
        if first or piece.last:
            self._left(piece.reply_id, piece.last)

    async def _send_out(self, message: dict[str, Any]) -> None:
        async with asyncio.timeout(self._patience):
            await self._send(message)


def duration_ms(pcm: bytes) -> float:
    return 1000 * len(pcm) / 2 / OUTPUT_SAMPLE_RATE
