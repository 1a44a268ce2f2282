"""The realtime engine with OpenAI's protocol, through the SDK, up to the rows in the history."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from interaction.core.engine import SessionSpec
from interaction.core.events import (
    EngineLost,
    EngineSpeechStarted,
    EngineSpeechStopped,
    FinalTranscript,
    PartialTranscript,
    ReplyAudio,
    ReplySentence,
    ReplyText,
    SessionEndRequested,
    StageFailed,
    ToolInvoked,
    UsageReported,
)
from interaction.core.orders import CancelReply, EndTurn, OpenTurn, Respond, SendAudio, StreamAudio
from interaction.core.turn_taking.engine_detected import EngineTurnDetection
from interaction.core.types import Message, ProviderSelection
from interaction.models import ToolInvocation
from interaction.providers.endpoints import NamedEndpoint
from interaction.realtime.engine import RealtimeEngine
from interaction.tests.cascade.caller import Caller
from interaction.tests.realtime.tones import pitch, tone
from interaction.tests.standins.openai_realtime import Plan, Standin
from interaction.tests.turn_records.test_archive import archived

Session = Callable[..., SessionSpec]
CREATE = "conversation.item.create"
SERVER_VAD = EngineTurnDetection("server", silence_ms=400)


async def test_a_spoken_turn_is_answered_in_speech_and_kept_as_a_cascades(
    standin: Standin, archiving: None, session: Session
) -> None:
    async with Caller.calling(session(), RealtimeEngine) as caller:
        turn = caller.open_turn(tone(1.0))
        reply = caller.end(turn)
        pcm = await caller.reply_to_its_end(reply)
        words = await caller.until(FinalTranscript)
        used = await caller.until(UsageReported)
        caller.close(turn, reply, transcript=words.text, heard_ms=1_000)
    assert pitch(pcm) == pytest.approx(440, abs=3)
    assert len(pcm) / 48 == pytest.approx(1_000, abs=5)
    assert words.text == standin.words
    assert await caller.until(PartialTranscript)
    written = await caller.until(ReplyText)
    sentences = [event.text for event in caller.events if isinstance(event, ReplySentence)]
    assert sentences == ["That is what you said.", "Is it not?"]
    assert (written.text, written.sentences) == ("That is what you said. Is it not?", 2)
    assert (used.prompt_tokens, used.completion_tokens) == (20, 10)
    (connection,) = standin.connections
    (update,) = connection.of("session.update")
    assert connection.path == "/v1/realtime?model=gpt-realtime-2.1"
    assert update["session"]["instructions"] == "Be brief."
    assert update["session"]["audio"]["input"]["turn_detection"] is None
    assert update["session"]["audio"]["output"]["voice"] == "coral"
    row = await archived(turn)
    assert (row.mode, row.kind, row.transcript) == ("realtime", "speech", standin.words)
    assert row.reply == written.text
    assert row.user_audio_ms == 1_000
    assert row.agent_audio_ms == pytest.approx(1_000, abs=5)
    assert row.latency.tts_ttfb is not None
    with row.user_audio.open() as file:
        assert pitch(file.read()[44:], 16_000) == pytest.approx(440, abs=3)


async def test_a_named_endpoint_answers_with_its_own_key_and_voice(
    standin: Standin, archiving: None, session: Session, settings: Any
) -> None:
    far = NamedEndpoint(
        name="far",
        base_url=standin.url,
        api_key=SecretStr("far-key"),
        models={"realtime": ("far-1",)},
    )
    settings.ENV = settings.ENV.model_copy(update={"parley_endpoints": (far,)})
    spec = session(realtime=ProviderSelection("endpoint:far"))
    async with Caller.calling(spec, RealtimeEngine) as caller:
        turn = caller.open_turn(tone(1.0))
        reply = caller.end(turn)
        assert await caller.reply_to_its_end(reply)
    (connection,) = standin.connections
    (update,) = connection.of("session.update")
    assert connection.path == "/v1/realtime?model=far-1"
    assert connection.headers["Authorization"] == "Bearer far-key"
    assert "voice" not in update["session"]["audio"]["output"]


async def test_a_typed_turn_goes_along_as_text(
    standin: Standin, archiving: None, session: Session
) -> None:
    async with Caller.calling(session(), RealtimeEngine) as caller:
        _turn, reply = caller.type("Good morning.", Message("system", "Be brief."))
        assert await caller.reply_to_its_end(reply)
    item = (await standin.until("conversation.item.create"))["item"]
    assert item["content"] == [{"type": "input_text", "text": "Good morning."}]


async def test_a_tool_is_run_here_and_its_result_is_answered(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.plans = [Plan(calls=(("current_time", '{"time_zone": "Asia/Taipei"}'),)), Plan()]
    spec = session(tools=("current_time", "end_session"))
    async with Caller.calling(spec, RealtimeEngine) as caller:
        turn, reply = caller.type("What time is it?")
        assert await caller.reply_to_its_end(reply)
        invoked = await caller.until(ToolInvoked)
        caller.close(turn, reply, kind="text")
    assert (invoked.tool, invoked.status) == ("current_time", "succeeded")
    update = await standin.until("session.update")
    assert [tool["name"] for tool in update["session"]["tools"]] == list(spec.tools)
    output = (await standin.until("conversation.item.create", 2))["item"]
    assert output["type"] == "function_call_output"
    assert json.loads(output["output"])["time_zone"] == "Asia/Taipei"
    await archived(turn)
    assert await ToolInvocation.objects.filter(pk=invoked.invocation_id).aexists()


async def test_a_tool_may_end_the_session(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.plans = [Plan(calls=(("end_session", "{}"),)), Plan("Goodbye.")]
    async with Caller.calling(session(tools=("end_session",)), RealtimeEngine) as caller:
        _turn, reply = caller.type("That is all.")
        assert await caller.reply_to_its_end(reply)
        assert (await caller.until(SessionEndRequested)).reply_id == reply


async def test_an_interrupted_reply_is_cut_to_what_was_heard_and_the_next_one_is_its_own(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.plans = [Plan(fault="hold"), Plan("Something else.")]
    async with Caller.calling(session(), RealtimeEngine) as caller:
        turn = caller.open_turn(tone(1.0))
        reply = caller.end(turn)
        await caller.until(ReplyAudio)
        caller.engine.execute(CancelReply(turn, reply, heard_ms=120))
        truncated = await standin.until("conversation.item.truncate")
        assert truncated["audio_end_ms"] == 120
        assert await standin.until("response.cancel")
        _turn, second = caller.type("And now?")
        assert await caller.reply_to_its_end(second)
    texts = [e.text for e in caller.events if isinstance(e, ReplyText)]
    assert texts == ["Something else."]


async def test_no_more_is_truncated_than_was_said(
    standin: Standin, archiving: None, session: Session
) -> None:
    async with Caller.calling(session(), RealtimeEngine) as caller:
        turn = caller.open_turn(tone(1.0))
        reply = caller.end(turn)
        await caller.reply_to_its_end(reply)
        caller.engine.execute(CancelReply(turn, reply, heard_ms=60_000))
        truncated = await standin.until("conversation.item.truncate")
    assert truncated["audio_end_ms"] <= 1_005
    assert not standin.connections[0].of("response.cancel")


async def test_a_reply_called_off_before_it_began_is_cancelled_when_it_does(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.plans = [Plan("Too late."), Plan("In time.")]
    async with Caller.calling(session(), RealtimeEngine) as caller:
        turn, reply = caller.type("One")
        caller.engine.execute(CancelReply(turn, reply))
        _turn, second = caller.type("Two")
        assert await caller.outcome(second) == "answered"
    assert not [e for e in caller.events if isinstance(e, ReplyAudio) and e.reply_id == reply]


async def test_a_transcript_that_comes_late_belongs_to_its_turn(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.plans = [Plan(late_words=True)]
    async with Caller.calling(session(), RealtimeEngine) as caller:
        turn = caller.open_turn(tone(0.5))
        reply = caller.end(turn)
        await caller.reply_to_its_end(reply)
        words = await caller.until(FinalTranscript)
    kinds = [type(event) for event in caller.events]
    assert kinds.index(ReplyAudio) < kinds.index(FinalTranscript)
    assert words.turn_id == turn


async def test_long_numbers_are_masked_in_what_the_provider_heard(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.words = "my card is 4111 1111 1111 1111"
    async with Caller.calling(session(), RealtimeEngine) as caller:
        reply = caller.end(caller.open_turn(tone(0.5)))
        await caller.reply_to_its_end(reply)
        words = await caller.until(FinalTranscript)
    assert words.text == "my card is [number]"


async def test_a_provider_that_finds_turns_hears_everything_and_says_where_they_lie(
    standin: Standin, archiving: None, session: Session
) -> None:
    async with Caller.calling(session(turns=SERVER_VAD), RealtimeEngine) as caller:
        engine = caller.engine
        engine.execute(StreamAudio(tone(0.5)))
        await standin.until("input_audio_buffer.append")
        update = (await standin.until("session.update"))["session"]["audio"]["input"]
        assert update["turn_detection"]["type"] == "server_vad"
        assert update["turn_detection"]["silence_duration_ms"] == 400
        await standin.detects("speech_started")
        await caller.until(EngineSpeechStarted)
        turn, reply = uuid4(), uuid4()
        engine.execute(OpenTurn(turn, 1))
        engine.execute(SendAudio(turn, tone(0.5)))
        await standin.detects("speech_stopped")
        await caller.until(EngineSpeechStopped)
        # The provider answers at once, before anybody has asked for it.
        await standin.responds()
        engine.execute(EndTurn(turn, reply, ()))
        assert await caller.reply_to_its_end(reply)
        assert (await caller.until(FinalTranscript)).turn_id == turn
    assert not standin.connections[0].of("input_audio_buffer.commit")


async def lost(caller: Caller) -> EngineLost:
    return await caller.until(EngineLost)


async def test_a_server_that_refuses_is_a_lost_engine(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.refuses = 401
    async with Caller.calling(session(), RealtimeEngine) as caller:
        why = await lost(caller)
    assert (why.provider, why.code, why.retryable) == ("openai", "provider_unauthorized", False)


async def test_a_server_that_is_away_is_a_lost_engine_and_serves_when_it_is_back(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.refuses = 503
    async with Caller.calling(session(), RealtimeEngine) as caller:
        assert (await lost(caller)).code == "provider_unavailable"
        standin.refuses = None
        _turn, reply = caller.type("Are you there?", Message("user", "I am Ada."))
        assert await caller.reply_to_its_end(reply)
    texts = [event["item"]["content"][0]["text"] for event in standin.connections[-1].of(CREATE)]
    assert texts == ["I am Ada.", "Are you there?"]


async def test_a_line_that_breaks_costs_a_turn_and_goes_on_with_what_was_said(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.plans = [Plan("Hello Ada."), Plan(fault="cut"), Plan("You are Ada.")]
    before = (Message("user", "I am Ada."), Message("assistant", "Hello Ada."))
    async with Caller.calling(session(), RealtimeEngine) as caller:
        _turn, first = caller.type("I am Ada.")
        await caller.reply_to_its_end(first)
        _turn, second = caller.type("Tell me more.", *before)
        assert await caller.outcome(second) == "provider_unavailable"
        _turn, third = caller.type("Who am I?", *before)
        assert await caller.reply_to_its_end(third)
    assert len(standin.connections) == 2
    assert not [event for event in caller.events if isinstance(event, EngineLost)]
    texts = [event["item"]["content"][0]["text"] for event in standin.connections[1].of(CREATE)]
    assert texts == ["I am Ada.", "Hello Ada.", "Who am I?"]


async def test_a_response_that_fails_costs_its_turn_alone(
    standin: Standin, archiving: None, session: Session
) -> None:
    standin.plans = [Plan(fault="fail"), Plan()]
    async with Caller.calling(session(), RealtimeEngine) as caller:
        turn, reply = caller.type("One")
        failed = await caller.failure(turn)
        assert (failed.stage, failed.code) == ("realtime", "provider_rate_limited")
        assert failed.reply_id == reply
        _turn, second = caller.type("Two")
        assert await caller.reply_to_its_end(second)
    assert len(standin.connections) == 1


@pytest.mark.parametrize("fault", ["garbage", "null"])
async def test_what_cannot_be_understood_costs_a_turn_and_not_the_connection(
    standin: Standin,
    archiving: None,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    monkeypatch.setattr("interaction.realtime.engine.RESPONSE_TIMEOUT", 0.2)
    standin.plans = [Plan(fault=fault), Plan()]
    async with Caller.calling(session(), RealtimeEngine) as caller:
        turn, _reply = caller.type("One")
        failed: StageFailed = await caller.failure(turn)
        assert failed.code == "provider_timeout"
        monkeypatch.setattr("interaction.realtime.engine.RESPONSE_TIMEOUT", 20.0)
        _turn, second = caller.type("Two")
        assert await caller.reply_to_its_end(second)


async def test_a_provider_that_says_nothing_is_not_waited_for_long(
    standin: Standin, archiving: None, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interaction.realtime.engine.RESPONSE_TIMEOUT", 0.2)
    standin.plans = [Plan(fault="silent"), Plan()]
    async with Caller.calling(session(), RealtimeEngine) as caller:
        turn, _reply = caller.type("One")
        failed: StageFailed = await caller.failure(turn)
        assert failed.code == "provider_timeout"
        monkeypatch.setattr("interaction.realtime.engine.RESPONSE_TIMEOUT", 20.0)
        _turn, second = caller.type("Two")
        assert await caller.reply_to_its_end(second)


async def test_without_recording_no_audio_is_kept(
    standin: Standin, archiving: None, session: Session
) -> None:
    async with Caller.calling(session(recording=False), RealtimeEngine) as caller:
        turn = caller.open_turn(tone(0.5))
        reply = caller.end(turn)
        await caller.reply_to_its_end(reply)
        caller.close(turn, reply)
    row = await archived(turn)
    assert (row.user_audio_ms, row.agent_audio_ms) == (None, None)
    assert row.reply


async def test_orders_of_a_session_that_was_taken_over_begin_with_what_was_said(
    standin: Standin, archiving: None, session: Session
) -> None:
    history = (Message("user", "I am Ada."), Message("assistant", "Hello Ada."))
    async with Caller.calling(session(history=history), RealtimeEngine) as caller:
        turn, reply = UUID(int=1), UUID(int=2)
        context = (*history, Message("user", "Who am I?"))
        caller.engine.execute(Respond(turn, 3, reply, context))
        assert await caller.reply_to_its_end(reply)
    kinds = [event["item"]["content"][0]["type"] for event in standin.connections[0].of(CREATE)]
    assert kinds == ["input_text", "output_text", "input_text"]
