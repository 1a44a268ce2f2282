"""Sends everything that leaves a socket, in order: messages at once, audio as playback needs it.

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
from interaction.sessions.playback_pacing import AHEAD_MS, PlaybackPacing
from interaction.sessions.settings import WireModel

QUEUED_MS = 600_000
"""Audio that may wait to be sent: ten minutes are 28.8 MB."""
MAX_WAITING_CHARACTERS = 8 * 1024 * 1024
"""Messages that may wait to be sent before whoever causes more has to wait, too."""
SEND_S = 30.0
"""A server that does hold senders back may do so for this long; then the client is too slow."""
BUGS = (TypeError, ValueError, LookupError, AttributeError, AssertionError)
"""Errors of a ``send`` that say that the frame is wrong. Any other one says that the client is
gone: OSError by the ASGI specification, autobahn's ``Disconnected`` (a RuntimeError) of daphne."""

Send = Callable[[dict[str, Any]], Awaitable[None]]
Pack = Callable[[PlayAudio, int, bytes], str | bytes | None]
"""A piece of audio as a frame of the wire: of the piece, the frame's number in its reply, and its
PCM at the session's rate. A string is sent as text; None is not sent."""
OnAudioSent = Callable[[UUID, bool], None]
"""Called with the reply's id when its first and its last piece have been sent; True: the last."""


class ClientGone(Exception):
    """The socket takes nothing more: its client has left."""


class ClientTooSlow(Exception):
    """The client has not read what was sent to it for ``SEND_S``."""


@dataclass
class _ReplyStream:
    """A reply's audio on its way out. It keeps the format in which its first piece was sent."""

    resampler: Resampler
    pack: Pack
    sequence: int = 0
    """Number of its next frame."""


class Outbox:
    """The one sender of a socket.

    Messages overtake audio that waits, so that a reply which is far ahead holds nothing up. Of
    a reply, no audio is sent behind a message that comes after its ``interrupt_reply``.
    """

    def __init__(
        self,
        send: Send,
        clock: Callable[[], float] = time.monotonic,
        send_s: float = SEND_S,
    ) -> None:
        self._send = send
        self._send_s = send_s
        self._clock = clock
        self._messages: deque[dict[str, Any]] = deque()
        self._waiting_characters = 0
        self._message_sent = asyncio.Event()
        self._audio: deque[PlayAudio] = deque()
        self._queued_ms = 0.0
        self._changed = asyncio.Event()
        self._reply_id: UUID | None = None
        """The reply whose audio is being sent."""
        self._interrupted: UUID | None = None
        self.is_closed = False
        """The close frame has been sent: nothing follows."""
        self.start_session(OUTPUT_SAMPLE_RATE, lambda *_: None, lambda *_: None)

    def start_session(
        self,
        rate: int,
        pack: Pack,
        on_audio_sent: OnAudioSent,
        ahead_ms: float | None = AHEAD_MS,
    ) -> None:
        """A session starts: its audio is sent at ``rate`` Hz, at most ``ahead_ms`` ahead of
        playback (None: at once)."""
        self.set_output_format(rate, pack)
        self._on_audio_sent = on_audio_sent
        self._pacing = PlaybackPacing(ahead_ms)
        self._reply_id = None
        self.drop_audio()

    def set_output_format(self, rate: int, pack: Pack) -> None:
        """Send replies that start from here on at ``rate`` Hz, framed by ``pack``."""
        self._rate = rate
        self._pack = pack

    def send_message(self, message: WireModel) -> None:
        """Send a message as JSON text. Never blocks."""
        self.send_text(message.model_dump_json())

    def send_text(self, text: str) -> None:
        """Send a text frame. Never blocks."""
        self._messages.append({"type": "websocket.send", "text": text})
        self._waiting_characters += len(text)
        self._changed.set()

    def close(self, code: int, reason: str) -> None:
        """Close the socket behind all messages so far. Never blocks."""
        self._messages.append({"type": "websocket.close", "code": code, "reason": reason})
        self._changed.set()

    async def wait_for_room(self) -> None:
        """Wait until most messages have been sent: for those who cause more."""
        while self._waiting_characters > MAX_WAITING_CHARACTERS:
            self._message_sent.clear()
            await self._message_sent.wait()

    def enqueue_audio(self, piece: PlayAudio) -> bool:
        """Send audio when playback needs it; false where too much waits already. Never blocks."""
        if piece.reply_id == self._interrupted:
            return True
        if self._queued_ms > QUEUED_MS:
            return False
        self._audio.append(piece)
        self._queued_ms += duration_ms(piece.pcm)
        self._changed.set()
        return True

    def interrupt_reply(self, reply_id: UUID) -> None:
        """Send no more audio of this reply."""
        self._interrupted = reply_id
        self._audio = deque(piece for piece in self._audio if piece.reply_id != reply_id)
        self._queued_ms = sum(duration_ms(piece.pcm) for piece in self._audio)
        self._streams.pop(reply_id, None)

    def drop_audio(self) -> None:
        """Send no more audio of any reply so far."""
        self._audio.clear()
        self._streams: dict[UUID, _ReplyStream] = {}
        self._queued_ms = 0.0

    def on_playback(self, reply_id: UUID, played_ms: int) -> None:
        """The client has reported its playback: more may be sent."""
        self._pacing.has_reports = True
        if reply_id == self._reply_id:
            self._pacing.on_playback(played_ms)
            self._changed.set()

    async def run(self) -> None:
        """Send until the socket has been closed by ``close``. Raises ``ClientGone`` or
        ``ClientTooSlow`` where nothing can be sent any more."""
        while True:
            while self._messages:
                message = self._messages.popleft()
                await self._send_out(message)
                if message["type"] == "websocket.close":
                    self.is_closed = True
                    return
                self._waiting_characters -= len(message["text"])
                self._message_sent.set()
            wait_s = self._wait_s()
            if wait_s == 0:
                await self._send_piece(self._audio.popleft())
                await asyncio.sleep(0)  # sending does not suspend: let other tasks run
                continue
            self._changed.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def _wait_s(self) -> float | None:
        """Seconds until audio may be sent; None: not before something changes."""
        if not self._audio:
            return None
        if self._audio[0].reply_id != self._reply_id:
            return 0.0
        return self._pacing.wait_s(self._clock())

    async def _send_piece(self, piece: PlayAudio) -> None:
        ms = duration_ms(piece.pcm)
        self._queued_ms -= ms
        if piece.reply_id != self._reply_id:
            self._reply_id = piece.reply_id
            self._pacing.start_reply()
        stream = self._streams.get(piece.reply_id)
        if is_first := stream is None:
            stream = _ReplyStream(Resampler(OUTPUT_SAMPLE_RATE, self._rate), self._pack)
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
        self._pacing.on_sent(ms, self._clock())
        if is_first or piece.last:
            self._on_audio_sent(piece.reply_id, piece.last)

    async def _send_out(self, message: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(self._send_s) as patience:
                await self._send(message)
        except BUGS:
            raise
        except Exception as error:
            if patience.expired():
                raise ClientTooSlow from error
            raise ClientGone from error


def duration_ms(pcm: bytes) -> float:
    """Duration of mono s16le at ``OUTPUT_SAMPLE_RATE``."""
    return 1000 * len(pcm) / 2 / OUTPUT_SAMPLE_RATE
