"""An engine without a worker: what a bug of its own and a slow Redis cost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
import redis
from redis.client import PubSub

from interaction.bus import redis_client as clients
from interaction.bus import redis_keys
from interaction.core.orders import CancelReply, FlushTurn
from interaction.tests.cascade.caller import PATIENCE, Caller, eventually, spec
from interaction.tests.fakes.publishing import FakePublisher, HoldingRedis

pytestmark = pytest.mark.usefixtures("redis_client")


@contextlib.asynccontextmanager
async def calling_on_a_slow_redis() -> AsyncIterator[tuple[Caller, HoldingRedis]]:
    slow = clients._clients[asyncio.get_running_loop()] = HoldingRedis()
    async with Caller.calling(spec()) as caller:
        caller.open_turn(bytes(32_000))
        await slow.waiting.wait()
        try:
            yield caller, slow
        finally:
            slow.released.set()


def was_cancelled(control: PubSub, subject: UUID) -> bool:
    message = control.get_message(timeout=0.1)
    return bool(message and message["data"] == subject.bytes)


async def test_a_turn_whose_hand_over_crashes_keeps_no_other_from_the_archive(
    published: FakePublisher,
) -> None:
    published.crash_at = "archive"
    async with asyncio.timeout(PATIENCE):  # to wait for a dead task takes twice as long
        async with Caller.calling(spec()) as caller:
            lost, kept = caller.type("One."), caller.type("Two.")
            for turn, reply in (lost, kept):
                caller.close(turn, reply, kind="text")
            await caller.engine.wait_until_executed()
    assert published.turns("archive") == [kept[0]]


async def test_a_turn_whose_hand_over_crashed_is_left_to_the_sweep(
    published: FakePublisher,
) -> None:
    published.crash_at = "archive"
    async with Caller.calling(spec()) as caller:
        turn, reply = caller.type("One.")
        caller.close(turn, reply, kind="text")
        await eventually(lambda: turn not in caller.engine.open_turns())  # type: ignore[attr-defined]


async def test_a_cancel_overtakes_audio_that_waits_for_redis(
    published: FakePublisher, redis_client: redis.Redis
) -> None:
    control = redis_client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    control.subscribe(redis_keys.CANCEL_CHANNEL)
    async with calling_on_a_slow_redis() as (caller, slow):
        turn, eager = caller.open_turn(bytes(32_000)), uuid4()
        caller.engine.execute(FlushTurn(turn, eager, ()))
        caller.engine.execute(CancelReply(turn, eager))
        await eventually(lambda: was_cancelled(control, eager))
        assert redis_client.exists(redis_keys.cancelled(eager))
        assert not slow.released.is_set()


async def test_a_cancel_that_overtakes_its_request_stops_it_all_the_same(
    published: FakePublisher, redis_client: redis.Redis
) -> None:
    async with calling_on_a_slow_redis() as (caller, slow):
        turn, reply = caller.type("Never mind.")
        caller.engine.execute(CancelReply(turn, reply))
        await eventually(lambda: redis_client.exists(redis_keys.cancelled(reply)))
        slow.released.set()
        await caller.engine.wait_until_executed()
    assert turn not in published.turns("llm")
