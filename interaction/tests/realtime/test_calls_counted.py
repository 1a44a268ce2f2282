"""A reply that a realtime provider is asked for is a call, and so is a connection that fails while
none is due: each counts once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
import redis

from interaction.core.engine import SessionSpec
from interaction.core.events import EngineLost, ReplyAudio
from interaction.core.orders import CancelReply
from interaction.provider_calls.tally import Series, Tally
from interaction.realtime.engine import RealtimeEngine
from interaction.tests.cascade.caller import Caller
from interaction.tests.provider_calls.counted import counted
from interaction.tests.realtime.tones import tone
from interaction.tests.standins.openai_realtime import Plan, Standin

Session = Callable[..., SessionSpec]
OPENAI = Series("realtime", "openai", "")


def calls(client: redis.Redis) -> Tally:
    found = counted(client)
    assert found.keys() <= {OPENAI}
    return found.get(OPENAI, Tally())


async def test_replies_count_and_the_connection_does_not(
    standin: Standin, archiving: None, session: Session, redis_client: redis.Redis
) -> None:
    async with Caller.calling(session(), RealtimeEngine) as caller:
        for _ in range(2):
            await caller.reply_to_its_end(caller.end(caller.open_turn(tone(0.5))))
        await caller.reply_to_its_end(caller.type("Hello.")[1])
    tally = calls(redis_client)
    assert (tally.calls, tally.failed, tally.given_up) == (3, 0, 0)
    assert tally.buckets.total() == 3


async def test_who_never_speaks_makes_no_call(
    standin: Standin, archiving: None, session: Session, redis_client: redis.Redis
) -> None:
    async with Caller.calling(session(), RealtimeEngine):
        await standin.connected(1)
    assert calls(redis_client) == Tally()


@pytest.mark.parametrize(
    ("fault", "timed"), [("fail", 0), ("cut", 1), ("garbage", 0)], ids=["fail", "cut", "garbage"]
)
async def test_a_reply_that_fails_counts_as_one_failure(
    standin: Standin,
    archiving: None,
    session: Session,
    redis_client: redis.Redis,
    fault: str,
    timed: int,
) -> None:
    standin.plans = [Plan(fault=fault), Plan("Again.")]
    async with Caller.calling(session(), RealtimeEngine) as caller:
        turn, _reply = caller.type("Hello.")
        code = (await caller.failure(turn)).code
        await caller.reply_to_its_end(caller.type("And now?")[1])
    tally = calls(redis_client)
    assert (tally.calls, tally.errors) == (2, Counter({code: 1}))
    assert tally.buckets.total() == timed + 1


@pytest.mark.parametrize(("fault", "given_up"), [("hold", 0), ("silent", 1)])
async def test_a_reply_that_is_stopped_fails_nobody(
    standin: Standin,
    archiving: None,
    session: Session,
    redis_client: redis.Redis,
    fault: str,
    given_up: int,
) -> None:
    standin.plans = [Plan(fault=fault)]
    async with Caller.calling(session(), RealtimeEngine) as caller:
        turn, reply = caller.type("One")
        if given_up:
            await standin.until("response.create")
        else:
            await caller.until(ReplyAudio)
        caller.engine.execute(CancelReply(turn, reply))
    tally = calls(redis_client)
    assert (tally.calls, tally.failed, tally.given_up) == (1, 0, given_up)


async def test_a_session_that_ends_in_the_middle_fails_nobody(
    standin: Standin, archiving: None, session: Session, redis_client: redis.Redis
) -> None:
    standin.plans = [Plan(fault="silent")]
    async with Caller.calling(session(), RealtimeEngine) as caller:
        caller.type("One")
        await standin.until("response.create")
    tally = calls(redis_client)
    assert (tally.calls, tally.failed, tally.given_up) == (1, 0, 1)


async def test_a_line_that_breaks_while_nobody_waits_is_a_failure_of_its_own(
    standin: Standin, archiving: None, session: Session, redis_client: redis.Redis
) -> None:
    async with Caller.calling(session(), RealtimeEngine) as caller:
        await caller.reply_to_its_end(caller.type("Hello.")[1])
        await standin.hang_up()
        await standin.connected(2)
        await caller.reply_to_its_end(caller.type("Still there?")[1])
    tally = calls(redis_client)
    assert (tally.calls, tally.errors) == (3, {"provider_unavailable": 1})


async def test_a_server_that_cannot_be_reached_fails_once_for_each_attempt(
    standin: Standin, archiving: None, session: Session, redis_client: redis.Redis
) -> None:
    standin.refuses = 503
    async with Caller.calling(session(), RealtimeEngine) as caller:
        await caller.until(EngineLost)  # opened as the session begins
        caller.events.clear()
        caller.type("Is anybody there?")
        await caller.until(EngineLost)
    tally = calls(redis_client)
    assert (tally.calls, tally.errors) == (2, {"provider_unavailable": 2})


async def test_a_key_that_is_refused_is_a_failure(
    standin: Standin, archiving: None, session: Session, redis_client: redis.Redis
) -> None:
    standin.refuses = 401
    async with Caller.calling(session(), RealtimeEngine) as caller:
        await caller.until(EngineLost)
    assert calls(redis_client).errors == {"provider_unauthorized": 1}
