"""What a realtime engine takes back of replies that are stopped, of OpenAI's conversation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from interaction.core.engine import SessionSpec
from interaction.core.events import ReplyAudio
from interaction.core.orders import CancelReply
from interaction.realtime.engine import RealtimeEngine
from interaction.tests.cascade.caller import Caller
from interaction.tests.standins.openai_realtime import Plan, Standin

Session = Callable[..., SessionSpec]
TRUNCATE = "conversation.item.truncate"


def truncated(standin: Standin) -> list[tuple[int, int]]:
    """Number of each message that was, and to how many milliseconds."""
    (connection,) = standin.connections
    return [
        (connection.spoken_items.index(cut["item_id"]), cut["audio_end_ms"])
        for cut in connection.of(TRUNCATE)
    ]


async def test_a_reply_stopped_before_it_began_is_taken_back_and_not_the_one_before_it(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.plans = [Plan("One."), Plan("Two."), Plan("Three.")]
    async with Caller.calling(session(), RealtimeEngine) as caller:
        _turn, first = caller.type("One")
        await caller.reply_to_its_end(first)
        caller.engine.execute(CancelReply(*caller.type("Two")))
        _turn, third = caller.type("Three")
        await caller.reply_to_its_end(third)
        await standin.until(TRUNCATE)
    assert truncated(standin) == [(1, 0)]


@pytest.mark.parametrize(
    ("heard_ms", "left"), [(400, [(0, 400), (1, 0)]), (1_100, [(1, 101)])], ids=["first", "second"]
)
async def test_a_reply_of_several_messages_is_cut_where_it_was_heard_last(
    standin: Standin,
    archiving: None,
    session: Session,
    heard_ms: int,
    left: list[tuple[int, int]],
) -> None:
    calls = (("current_time", "{}"),)
    standin.plans = [Plan(preamble="Let me see.", calls=calls), Plan(fault="hold"), Plan("Two.")]
    async with Caller.calling(session(tools=("current_time",)), RealtimeEngine) as caller:
        turn, reply = caller.type("What time is it?")
        # The first message takes five pieces: 999 ms.
        await caller.until(ReplyAudio, lambda audio: audio.sequence == 5)
        caller.engine.execute(CancelReply(turn, reply, heard_ms=heard_ms))
        _turn, second = caller.type("Never mind.")
        await caller.reply_to_its_end(second)
    assert truncated(standin) == left
