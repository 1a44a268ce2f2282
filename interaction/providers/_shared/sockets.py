"""WebSockets to providers, kept open between utterances, so that none waits for one to open."""

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

from interaction.providers._shared.error_mapping import ErrorMapping
from interaction.providers._shared.http import CONNECT_WITHIN, KEPT_OPEN
from interaction.providers.errors import ProviderError, ProviderUnavailable

MOST_IDLE = 8
"""Sockets kept open without a user."""
MOST_AGE = 50 * 60.0
"""Seconds; OpenAI ends a session after an hour."""
KEEP_ALIVE_EVERY = 4.0
"""Seconds; Deepgram hangs up after ten without a message."""
CLOSES_WITHIN = 1.0
"""Seconds."""

OpenConnection = Callable[[], Awaitable[ClientConnection]]


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
    """A connection that is read as long as it is open."""

    def __init__(self, connection: ClientConnection, keep_alive: str) -> None:
        """``keep_alive``: a message that is sent regularly; empty: none."""
        self.inbox: asyncio.Queue[object] = asyncio.Queue()
        """Messages that have come, then the ``ConnectionClosed`` with which it ended."""
        self.reusable = False
        """Set by its user: no request over it is unanswered."""
        self._connection = connection
        self._now = asyncio.get_running_loop().time
        self._opened_at = self._now()
        self._idle_since: float | None = None
        self._tasks = [
            asyncio.create_task(self._read()),
            asyncio.create_task(self._keep_alive(keep_alive)),
        ]

    @property
    def usable(self) -> bool:
        young = self._now() - self._opened_at < MOST_AGE
        return young and self._connection.state.name == "OPEN"

    async def send(self, message: str | bytes) -> None:
        await self._connection.send(message)

    def mark_idle(self) -> None:
        """Nobody uses it for now."""
        self._idle_since = self._now()

    def mark_used(self) -> None:
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

    async def _keep_alive(self, message: str) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await asyncio.sleep(KEEP_ALIVE_EVERY)
                if self._idle_since and self._now() - self._idle_since > KEPT_OPEN:
                    await self._connection.close()
                elif message:
                    await self._connection.send(message)


class SocketPool:
    """One provider's sockets; each serves one utterance at a time."""

    def __init__(self, open_connection: OpenConnection, *, keep_alive: str = "") -> None:
        """``keep_alive``: a message that keeps a connection open while no audio is sent."""
        self._open_connection = open_connection
        self._keep_alive = keep_alive
        self._idle: deque[Socket] = deque()

    async def warm(self) -> None:
        """Have one open before somebody waits for it."""
        if not self._idle:
            await self._return(await self._open())

    @contextlib.asynccontextmanager
    async def borrowed(self) -> AsyncIterator[Socket]:
        socket = await self._idle_or_new()
        try:
            yield socket
        finally:
            if socket.reusable:
                await self._return(socket)
            else:
                await socket.close()

    async def aclose(self) -> None:
        idle, self._idle = self._idle, deque()
        await asyncio.gather(*(socket.close() for socket in idle))

    async def _idle_or_new(self) -> Socket:
        while self._idle:
            # The one that was used last: the others may grow old and go.
            socket = self._idle.pop()
            if socket.usable:
                socket.mark_used()
                return socket
            await socket.close()
        return await self._open()

    async def _open(self) -> Socket:
        return Socket(await self._open_connection(), self._keep_alive)

    async def _return(self, socket: Socket) -> None:
        socket.mark_idle()
        self._idle.append(socket)
        if len(self._idle) > MOST_IDLE:
            await self._idle.popleft().close()


class SocketErrorMapping(ErrorMapping):
    def translate(self, error: Exception, *, answer_started: bool) -> ProviderError | None:
        match error:
            case InvalidStatus():
                headers = error.response.headers
                retry_after = headers.get("Retry-After", "")
                return self.http_status(error.response.status_code, "", retry_after)
            case InvalidURI():
                return self.protocol_error("has an address that is none")
            case InvalidHandshake():
                return self.connection_lost(answer_started=False)
            case ConnectionClosed() if error.rcvd and error.rcvd.code in (1011, 1012, 1013):
                return self.error(ProviderUnavailable, f"gave up ({error.rcvd.code})")
            case ConnectionClosed() if error.rcvd and error.rcvd.code == 1008:
                return self.refused("refused the request (1008)")
            case ConnectionClosed():
                return self.connection_lost(answer_started=answer_started)
            case WebSocketException():
                return self.unintelligible()
        return super().translate(error, answer_started=answer_started)
