"""The realtime engine with Gemini Live, through the SDK, up to the rows in the history."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

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
    UsageReported,
)
from interaction.core.orders import CancelReply, EndTurn, OpenTurn, SendAudio, StreamAudio
from interaction.core.turn_taking.engine_detected import EngineTurnDetection
from interaction.core.types import Message, ProviderSelection
from interaction.models import ToolInvocation
from interaction.realtime.engine import RealtimeEngine
from interaction.tests.cascade.caller import Caller
from interaction.tests.realtime.tones import pitch, tone
from interaction.tests.standins.gemini_live import Plan, Standin
from interaction.tests.turn_records.test_archive import archived

Session = Callable[..., SessionSpec]
BY_GEMINI = {"realtime": ProviderSelection("gemini")}


async def test_a_spoken_turn_is_kept_as_a_cascades(
    gemini: Standin, archiving: None, session: Session
) -> None:
    async with Caller.calling(session(**BY_GEMINI), RealtimeEngine) as caller:
        turn = caller.open_turn(tone(1.0))
        reply = caller.end(turn)
        pcm = await caller.reply_to_its_end(reply)
        words = await caller.until(FinalTranscript)
        used = await caller.until(UsageReported)
        caller.close(turn, reply, transcript=words.text, heard_ms=1_000)
    assert pitch(pcm) == pytest.approx(440, abs=3)
    assert (used.prompt_tokens, used.completion_tokens) == (20, 10)
    row = await archived(turn)
    assert (row.mode, row.kind, row.transcript) == ("realtime", "speech", gemini.words)
    assert row.reply == "That is what you said. Is it not?"
    assert row.user_audio_ms == 1_000
    assert row.agent_audio_ms == pytest.approx(1_000, abs=5)
    with row.agent_audio.open() as file:
        assert pitch(file.read()[44:]) == pytest.approx(440, abs=3)


async def test_a_tool_is_run_here_and_kept(
    gemini: Standin, archiving: None, session: Session
) -> None:
    gemini.plans = [Plan(calls=(("current_time", {"time_zone": "Asia/Taipei"}),)), Plan("Noon.")]
    spec = session(**BY_GEMINI, tools=("current_time",))
    async with Caller.calling(spec, RealtimeEngine) as caller:
        turn, reply = caller.type("What time is it?")
        assert await caller.reply_to_its_end(reply)
        invoked = await caller.until(ToolInvoked)
        caller.close(turn, reply, kind="text")
    assert (invoked.tool, invoked.status) == ("current_time", "succeeded")
    assert "Asia/Taipei" in gemini.connections[0].memory[1]
    await archived(turn)
    assert await ToolInvocation.objects.filter(pk=invoked.invocation_id).aexists()


async def test_who_interrupts_is_answered(
    gemini: Standin, archiving: None, session: Session
) -> None:
    gemini.plans = [Plan("One two three four five.", fault="hold"), Plan("Oh.")]
    async with Caller.calling(session(**BY_GEMINI), RealtimeEngine) as caller:
        turn = caller.open_turn(tone(1.0))
        reply = caller.end(turn)
        await caller.until(ReplyAudio)
        caller.engine.execute(CancelReply(turn, reply, heard_ms=100))
        second = caller.end(caller.open_turn(tone(0.5)))
        await caller.reply_to_its_end(second)
    texts = [e.text for e in caller.events if isinstance(e, ReplyText)]
    assert texts == ["Oh."]
    assert '"One two"' in "".join(gemini.connections[0].memory)


async def test_a_provider_that_finds_turns_hears_everything(
    gemini: Standin, archiving: None, session: Session
) -> None:
    spec = session(**BY_GEMINI, turns=EngineTurnDetection("server"))
    async with Caller.calling(spec, RealtimeEngine) as caller:
        engine = caller.engine
        engine.execute(StreamAudio(tone(0.5)))
        await gemini.until("realtimeInput", inside="audio")
        await gemini.hears_speech()
        await caller.until(EngineSpeechStarted)
        turn, reply = uuid4(), uuid4()
        engine.execute(OpenTurn(turn, 1))
        engine.execute(SendAudio(turn, tone(0.5)))
        # It answers at once, before anybody has asked for it.
        await gemini.answers()
        await caller.until(EngineSpeechStopped)
        engine.execute(EndTurn(turn, reply, ()))
        assert await caller.reply_to_its_end(reply)
        assert (await caller.until(FinalTranscript)).turn_id == turn


async def test_a_server_that_goes_away_is_followed_without_a_word(
    gemini: Standin, archiving: None, session: Session
) -> None:
    async with Caller.calling(session(**BY_GEMINI), RealtimeEngine) as caller:
        _turn, first = caller.type("I am Ada.")
        await caller.reply_to_its_end(first)
        await gemini.goes_away()
        await gemini.connected(2)
        second = caller.end(caller.open_turn(tone(0.5)))
        await caller.reply_to_its_end(second)
    assert gemini.connections[1].memory[0] == "I am Ada."
    assert not [event for event in caller.events if isinstance(event, EngineLost)]


async def test_a_conversation_that_cannot_be_resumed_goes_on_with_what_was_said(
    gemini: Standin, archiving: None, session: Session
) -> None:
    gemini.handles = False
    gemini.plans = [Plan("Hello Ada."), Plan("You are Ada.")]
    async with Caller.calling(session(**BY_GEMINI), RealtimeEngine) as caller:
        turn, first = caller.type("I am Ada.")
        await caller.reply_to_its_end(first)
        facts = {"transcript": "I am Ada.", "heard_text": "Hello Ada."}
        caller.close(turn, first, kind="text", end_reason="interrupted", **facts)
        await gemini.goes_away()
        await gemini.connected(2)
        _turn, second = caller.type("Who am I?")
        await caller.reply_to_its_end(second)
    assert gemini.connections[1].memory[:3] == ["I am Ada.", "Hello Ada.", "Who am I?"]
    assert not [event for event in caller.events if isinstance(event, EngineLost)]


async def test_a_reply_that_breaks_off_costs_its_turn_alone(
    gemini: Standin, archiving: None, session: Session
) -> None:
    gemini.plans = [Plan("Hello."), Plan(fault="cut"), Plan("You are Ada.")]
    before = (Message("user", "I am Ada."), Message("assistant", "Hello."))
    async with Caller.calling(session(**BY_GEMINI), RealtimeEngine) as caller:
        _turn, first = caller.type("I am Ada.")
        await caller.reply_to_its_end(first)
        _turn, second = caller.type("Tell me more.", *before)
        assert await caller.outcome(second) == "provider_unavailable"
        _turn, third = caller.type("Who am I?", *before)
        assert await caller.reply_to_its_end(third)
    assert gemini.connections[1].memory[0] == "I am Ada."


async def test_a_bad_key_is_a_lost_engine(
    gemini: Standin, archiving: None, session: Session
) -> None:
    gemini.closes = (1007, "API key not valid. Please pass a valid API key.")
    async with Caller.calling(session(**BY_GEMINI), RealtimeEngine) as caller:
        why = await caller.until(EngineLost)
    assert (why.provider, why.code, why.retryable) == ("gemini", "provider_unauthorized", False)
