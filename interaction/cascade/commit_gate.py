"""Tells the worker that prepares an eager reply that its turn was committed after all.

A stream of one entry, so that it is neither missed by who asks late nor asked for again and again.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

from interaction.bus.audio_streams import LIFETIME, read_new_entries
from interaction.bus.redis_client import CONNECTION_ERRORS, Redis, retry_while_down


def commitment_key(reply: UUID) -> str:
    return f"parley:reply:{reply}:commitment"


async def open_commit_gate(redis: Redis, reply: UUID) -> None:
    """This reply is the one that its turn gets."""
    key = commitment_key(reply)

    async def attempt() -> None:
        async with redis.pipeline(transaction=False) as pipe:
            pipe.xadd(key, {"committed": 1}, maxlen=1)
            pipe.expire(key, LIFETIME)
            await pipe.execute()

    await retry_while_down(attempt)


async def wait_for_commit(redis: Redis, reply: UUID) -> None:
    """Wait for it; a discarded reply waits until it is cancelled."""
    while True:
        try:
            if await read_new_entries(redis, {commitment_key(reply): b"0"}):
                return
        except CONNECTION_ERRORS:
            await asyncio.sleep(0.1)
