from __future__ import annotations

import asyncio

import redis as sync_redis
from channels.layers import get_channel_layer

from interaction.bus.redis_client import close_redis, get_redis
from interaction.tests.cascade.caller import PATIENCE

STEPS = 40
"""More turns of the loop than a command takes."""


async def test_a_cancellation_is_never_lost_in_redis(redis_client: sync_redis.Redis) -> None:
    """Whatever the command is at when it comes: connecting, sending, waiting for the answer."""
    layer = get_channel_layer()

    async def for_ever() -> None:
        while True:
            await get_redis().ping()
            await layer.send("parley.nobody", {"type": "nothing"})

    async with asyncio.timeout(PATIENCE):
        for steps in [*range(STEPS)] * 5:
            task = asyncio.create_task(for_ever())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            assert task.cancelled()
        assert await get_redis().ping(), "its connections are as good as new"
    await close_redis()
