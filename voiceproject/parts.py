"""The processes of an installation: how each is started, and how one sees that it is ready."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence

from django.conf import settings
from redis.exceptions import RedisError

from interaction.bus.redis_keys import worker_alive
from interaction.bus.short_lived_redis import connect_async
from voiceproject import redis_server
from voiceproject.supervisor import Part

DRAIN = 1.5
"""Seconds that the last turns get to be archived, once no session is left."""


def all_parts() -> list[Part]:
    """Times add up to less than ten seconds, in an orderly stop as after ``kill -9``."""
    parts = [
        Part("workers", _worker("stages", settings.STAGE_QUEUES), alive(*settings.STAGE_QUEUES),
             tier=1, linger=2.0, grace=3.0),
        Part("archive", _worker("archive", ("default",)), alive("default"),
             tier=1, linger=2.0, grace=3.0),
        Part("beat", [*_CELERY, "beat"], _at_once, tier=1, linger=0, grace=1.0),
        Part("web", [sys.executable, "-m", "voiceproject.web"], _web_answers,
             tier=2, linger=0, grace=2.5),
    ]  # fmt: skip
    if not settings.ENV.redis_url:
        command = redis_server.command(settings.REDIS_URL)
        parts.insert(0, Part("redis", command, redis_answers, tier=0, linger=6.0, grace=1.0))
    return parts


# Checks run once, in ``up``; a worker that comes back should not spend its time on them.
_CELERY = (sys.executable, *["-m", "celery", "--app", "voiceproject", "--skip-checks", "--quiet"])


def _worker(name: str, queues: Sequence[str]) -> list[str]:
    return [
        *(*_CELERY, "worker", "--hostname", f"{name}@%h", "--queues", ",".join(queues)),
        *("--without-mingle", "--without-gossip", "--without-heartbeat"),
    ]


async def redis_answers(pid: int) -> bool:
    try:
        async with connect_async() as client:
            return bool(await client.ping())
    except (RedisError, OSError):
        return False


def alive(*queues: str) -> Callable[[int], Awaitable[bool]]:
    """A probe: the process works on every one of these queues."""

    async def probe(pid: int) -> bool:
        try:
            async with connect_async() as client:
                return set(await client.mget(map(worker_alive, queues))) == {b"%d" % pid}
        except (RedisError, OSError):
            return False

    return probe


async def drained() -> None:
    """Wait until no task is left on ``default``, within ``DRAIN``."""
    try:
        async with asyncio.timeout(DRAIN), connect_async() as client:
            while True:
                if not await client.llen("default"):
                    return
                await asyncio.sleep(0.05)
    except (RedisError, OSError, TimeoutError):
        return


async def _at_once(pid: int) -> bool:
    return True


async def _web_answers(pid: int) -> bool:
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection(_probe_host(), settings.ENV.port)
            try:
                writer.write(b"GET /api/v1/health HTTP/1.0\r\nHost: localhost\r\n\r\n")
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _probe_host() -> str:
    host: str = settings.ENV.parley_host
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
