"""What stages over HTTP share: warm connections, deadlines, and what a failure means."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Protocol
from weakref import WeakKeyDictionary

import httpx2

from interaction.providers._shared.answer_deadlines import AnswerDeadlines
from interaction.providers._shared.error_mapping import ErrorMapping
from interaction.providers._shared.event_stream import EventStream, ServerEvent
from interaction.providers.config import ProviderConfig
from interaction.providers.stage_protocols import WORKING, LanguageModelOutput

CONNECT_WITHIN = 5.0
"""Seconds."""
KEPT_OPEN = 60.0
"""Seconds a connection stays open unused: longer than most people think before they speak."""
STALL = 5.0
"""Seconds between two pieces of an answer."""

MakeClient = Callable[[ProviderConfig], tuple[Any, Callable[[], Awaitable[None]]]]
"""Makes a client for an address and a key, and returns with it what closes it."""
ClientKey = tuple[MakeClient, str, str]
"""Maker, address, key."""


class AnswerAssembler(Protocol):
    """A language model's answer, from the events that it comes in."""

    complete: bool
    """The server has said that this is the end."""

    def read(self, events: Sequence[ServerEvent], *, done: bool) -> Sequence[LanguageModelOutput]:
        """Output of the next events; ``done``: the stream has had its closing mark. Raises
        ``ProviderError`` for an error that they tell."""
        ...

    def finish(self) -> Sequence[LanguageModelOutput]:
        """What could only be known at the end."""
        ...


@cache
def _trusted_certificates() -> ssl.SSLContext:
    """Read once for all clients: reading them takes long enough to be noticed."""
    return httpx2.create_ssl_context()


def transport() -> dict[str, Any]:
    """Arguments of an httpx2 client that serves conversations."""
    return {
        "verify": _trusted_certificates(),
        # How long an answer may take is the stage's matter: see ``AnswerDeadlines``.
        "timeout": httpx2.Timeout(None, connect=CONNECT_WITHIN),
        "limits": httpx2.Limits(
            max_connections=None, max_keepalive_connections=100, keepalive_expiry=KEPT_OPEN
        ),
    }


@dataclass
class SharedClient:
    """One client for an event loop, address and key; the last provider that leaves closes it."""

    client: Any
    close: Callable[[], Awaitable[None]]
    users: int = 0

    kept: ClassVar[
        WeakKeyDictionary[
            asyncio.AbstractEventLoop, dict[tuple[MakeClient, str, str], SharedClient]
        ]
    ] = WeakKeyDictionary()

    @classmethod
    def join(cls, make_client: MakeClient, config: ProviderConfig) -> SharedClient:
        """The running loop's client for this address and key."""
        clients = cls.kept.setdefault(asyncio.get_running_loop(), {})
        key: ClientKey = (make_client, config.base_url, config.api_key)
        if key not in clients:
            clients[key] = cls(*make_client(config))
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


class HttpStage(ABC):
    """A provider of one stage over HTTP."""

    stage: ClassVar[str]
    first: ClassVar[float]
    """Seconds until the first piece of an answer."""
    make_client: ClassVar[MakeClient]
    error_mapping: ClassVar[type[ErrorMapping]] = ErrorMapping

    def __init__(
        self, config: ProviderConfig, *, first: float | None = None, stall: float = STALL
    ) -> None:
        """``stall``: seconds between two pieces of an answer."""
        self._config = config
        self.deadlines = (self.first if first is None else first, stall)
        self._errors = self.error_mapping(self.stage, config.name)
        self._shared: SharedClient | None = None

    async def warm(self) -> None:
        """Have a connection open before somebody waits for it."""
        # What is wrong with it will be reported when it matters.
        with contextlib.suppress(Exception):
            async with asyncio.timeout(self.deadlines[1]):
                await self._send_warming_request()

    async def aclose(self) -> None:
        if self._shared:
            shared, self._shared = self._shared, None
            await shared.leave()

    @abstractmethod
    async def _send_warming_request(self) -> None:
        """Ask for something small."""

    @property
    def _client(self) -> Any:
        if not self._shared:
            self._shared = SharedClient.join(type(self).make_client, self._config)
        return self._shared.client

    @contextlib.asynccontextmanager
    async def _answer(
        self, request: contextlib.AbstractAsyncContextManager[Any]
    ) -> AsyncIterator[tuple[Any, AnswerDeadlines]]:
        """The start of the answer, within its deadline, and the deadlines for the rest."""
        deadlines = AnswerDeadlines(*self.deadlines)
        async with contextlib.AsyncExitStack() as stack:
            with self._errors(answer_started=False):
                async with deadlines.next_piece():
                    response = await stack.enter_async_context(request)
            with self._errors(answer_started=True):
                yield response, deadlines

    async def _outputs(
        self, response: Any, deadlines: AnswerDeadlines, answer: AnswerAssembler
    ) -> AsyncGenerator[LanguageModelOutput]:
        """What a language model's answer gives, as its events come. Whatever the server sends shows
        that it is at work."""
        stream = EventStream()
        try:
            # To its very end, or the connection could not be used again.
            async for data in deadlines.limit(response.iter_bytes()):
                outputs = answer.read(stream.feed(data), done=stream.done)
                for output in outputs:
                    yield output
                if outputs:
                    deadlines.on_output()
                elif not answer.complete and deadlines.must_report_work():
                    yield WORKING
        except (TimeoutError, OSError, httpx2.HTTPError):
            # What may come after the end (the count of tokens) is not worth failing for.
            if not answer.complete:
                raise
        for output in answer.read(stream.finish(), done=stream.done):
            yield output
        if not stream.any_events:
            raise self._errors.protocol_error("did not stream its answer")
        if not answer.complete:
            raise self._errors.broken_off()
        for output in answer.finish():
            yield output
