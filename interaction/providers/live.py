"""Speech recognition over a socket, while the person still speaks: what such providers share.

A provider has an ``Utterance``: its protocol in words, without input or output. ``LiveStage``
brings the audio to the socket and the socket's messages to the utterance.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import ClassVar, Protocol

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from interaction.providers.base import Flush, ProviderConfig, Transcript
from interaction.providers.http import STALL
from interaction.providers.sockets import Socket, SocketBlame, Sockets

Wire = str | bytes
Step = tuple[Sequence[Wire], Sequence[Transcript]]
"""What to send, and what to hand on; a final transcript answers the oldest open mark."""


class Utterance(Protocol):
    over: bool
    """The server is about to hang up: the socket cannot be used again."""

    def audio(self, pcm: bytes) -> Sequence[Wire]:
        """What to send for more audio: mono s16le at 16 kHz."""
        ...

    def mark(self) -> tuple[Sequence[Wire], bool]:
        """The transcript so far is wanted: what to send, and whether that will be answered. It
        is not where nothing was said since the last mark."""
        ...

    def take(self, message: Wire) -> Step:
        """A message has come. Raises ``ProviderError``, or ``ValueError``, ``TypeError``,
        ``KeyError``, ``AttributeError`` for one that makes no sense."""
        ...

    def unanswered(self, *, last: bool) -> Step:
        """A mark has waited for ``LiveStage.quiet``; ``last``: no more audio will come."""
        ...

    def final(self) -> Transcript:
        """What is understood so far."""
        ...


class _Mark:
    def __init__(self, *, last: bool) -> None:
        self.last = last


class _Foreign:
    """What went wrong with the audio: not the provider's fault."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class LiveStage:
    """``first`` and ``stall``, in seconds, are deadlines from a mark to the first message after
    it, and from one message to the next. While the person speaks, a server may be silent."""

    first: ClassVar[float] = 5.0
    quiet: float | None = None
    """Seconds after which ``Utterance.unanswered`` is asked."""
    beat: ClassVar[str] = ""

    def __init__(
        self,
        config: ProviderConfig,
        *,
        first: float | None = None,
        stall: float = STALL,
        quiet: float | None = None,
    ) -> None:
        self._config = config
        self.deadlines = (self.first if first is None else first, stall)
        self.quiet = self.quiet if quiet is None else quiet
        self.blame = SocketBlame("stt", config.name)
        self._sockets = Sockets(self._open, beat=self.beat)

    async def warm(self) -> None:
        """Have a socket open before somebody waits for it."""
        # What is wrong with it will be said when it matters.
        with contextlib.suppress(Exception):
            await self._sockets.warm()

    async def aclose(self) -> None:
        await self._sockets.aclose()

    async def transcribe(self, audio: AsyncIterator[bytes | Flush]) -> AsyncIterator[Transcript]:
        async with contextlib.AsyncExitStack() as stack:
            with self.blame(begun=False):
                socket = await stack.enter_async_context(self._sockets.borrowed())
            utterance = self._begin()
            await stack.enter_async_context(_fed(socket, utterance, audio))
            hearing = _Hearing(self, socket, utterance)
            while not hearing.complete:
                item = await hearing.next()
                if isinstance(item, _Foreign):
                    raise item.error
                for transcript in await hearing.take(item):
                    yield transcript
            socket.reusable = not utterance.over

    async def _open(self) -> ClientConnection:
        raise NotImplementedError

    def _begin(self) -> Utterance:
        raise NotImplementedError


class _Hearing:
    """Which marks are open, and until when the server may take to answer them."""

    def __init__(self, stage: LiveStage, socket: Socket, utterance: Utterance) -> None:
        self._stage = stage
        self._socket = socket
        self._utterance = utterance
        self._marks: deque[bool] = deque()
        """Of each open one, whether the server was asked for an answer."""
        self._ended = False
        self._begun = False
        self._due: float | None = None
        self._quiet_at: float | None = None
        self._now = asyncio.get_running_loop().time

    @property
    def complete(self) -> bool:
        return self._ended and not self._marks

    async def next(self) -> object:
        """What comes next, from the server or from the audio; None after a quiet while."""
        with self._stage.blame(begun=self._begun):
            at = [time for time in (self._due, self._quiet_at) if time is not None]
            try:
                async with asyncio.timeout_at(min(at, default=None)):
                    return await self._socket.inbox.get()
            except TimeoutError:
                if self._quiet_at is None or self._now() < self._quiet_at:
                    raise
                self._quiet_at = None
                return None

    async def take(self, item: object) -> Sequence[Transcript]:
        with self._stage.blame(begun=self._begun):
            if isinstance(item, Exception):
                raise item
            messages, transcripts = self._step(item)
            for message in messages:
                await self._socket.send(message)
        transcripts = [*transcripts, *self._settle(transcripts)]
        self._begun = self._begun or bool(transcripts)
        if not self._marks:
            self._due = self._quiet_at = None
        return transcripts

    def _step(self, item: object) -> Step:
        stage = self._stage
        if isinstance(item, _Mark):
            self._ended = item.last
            messages, asked = self._utterance.mark()
            self._marks.append(asked)
            if asked:
                self._due = self._now() + stage.deadlines[0]
                self._quiet_at = None if stage.quiet is None else self._now() + stage.quiet
            return messages, ()
        if item is None:
            return self._utterance.unanswered(last=self._ended)
        assert isinstance(item, str | bytes)
        if self._due is not None:
            self._due = self._now() + stage.deadlines[1]
        try:
            return self._utterance.take(item)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            raise stage.blame.nonsense() from None

    def _settle(self, transcripts: Sequence[Transcript]) -> list[Transcript]:
        """Strike off the marks that these answer; return what answers those that follow and asked
        for nothing."""
        for transcript in transcripts:
            if transcript.final and self._marks:
                self._marks.popleft()
        answers = []
        while self._marks and not self._marks[0]:
            self._marks.popleft()
            answers.append(self._utterance.final())
        return answers


@contextlib.asynccontextmanager
async def _fed(
    socket: Socket, utterance: Utterance, audio: AsyncIterator[bytes | Flush]
) -> AsyncIterator[None]:
    """Send the audio on meanwhile; its marks go where the server's messages are."""
    feeding = asyncio.create_task(_feed(socket, utterance, audio))
    try:
        yield
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


async def _feed(socket: Socket, utterance: Utterance, audio: AsyncIterator[bytes | Flush]) -> None:
    try:
        async for piece in audio:
            if isinstance(piece, Flush):
                socket.inbox.put_nowait(_Mark(last=False))
                continue
            for message in utterance.audio(piece):
                try:
                    await socket.send(message)
                except ConnectionClosed:
                    # That it is closed is in the inbox.
                    return
        socket.inbox.put_nowait(_Mark(last=True))
    except Exception as error:
        socket.inbox.put_nowait(_Foreign(error))
