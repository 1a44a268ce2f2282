"""What a realtime engine makes of lines that break, replies that are stopped, and late errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from interaction.core.engine import SessionSpec
from interaction.core.events import (
    EngineLost,
    EngineSpeechStarted,
    EngineSpeechStopped,
    FinalTranscript,
    ReplyAudio,
    ReplyText,
    ToolInvoked,
)
from interaction.core.orders import CancelReply, EndTurn, OpenTurn, StreamAudio
from interaction.core.turn_taking.engine_detected import EngineTurnDetection
from interaction.core.types import Message
from interaction.realtime.engine import RealtimeEngine
from interaction.tests.cascade.caller import Caller
from interaction.tests.realtime.tones import pitch, tone
from interaction.tests.standins.openai_realtime import Plan, Standin
from interaction.tests.turn_records.test_archive import archived
from interaction.tools.base import ToolContext

Session = Callable[..., SessionSpec]
CREATE = "conversation.item.create"


def text_of(caller: Caller, reply: UUID) -> list[str]:
    return [e.text for e in caller.events if isinstance(e, ReplyText) and e.reply_id == reply]


def written_items(standin: Standin, connection: int) -> list[str]:
    """Texts of the items that were created over the connection of that index."""
    items = [event["item"] for event in standin.connections[connection].of(CREATE)]
    return [item["content"][0]["text"] for item in items]


async def nth(caller: Caller, kind: type[Any], number: int) -> None:
    """Wait until so many more than one of a kind have come."""

    def enough(_event: object) -> bool:
        return len([event for event in caller.events if isinstance(event, kind)]) > number

    await caller.until(kind, enough)


async def test_who_types_over_a_reply_stops_it(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.plans = [Plan(fault="hold"), Plan("Something else.")]
    async with Caller.calling(session(), RealtimeEngine) as caller:
        turn, reply = caller.type("One")
        await caller.until(ReplyAudio)
        # Both at once, as a conversation orders it.
        caller.engine.execute(CancelReply(turn, reply, heard_ms=100))
        _turn, second = caller.type("Two")
        await caller.reply_to_its_end(second)
    assert standin.connections[0].of("response.cancel")
    (truncated,) = standin.connections[0].of("conversation.item.truncate")
    assert truncated["audio_end_ms"] == 100
    assert text_of(caller, second) == ["Something else."]


async def test_a_reply_that_is_stopped_while_its_tools_run_takes_no_other_with_it(
    standin: Standin, archiving: None, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin.plans = [Plan(calls=(("current_time", "{}"),)), Plan("Something else.")]
    async with Caller.calling(session(tools=("current_time",)), RealtimeEngine) as caller:

        async def interrupted(tool: Any, arguments: Any, context: ToolContext) -> str:
            caller.engine.execute(CancelReply(turn, reply))
            return "It is noon."

        monkeypatch.setattr("interaction.tools.current_time.CurrentTime.run", interrupted)
        turn, reply = caller.type("What time is it?")
        await caller.until(ToolInvoked)
        _turn, second = caller.type("Never mind.")
        await caller.reply_to_its_end(second)
    assert text_of(caller, second) == ["Something else."]
    assert not text_of(caller, reply)


async def test_a_turn_without_audio_fails_and_the_next_one_is_answered(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.plans = [Plan("To nothing.", fault="empty"), Plan("To something.")]
    async with Caller.calling(session(), RealtimeEngine) as caller:
        turn = caller.open_turn(b"")
        caller.end(turn)
        assert (await caller.failure(turn)).stage == "realtime"
        second = caller.end(caller.open_turn(tone(0.5)))
        await caller.reply_to_its_end(second)
    assert text_of(caller, second) == ["To something."]


@pytest.mark.parametrize("told", ["busy", "cleared"])
async def test_a_reply_that_was_asked_for_too_early_is_asked_for_again(
    standin: Standin, archiving: None, session: Session, told: str
) -> None:
    standin.plans = [Plan(fault="hold"), Plan(fault=told), Plan("At last.")]
    async with Caller.calling(session(), RealtimeEngine) as caller:
        await_first = caller.type("One")
        await caller.until(ReplyAudio)
        caller.engine.execute(CancelReply(*await_first))
        _turn, second = caller.type("Two")
        await caller.reply_to_its_end(second)
    assert text_of(caller, second) == ["At last."]


async def test_of_replies_asked_for_too_early_the_last_one_is_asked_for_again(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.plans = [Plan(fault="linger"), Plan("At last."), Plan("And then.")]
    async with Caller.calling(session(), RealtimeEngine) as caller:
        first = caller.type("One")
        await caller.until(ReplyAudio)
        caller.engine.execute(CancelReply(*first))
        second = caller.type("Two")
        caller.engine.execute(CancelReply(*second))
        _turn, third = caller.type("Three")
        await standin.until("response.create", 3)
        await standin.lets_go()
        await caller.reply_to_its_end(third)
        _turn, fourth = caller.type("Four")
        await caller.reply_to_its_end(fourth)
    texts = [text_of(caller, reply) for reply in (second[1], third, fourth)]
    assert texts == [[], ["At last."], ["And then."]]
    assert len(standin.connections[0].of("response.create")) == 5


async def test_a_provider_that_finds_turns_interrupts_itself(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.plans = [Plan("One.", fault="hold"), Plan("Two.")]
    spec = session(turns=EngineTurnDetection("server"))
    async with Caller.calling(spec, RealtimeEngine) as caller:
        engine = caller.engine
        engine.execute(StreamAudio(tone(0.5)))
        await standin.until("input_audio_buffer.append")
        turns = [(uuid4(), uuid4()), (uuid4(), uuid4())]
        for number, (turn, reply) in enumerate(turns):
            if number == 0:
                await standin.detects("speech_started")
            else:
                await standin.is_interrupted()
            await nth(caller, EngineSpeechStarted, number)
            engine.execute(OpenTurn(turn, number + 1))
            await standin.detects("speech_stopped")
            await nth(caller, EngineSpeechStopped, number)
            engine.execute(EndTurn(turn, reply, ()))
            await standin.responds()
            await nth(caller, ReplyAudio, number)
        await caller.reply_to_its_end(turns[1][1])
    assert text_of(caller, turns[1][1]) == ["Two."]
    assert not standin.connections[0].of("response.cancel")


async def test_a_line_that_breaks_while_somebody_speaks_loses_none_of_their_words(
    standin: Standin, archiving: None, session: Session
) -> None:
    async with Caller.calling(session(), RealtimeEngine) as caller:
        turn = caller.open_turn(tone(0.5))
        await standin.until("input_audio_buffer.append", 15)
        await standin.hang_up()
        await standin.connected(2)
        caller.feed_audio(turn, tone(0.5))
        pcm = await caller.reply_to_its_end(caller.end(turn))
        words = await caller.until(FinalTranscript)
    assert words.turn_id == turn
    assert len(pcm) / 48 == pytest.approx(1_000, abs=5)
    assert pitch(pcm) == pytest.approx(440, abs=5)


async def test_a_line_that_breaks_between_turns_goes_on_with_the_last_one_as_it_was_heard(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.plans = [Plan("Hello Ada. How are you?")]
    async with Caller.calling(session(), RealtimeEngine) as caller:
        turn, reply = caller.type("I am Ada.", Message("user", "Hi."), Message("assistant", "Hi!"))
        await caller.reply_to_its_end(reply)
        facts = {"transcript": "I am Ada.", "heard_text": "Hello Ada."}
        caller.close(turn, reply, end_reason="interrupted", **facts)
        await archived(turn)
        await standin.hang_up()
        await standin.connected(2)
        _turn, second = caller.type("Who am I?")
        await caller.reply_to_its_end(second)
    assert written_items(standin, 1) == ["Hi.", "Hi!", "I am Ada.", "Hello Ada.", "Who am I?"]


async def test_a_server_that_hangs_up_on_everybody_is_not_called_without_end(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.hangs_up = True
    async with Caller.calling(session(), RealtimeEngine) as caller:
        lost = await caller.until(EngineLost)
    assert lost.code == "provider_unavailable"
    assert len(standin.connections) == 2
