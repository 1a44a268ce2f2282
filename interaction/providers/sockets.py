"""Sockets to providers that are kept open between utterances, so that none waits for one."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)

from interaction.providers.blame import Blame
from interaction.providers.errors import ProviderError, ProviderUnavailable
from interaction.providers.http import CONNECT_WITHIN, KEPT_OPEN

MOST_IDLE = 8
MOST_AGE = 50 * 60.0
"""Seconds; OpenAI ends a session after an hour."""
BEAT = 4.0
"""Seconds between two beats; Deepgram hangs up after ten without a word."""
CLOSES_WITHIN = 1.0

Opening = Callable[[], Awaitable[ClientConnection]]


async def open_socket(url: str, headers: dict[str, str]) -> ClientConnection:
    """``url``: http, https, ws or wss."""
    async with asyncio.timeout(CONNECT_WITHIN):
        return await connect(
            url.replace("http", "ws", 1) if url.startswith("http") else url,
            additional_headers=headers,
            compression=None,
            open_timeout=None,
            close_timeout=CLOSES_WITHIN,
        )


class Socket:
    """A connection that is read all its life: what has come, and how it ended, is in ``inbox``."""

    def __init__(self, connection: ClientConnection, beat: str) -> None:
        self.inbox: asyncio.Queue[object] = asyncio.Queue()
        self.reusable = False
        """Set by its user: nothing that was asked over it is unanswered."""
        self._connection = connection
        self._now = asyncio.get_running_loop().time
        self._opened_at = self._now()
        self._idle_since: float | None = None
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._beat(beat))]

    @property
    def usable(self) -> bool:
        young = self._now() - self._opened_at < MOST_AGE
        return young and self._connection.state.name == "OPEN"

    async def send(self, message: str | bytes) -> None:
        await self._connection.send(message)

    def rest(self) -> None:
        """Nobody uses it for now."""
        self._idle_since = self._now()

    def begin(self) -> None:
        """Somebody uses it; what came meanwhile was for nobody."""
        self._idle_since, self.reusable = None, False
        while not self.inbox.empty():
            self.inbox.get_nowait()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        # Without the farewell, for which a broken server would have us wait.
        self._connection.transport.abort()
        await asyncio.gather(*self._tasks, self._connection.wait_closed(), return_exceptions=True)

    async def _read(self) -> None:
        try:
            while True:
                self.inbox.put_nowait(await self._connection.recv())
        except ConnectionClosed as error:
            self.inbox.put_nowait(error)

    async def _beat(self, beat: str) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await asyncio.sleep(BEAT)
                if self._idle_since and self._now() - self._idle_since > KEPT_OPEN:
                    await self._connection.close()
                elif beat:
                    await self._connection.send(beat)


class Sockets:
    """One provider's sockets; each serves one utterance at a time."""

    def __init__(self, opening: Opening, *, beat: str = "") -> None:
        """``beat``: a message that keeps the connection open while there is nothing to say."""
        self._opening = opening
        self._beat = beat
        self._idle: deque[Socket] = deque()

    async def warm(self) -> None:
        """Have one open before somebody waits for it."""
        if not self._idle:
            await self._keep(Socket(await self._opening(), self._beat))

    @contextlib.asynccontextmanager
    async def borrowed(self) -> AsyncIterator[Socket]:
        socket = await self._take()
        try:
            yield socket
        finally:
            if socket.reusable:
                await self._keep(socket)
            else:
                await socket.close()

    async def aclose(self) -> None:
        idle, self._idle = self._idle, deque()
        await asyncio.gather(*(socket.close() for socket in idle))

    async def _take(self) -> Socket:
        while self._idle:
            # The one that was used last: the others may grow old and go.
            socket = self._idle.pop()
            if socket.usable:
                socket.begin()
                return socket
            await socket.close()
        return Socket(await self._opening(), self._beat)

    async def _keep(self, socket: Socket) -> None:
        socket.rest()
        self._idle.append(socket)
        if len(self._idle) > MOST_IDLE:
            await self._idle.popleft().close()


class SocketBlame(Blame):
    def translate(self, error: Exception, *, begun: bool) -> ProviderError | None:
        match error:
            case InvalidStatus():
                headers = error.response.headers
                return self.status(error.response.status_code, "", headers.get("Retry-After", ""))
            case InvalidURI():
                return self.protocol("has an address that is none")
            case InvalidHandshake():
                return self.lost(begun=False)
            case ConnectionClosed() if error.rcvd and error.rcvd.code in (1011, 1012, 1013):
                return self.error(ProviderUnavailable, f"gave up ({error.rcvd.code})")
            case ConnectionClosed() if error.rcvd and error.rcvd.code == 1008:
                return self.refused("refused the request (1008)")
            case ConnectionClosed():
                return self.lost(begun=begun)
            case WebSocketException():
                return self.nonsense()
        return super().translate(error, begun=begun)
