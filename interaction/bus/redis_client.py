"""Connections to Redis from event loops: one client a loop, and repetition while it is away."""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

T = TypeVar("T")

BLOCK_MS = 2_000
"""How long a blocking read may wait in Redis; shorter than ``SOCKET_TIMEOUT`` by an outage."""
SOCKET_TIMEOUT = 10.0
RETRY_FOR = 8.0
"""Seconds for which a broken Redis is asked again before a turn is given up."""
CONNECTION_ERRORS = (RedisConnectionError, RedisTimeoutError, OSError)


def _keeping_cancellations(
    send: Callable[..., Coroutine[Any, Any, None]],
) -> Callable[..., Coroutine[Any, Any, None]]:
    """redis-py sends with ``asyncio.wait_for``, which in Python 3.11 loses a cancellation that
    comes just when the command has been sent: a cancelled stage would go on, a closing loop would
    wait for ever."""

    @functools.wraps(send)
    async def send_packed_command(self: AbstractConnection, *args: Any, **kwargs: Any) -> None:
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        await send(self, *args, **kwargs)
        if task and task.cancelling() > before:
            await self.disconnect(nowait=True)  # nobody will read the answer
            raise asyncio.CancelledError

    return send_packed_command


if sys.version_info < (3, 12):
    # The channel layer's connections need it as much as ours.
    AbstractConnection.send_packed_command = _keeping_cancellations(  # type: ignore[method-assign]
        AbstractConnection.send_packed_command
    )

_clients: dict[asyncio.AbstractEventLoop, Redis] = {}


def get_redis() -> Redis:
    """The running loop's client. A blocking read holds a connection of its own."""
    loop = asyncio.get_running_loop()
    client = _clients.get(loop)
    if client is None:
        client = _clients[loop] = Redis.from_url(
            settings.REDIS_URL,
            protocol=2,
            socket_timeout=SOCKET_TIMEOUT,
            socket_connect_timeout=SOCKET_TIMEOUT,
            max_connections=2_000,
            # A command without an answer may have been carried out: callers decide what to repeat.
            retry=Retry(NoBackoff(), 0),
        )
    return client


async def close_redis() -> None:
    """Close the running loop's client, if it has one."""
    client = _clients.pop(asyncio.get_running_loop(), None)
    if client is not None:
        await client.aclose()


async def retry_while_down(attempt: Callable[[], Awaitable[T]], patience: float = RETRY_FOR) -> T:
    """Repeat ``attempt`` while Redis is away; it must do no harm when it is done twice.

    Raises what Redis raised when ``patience`` (seconds) is over.
    """
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + patience
    pause = 0.05
    while True:
        try:
            return await attempt()
        except CONNECTION_ERRORS:
            if loop.time() + pause > give_up_at:
                raise
        await asyncio.sleep(pause)
        pause = min(2 * pause, 0.5)


__all__ = [
    "BLOCK_MS",
    "CONNECTION_ERRORS",
    "RETRY_FOR",
    "Redis",
    "RedisError",
    "close_redis",
    "get_redis",
    "retry_while_down",
]
