"""What the OpenAI-compatible stages share: connections, deadlines, and what a failure means."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import ClassVar, TypeVar
from weakref import WeakKeyDictionary

import httpx2
import openai
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from interaction.providers.base import ProviderConfig
from interaction.providers.errors import (
    ProviderError,
    ProviderProtocolError,
    ProviderRateLimited,
    ProviderRefused,
    ProviderTimeout,
    ProviderUnauthorized,
    ProviderUnavailable,
)

T = TypeVar("T")
E = TypeVar("E", bound=ProviderError)

CONNECT_WITHIN = 5.0
KEPT_OPEN = 60.0
"""Seconds a connection stays open unused: longer than most people think before they speak."""
NO_MONEY = frozenset({"insufficient_quota", "invalid_api_key", "account_deactivated"})
SAFE_CODE = re.compile(r"[a-z_]{3,40}")


@dataclass
class Shared:
    """One client a loop, address and key; the last provider that leaves closes it."""

    client: AsyncOpenAI
    users: int = 0

    kept: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str], Shared]]] = (
        WeakKeyDictionary()
    )

    @classmethod
    def join(cls, config: ProviderConfig) -> Shared:
        """The running loop's client for this address and key."""
        clients = cls.kept.setdefault(asyncio.get_running_loop(), {})
        key = (config.base_url, config.api_key)
        if key not in clients:
            clients[key] = cls(_client(config))
        clients[key].users += 1
        return clients[key]

    async def leave(self) -> None:
        self.users -= 1
        if self.users:
            return
        clients = self.kept[asyncio.get_running_loop()]
        for key in [key for key, shared in clients.items() if shared is self]:
            del clients[key]
        await self.client.close()


def _client(config: ProviderConfig) -> AsyncOpenAI:
    return AsyncOpenAI(
        base_url=config.base_url,
        # Servers at home want no key, but the SDK wants one.
        api_key=config.api_key or "none",
        max_retries=0,
        http_client=DefaultAsyncHttpxClient(
            # How long an answer may take is the stage's to say: see ``Pace``.
            timeout=httpx2.Timeout(None, connect=CONNECT_WITHIN),
            limits=httpx2.Limits(
                max_connections=None, max_keepalive_connections=100, keepalive_expiry=KEPT_OPEN
            ),
        ),
    )


class Pace:
    """Deadlines for what a server sends: one for the first piece, one for each that follows."""

    def __init__(self, first: float, stall: float) -> None:
        """Both in seconds; the first one runs from now."""
        self._first_at = asyncio.get_running_loop().time() + first
        self._stall = stall
        self._begun = False

    def next(self) -> asyncio.Timeout:
        """The limit on waiting for the next piece; ``TimeoutError`` beyond it."""
        return asyncio.timeout(self._stall) if self._begun else asyncio.timeout_at(self._first_at)

    async def over(self, pieces: AsyncIterator[T]) -> AsyncIterator[T]:
        while True:
            try:
                async with self.next():
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            self._begun = True
            yield piece


@dataclass(frozen=True, slots=True)
class Blame:
    """Turns whatever goes wrong with a request into the project's own errors.

    Their messages hold nothing that the server wrote: it may quote what was said, or the key.
    """

    stage: str
    provider: str

    @contextlib.contextmanager
    def __call__(self, *, begun: bool) -> Iterator[None]:
        """``begun``: the answer has begun, so what is lost now is its rest."""
        try:
            yield
        except openai.APIStatusError as error:
            raise self._status(error) from None
        except (TimeoutError, openai.APITimeoutError, httpx2.TimeoutException):
            raise self._error(ProviderTimeout, "took too long to answer") from None
        except (openai.APIConnectionError, httpx2.TransportError):
            if begun:
                raise self.protocol("broke off in the middle of its answer") from None
            raise self._error(ProviderUnavailable, "cannot be reached") from None
        except (openai.APIResponseValidationError, json.JSONDecodeError, UnicodeDecodeError):
            raise self.protocol("gave an answer that cannot be understood") from None
        except openai.APIError as error:
            raise self._told(error) from None
        except (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL):
            raise self.protocol("gave an answer that cannot be understood") from None

    def protocol(self, what: str) -> ProviderProtocolError:
        return self._error(ProviderProtocolError, what)

    def _status(self, error: openai.APIStatusError) -> ProviderError:
        status, code = error.status_code, _code(error)
        said = f"({status}{', ' + code if code else ''})"
        if status in (401, 403) or code in NO_MONEY:
            return self._error(
                ProviderUnauthorized, f"did not accept the key or has no quota {said}"
            )
        if status == 429:
            return self._limited(_retry_after(error.response.headers.get("retry-after", "")))
        if status >= 500:
            return self._error(ProviderUnavailable, f"has a problem of its own {said}")
        if status >= 400:
            return self._error(ProviderRefused, f"refused the request {said}")
        return self.protocol(f"gave an answer that cannot be understood {said}")

    def _told(self, error: openai.APIError) -> ProviderError:
        """An error that came inside a stream."""
        code = _code(error)
        if code in NO_MONEY:
            return self._error(
                ProviderUnauthorized, f"did not accept the key or has no quota ({code})"
            )
        if code == "rate_limit_exceeded":
            return self._limited(None)
        return self._error(ProviderUnavailable, f"gave up{f' ({code})' if code else ''}")

    def _limited(self, retry_after: float | None) -> ProviderRateLimited:
        return ProviderRateLimited(
            f"{self.provider} has had too many requests.",
            stage=self.stage,
            provider=self.provider,
            retry_after=retry_after,
        )

    def _error(self, kind: type[E], what: str) -> E:
        return kind(f"{self.provider} {what}.", stage=self.stage, provider=self.provider)


def _code(error: openai.APIError) -> str:
    code = error.code or ""
    return code if SAFE_CODE.fullmatch(code) else ""


def _retry_after(header: str) -> float | None:
    try:
        return max(0.0, float(header))
    except ValueError:
        return None
