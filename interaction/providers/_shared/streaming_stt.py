"""Speech recognition over a socket while the person speaks: what such providers share.

A provider has an ``UtteranceProtocol``: its wire protocol without input or output.
``StreamingSpeechToText`` brings the audio to the socket and the socket's messages to the protocol.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import ClassVar, Protocol

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from interaction.providers._shared.http import STALL
from interaction.providers._shared.sockets import Socket, SocketErrorMapping, SocketPool
from interaction.providers.config import ProviderConfig
from interaction.providers.stage_protocols import Flush, Transcript

MOST_ODD = 8
"""Messages in a row that may make no sense: of more, nothing is to be expected."""

WireMessage = str | bytes
Step = tuple[Sequence[WireMessage], Sequence[Transcript]]
"""Messages to send, and transcripts to yield; a final transcript answers the oldest open mark."""


class UtteranceProtocol(Protocol):
    """One utterance over a provider's socket. A *mark* is a flush, or the end of the audio."""

    closing: bool
    """The server is about to hang up: the socket cannot be used again."""

    def audio_messages(self, pcm: bytes) -> Sequence[WireMessage]:
        """What to send for more audio: mono s16le at 16 kHz."""
        ...

    def mark_messages(self) -> tuple[Sequence[WireMessage], bool]:
        """The transcript so far is wanted: what to send, and whether that will be answered. It
        is not where no audio has come since the last mark."""
        ...

    def on_message(self, message: WireMessage) -> Step:
        """A message has come. Raises ``ProviderError``, or ``ValueError``, ``TypeError``,
        ``KeyError``, ``AttributeError``, ``IndexError`` for one that makes no sense."""
        ...

    def on_unanswered_mark(self, *, last: bool) -> Step:
        """A mark has waited for ``StreamingSpeechToText.ask_again_after``; ``last``: no more audio
        will come."""
        ...

    def final_transcript(self) -> Transcript:
        """What is understood so far."""
        ...


class _Mark:
    def __init__(self, *, last: bool) -> None:
        self.last = last


class _AudioError:
    """What went wrong with the audio: not the provider's fault."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class StreamingSpeechToText(ABC):
    """``first`` and ``stall``, in seconds, are deadlines from a mark to the first message after
    it, and from one message to the next. While the person speaks, a server may be silent."""

    first: ClassVar[float] = 5.0
    ask_again_after: float | None = None
    """Seconds from a mark until ``UtteranceProtocol.on_unanswered_mark``; None: never."""
    keep_alive: ClassVar[str] = ""
    """A message that keeps an unused socket open."""
    error_mapping: ClassVar[type[SocketErrorMapping]] = SocketErrorMapping

    def __init__(
        self,
        config: ProviderConfig,
        *,
        first: float | None = None,
        stall: float = STALL,
        ask_again_after: float | None = None,
    ) -> None:
        self._config = config
        self.deadlines = (self.first if first is None else first, stall)
        if ask_again_after is not None:
            self.ask_again_after = ask_again_after
        self.errors = self.error_mapping("stt", config.name)
        self._sockets = SocketPool(self._open, keep_alive=self.keep_alive)

    async def warm(self) -> None:
        """Have a socket open before somebody waits for it."""
        # What is wrong with it will be reported when it matters.
        with contextlib.suppress(Exception):
            await self._sockets.warm()

    async def aclose(self) -> None:
        await self._sockets.aclose()

    async def transcribe(self, audio: AsyncIterator[bytes | Flush]) -> AsyncIterator[Transcript]:
        async with contextlib.AsyncExitStack() as stack:
            with self.errors(answer_started=False):
                socket = await stack.enter_async_context(self._sockets.borrowed())
            protocol = self._new_utterance()
            await stack.enter_async_context(_audio_fed(socket, protocol, audio))
            transcription = _Transcription(self, socket, protocol)
            while not transcription.complete:
                item = await transcription.next_item()
                if isinstance(item, _AudioError):
                    raise item.error
                for transcript in await transcription.on_item(item):
                    yield transcript
            socket.reusable = not protocol.closing

    @abstractmethod
    async def _open(self) -> ClientConnection: ...

    @abstractmethod
    def _new_utterance(self) -> UtteranceProtocol: ...


class _Transcription:
    """One utterance: which marks are open, and until when the server may take to answer them."""

    def __init__(
        self, stage: StreamingSpeechToText, socket: Socket, protocol: UtteranceProtocol
    ) -> None:
        self._stage = stage
        self._socket = socket
        self._protocol = protocol
        self._marks: deque[bool] = deque()
        """Open marks in their order: whether the server was asked for an answer."""
        self._audio_ended = False
        self._answer_started = False
        self._due: float | None = None
        """When the server's next message is due, in the loop's time."""
        self._ask_again_at: float | None = None
        self._odd = 0
        """Messages since the last one that made sense."""
        self._now = asyncio.get_running_loop().time

    @property
    def complete(self) -> bool:
        return self._audio_ended and not self._marks

    async def next_item(self) -> object:
        """What comes next, from the server or from the audio; None where a mark has waited for
        ``ask_again_after``."""
        with self._stage.errors(answer_started=self._answer_started):
            at = [time for time in (self._due, self._ask_again_at) if time is not None]
            try:
                async with asyncio.timeout_at(min(at, default=None)):
                    return await self._socket.inbox.get()
            except TimeoutError:
                if self._ask_again_at is None or self._now() < self._ask_again_at:
                    if self._odd:
                        raise self._stage.errors.unintelligible() from None
                    raise
                self._ask_again_at = None
                return None

    async def on_item(self, item: object) -> Sequence[Transcript]:
        with self._stage.errors(answer_started=self._answer_started):
            if isinstance(item, Exception):
                raise item
            messages, transcripts = self._step(item)
            for message in messages:
                await self._socket.send(message)
        transcripts = [*transcripts, *self._close_marks(transcripts)]
        self._answer_started = self._answer_started or bool(transcripts)
        if not self._marks:
            self._due = self._ask_again_at = None
        return transcripts

    def _step(self, item: object) -> Step:
        stage = self._stage
        if isinstance(item, _Mark):
            self._audio_ended = item.last
            messages, asked = self._protocol.mark_messages()
            self._marks.append(asked)
            if asked:
                wait = stage.ask_again_after
                self._due = self._now() + stage.deadlines[0]
                self._ask_again_at = None if wait is None else self._now() + wait
            return messages, ()
        if item is None:
            return self._protocol.on_unanswered_mark(last=self._audio_ended)
        assert isinstance(item, str | bytes)
        if self._due is not None:
            self._due = self._now() + stage.deadlines[1]
        try:
            step = self._protocol.on_message(item)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            # It costs nothing but itself, unless no more than that comes.
            self._odd += 1
            if self._odd > MOST_ODD:
                raise stage.errors.unintelligible() from None
            return (), ()
        self._odd = 0
        return step

    def _close_marks(self, transcripts: Sequence[Transcript]) -> list[Transcript]:
        """Close the marks that these answer; return what answers those that follow and asked for
        nothing."""
        for transcript in transcripts:
            if transcript.final and self._marks:
                self._marks.popleft()
        answers = []
        while self._marks and not self._marks[0]:
            self._marks.popleft()
            answers.append(self._protocol.final_transcript())
        return answers


@contextlib.asynccontextmanager
async def _audio_fed(
    socket: Socket, protocol: UtteranceProtocol, audio: AsyncIterator[bytes | Flush]
) -> AsyncIterator[None]:
    """Send the audio on meanwhile; its marks go where the server's messages are."""
    feeding = asyncio.create_task(_feed_audio(socket, protocol, audio))
    try:
        yield
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


async def _feed_audio(
    socket: Socket, protocol: UtteranceProtocol, audio: AsyncIterator[bytes | Flush]
) -> None:
    try:
        async for piece in audio:
            if isinstance(piece, Flush):
                socket.inbox.put_nowait(_Mark(last=False))
                continue
            for message in protocol.audio_messages(piece):
                try:
                    await socket.send(message)
                except ConnectionClosed:
                    # That it is closed is in the inbox.
                    return
        socket.inbox.put_nowait(_Mark(last=True))
    except Exception as error:
        socket.inbox.put_nowait(_AudioError(error))
