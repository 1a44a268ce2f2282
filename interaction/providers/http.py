"""What the stages over HTTP share: warm connections, deadlines, and what a failure means."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import httpx2

from interaction.providers.base import ProviderConfig
from interaction.providers.blame import Blame
from interaction.providers.pace import Pace

CONNECT_WITHIN = 5.0
KEPT_OPEN = 60.0
"""Seconds a connection stays open unused: longer than most people think before they speak."""
STALL = 5.0
"""Seconds between two pieces of an answer."""

Making = Callable[[ProviderConfig], tuple[Any, Callable[[], Awaitable[None]]]]
"""Makes a client for an address and a key, and says how to close it."""


@cache
def _trust() -> ssl.SSLContext:
    """Whom all clients trust: reading it takes long enough to be heard."""
    return httpx2.create_ssl_context()


def transport() -> dict[str, Any]:
    """Arguments of an httpx2 client that serves conversations."""
    return {
        "verify": _trust(),
        # How long an answer may take is the stage's to say: see ``Pace``.
        "timeout": httpx2.Timeout(None, connect=CONNECT_WITHIN),
        "limits": httpx2.Limits(
            max_connections=None, max_keepalive_connections=100, keepalive_expiry=KEPT_OPEN
        ),
    }


@dataclass
class Shared:
    """One client a loop, address and key; the last provider that leaves closes it."""

    client: Any
    close: Callable[[], Awaitable[None]]
    users: int = 0

    kept: ClassVar[
        WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[Making, str, str], Shared]]
    ] = WeakKeyDictionary()

    @classmethod
    def join(cls, make: Making, config: ProviderConfig) -> Shared:
        """The running loop's client for this address and key."""
        clients = cls.kept.setdefault(asyncio.get_running_loop(), {})
        key = (make, config.base_url, config.api_key)
        if key not in clients:
            clients[key] = cls(*make(config))
        clients[key].users += 1
        return clients[key]

    async def leave(self) -> None:
        self.users -= 1
        if self.users:
            return
        clients = self.kept[asyncio.get_running_loop()]
        for key in [key for key, shared in clients.items() if shared is self]:
            del clients[key]
        await self.close()


class Stage:
    """One stage's requests. ``first`` and ``stall`` are its deadlines, in seconds."""

    stage: ClassVar[str]
    first: ClassVar[float]
    make: ClassVar[Making]
    blames: ClassVar[type[Blame]] = Blame

    def __init__(
        self, config: ProviderConfig, *, first: float | None = None, stall: float = STALL
    ) -> None:
        self._config = config
        self._first = self.first if first is None else first
        self._stall = stall
        self._blame = self.blames(self.stage, config.name)
        self._shared: Shared | None = None

    async def warm(self) -> None:
        """Have a connection open before somebody waits for it."""
        # What is wrong with it will be said when it matters.
        with contextlib.suppress(Exception):
            async with asyncio.timeout(self._stall):
                await self._touch()

    async def aclose(self) -> None:
        if self._shared:
            shared, self._shared = self._shared, None
            await shared.leave()

    async def _touch(self) -> None:
        """Ask for something small."""
        raise NotImplementedError

    @property
    def _client(self) -> Any:
        if not self._shared:
            self._shared = Shared.join(type(self).make, self._config)
        return self._shared.client

    @contextlib.asynccontextmanager
    async def _asked(
        self, request: contextlib.AbstractAsyncContextManager[Any]
    ) -> AsyncIterator[tuple[Any, Pace]]:
        """The answer's beginning within the deadline, and the pace to read the rest at."""
        pace = Pace(self._first, self._stall)
        async with contextlib.AsyncExitStack() as stack:
            with self._blame(begun=False):
                async with pace.next():
                    response = await stack.enter_async_context(request)
            with self._blame(begun=True):
                yield response, pace
