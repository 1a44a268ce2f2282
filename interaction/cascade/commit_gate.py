"""Lets the worker that prepares an eager reply know that its turn was committed.

The gate is a stream of one entry: who waits for it blocks, and who comes late does not miss it.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

from interaction.bus import redis_keys
from interaction.bus.audio_streams import read_new_entries
from interaction.bus.redis_client import CONNECTION_ERRORS, Redis, retry_while_down


async def open_commit_gate(redis: Redis, reply: UUID) -> None:
    """This reply is the one that its turn gets."""
    key = redis_keys.reply_commitment(reply)

    async def attempt() -> None:
        async with redis.pipeline(transaction=False) as pipe:
            pipe.xadd(key, {"committed": 1}, maxlen=1)
            pipe.expire(key, redis_keys.LIFETIME)
            await pipe.execute()

    await retry_while_down(attempt)


async def wait_for_commit(redis: Redis, reply: UUID) -> None:
    """Wait until the gate is open; where the reply is discarded, until this is cancelled."""
    key = redis_keys.reply_commitment(reply)
    while True:
        try:
            if await read_new_entries(redis, {key: b"0"}):
                return
        except CONNECTION_ERRORS:
            await asyncio.sleep(0.1)
