"""Replies as they are asked for: written only, with the client's tools, on request, beside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import uuid4

import pytest
import redis

from interaction.bus import redis_keys
from interaction.bus.stage_watchdog import Job
from interaction.cascade.engine import CascadeEngine
from interaction.core.engine import Engine, SessionSpec
from interaction.core.events import (
    ClientToolCalled,
    FinalTranscript,
    PartialTranscript,
    ReplyAudio,
    ReplySentence,
    ReplyText,
    StageFailed,
    ToolInvoked,
)
from interaction.core.orders import CancelReply, EndTurn, FlushTurn, Respond, TranscribeTurn
from interaction.core.types import Message, ProviderSelection, ResponseOptions, ToolCall, ToolSpec
from interaction.tests.cascade.caller import Caller, eventually, remote, spec
from interaction.tests.turn_records.test_archive import archived
from voiceproject.testing.stack import Providers, Worker

SECOND = bytes(32_000)
LIGHTS = ToolSpec("lights", "Switches the lights.", '{"type": "object", "properties": {}}')
CALL = {"name": "lights", "arguments": {}}
OURS = {"name": "current_time", "arguments": {}}
LONG = " ".join(f"This is sentence number {number} of a long reply." for number in range(12))


def ask(caller: Caller, text: str, options: ResponseOptions, **how: bool) -> tuple[object, object]:
    turn, reply = uuid4(), uuid4()
    context = (Message("user", text),)
    caller.engine.execute(Respond(turn, 1, reply, context, options, **how))
    return turn, reply


async def test_a_written_reply_is_the_text_piece_by_piece_and_nothing_is_spoken(
    worker: Worker, standin: Providers
) -> None:
    text = "First of all, this.\n\nThen **that**. And 👍"
    standin.always("llm", text=text)
    async with Caller.calling(remote()) as caller:
        ask(caller, "Write.", ResponseOptions(spoken=False, max_tokens=50))
        written = await caller.until(ReplyText)
        pieces = [event.text for event in caller.events if isinstance(event, ReplySentence)]
    assert "".join(pieces) == written.text == text
    assert written.sentences == 0
    assert not standin.requests("tts")
    assert not any(isinstance(event, ReplyAudio) for event in caller.events)
    (request,) = standin.requests("llm")
    assert request["body"]["max_completion_tokens"] == 50


async def test_a_reply_that_is_cut_by_its_length_is_told_as_such(
    worker: Worker, standin: Providers
) -> None:
    standin.always("llm", text="one two three four")
    async with Caller.calling(remote()) as caller:
        ask(caller, "Count.", ResponseOptions(spoken=False, max_tokens=2))
        written = await caller.until(ReplyText)
    assert (written.text.strip(), written.cut) == ("one two", "length")


async def test_a_tool_of_the_clients_is_asked_for_and_ends_the_reply(
    worker: Worker, standin: Providers
) -> None:
    standin.always("llm", calls=[CALL], text="")
    async with Caller.calling(remote()) as caller:
        _, reply = ask(caller, "Lights!", ResponseOptions(tools=(LIGHTS,), tool_choice="required"))
        called = await caller.until(ClientToolCalled)
        written = await caller.until(ReplyText)
    assert (called.reply_id, called.call.name) == (reply, "lights")
    assert (written.text, written.sentences) == ("", 0)
    (request,) = standin.requests("llm")
    assert request["body"]["tool_choice"] == "required"
    assert [tool["function"]["name"] for tool in request["body"]["tools"]] == ["lights"]


async def test_words_before_a_call_are_still_spoken(worker: Worker, standin: Providers) -> None:
    standin.always("llm", calls=[CALL], text="One moment please.")
    async with Caller.calling(remote()) as caller:
        reply = uuid4()
        context = (Message("user", "Lights!"),)
        caller.engine.execute(Respond(uuid4(), 1, reply, context, ResponseOptions(tools=(LIGHTS,))))
        assert await caller.reply_to_its_end(reply)
        await caller.until(ClientToolCalled)


async def test_of_calls_made_at_once_ours_are_run_before_the_client_is_asked(
    worker: Worker, standin: Providers
) -> None:
    standin.always("llm", calls=[CALL, OURS, CALL], text="")
    async with Caller.calling(remote(tools=("current_time",))) as caller:
        ask(caller, "Lights, and the time!", ResponseOptions(tools=(LIGHTS,)))
        await caller.until(ReplyText)
        told = [type(e) for e in caller.events if isinstance(e, ToolInvoked | ClientToolCalled)]
    assert told == [ToolInvoked, ClientToolCalled, ClientToolCalled]
    (request,) = standin.requests("llm")
    names = [tool["function"]["name"] for tool in request["body"]["tools"]]
    assert names == ["current_time", "lights"]


async def test_a_tool_of_the_clients_takes_the_place_of_ours_of_the_same_name(
    worker: Worker, standin: Providers
) -> None:
    standin.always("llm", calls=[OURS], text="")
    theirs = ToolSpec("current_time", "Theirs.", LIGHTS.parameters)
    async with Caller.calling(remote(tools=("current_time",))) as caller:
        ask(caller, "What time is it?", ResponseOptions(tools=(theirs,)))
        assert (await caller.until(ClientToolCalled)).call.name == "current_time"
    (request,) = standin.requests("llm")
    (tool,) = request["body"]["tools"]
    assert tool["function"]["description"] == "Theirs."


async def test_the_client_is_not_asked_before_the_turn_is_committed(
    worker: Worker, standin: Providers
) -> None:
    standin.always("llm", calls=[CALL], text="")
    options = ResponseOptions(tools=(LIGHTS,), spoken=False)
    async with Caller.calling(remote()) as caller:
        turn, reply = caller.open_turn(SECOND), uuid4()
        caller.engine.execute(FlushTurn(turn, reply, (), options))
        await eventually(lambda: standin.requests("llm"))
        # A turn in between goes all the way through the same worker: time enough to do wrong.
        between, other = caller.type("Something else.")
        assert (await caller.failure(between)).code == "empty_reply"
        assert not [event for event in caller.events if isinstance(event, ClientToolCalled)]
        caller.engine.execute(EndTurn(turn, reply, (), flushed=True, options=options))
        assert (await caller.until(ClientToolCalled)).reply_id == reply
        assert (await caller.until(ReplyText)).reply_id == reply != other


async def test_a_spoken_turn_is_answered_in_writing_where_that_is_asked_for(
    worker: Worker, standin: Providers
) -> None:
    async with Caller.calling(remote()) as caller:
        turn, reply = caller.open_turn(SECOND), uuid4()
        caller.engine.execute(EndTurn(turn, reply, (), options=ResponseOptions(spoken=False)))
        written = await caller.until(ReplyText)
    assert (written.text, written.sentences) == ("You said: hello there.", 0)
    assert not standin.requests("tts")


async def test_a_context_may_end_with_anything(worker: Worker) -> None:
    call = Message("assistant", "", (ToolCall("call_1", "lights", "{}"),))
    contexts = (
        (),
        (Message("system", "Be brief."),),
        (Message("user", "Lights!"), call, Message("tool", '{"on": true}', tool_call_id="call_1")),
        (Message("user", ""),),
        (Message("user", "Hello."), Message("assistant", "Hello.")),
    )
    for llm in ("demo", "echo"):
        for context in contexts:
            async with Caller.calling(spec(llm=(ProviderSelection(llm),))) as caller:
                reply = uuid4()
                options = ResponseOptions(spoken=False)
                caller.engine.execute(Respond(uuid4(), 1, reply, context, options))
                assert (await caller.until(ReplyText)).text


async def test_a_turn_transcribed_alone_is_answered_when_somebody_asks(
    worker: Worker, standin: Providers, session: Callable[..., SessionSpec]
) -> None:
    standin.always("stt", text="Good morning.")
    standin.always("llm", text="Good morning to you.")
    made = session(stt=remote().stt, llm=remote().llm, tts=remote().tts)
    async with Caller.calling(made) as caller:
        turn = caller.open_turn(SECOND)
        caller.engine.execute(TranscribeTurn(turn))
        final = await caller.until(FinalTranscript)
        assert (final.text, final.reply_id) == ("Good morning.", None)
        assert not standin.requests("llm")
        reply = uuid4()
        context = (Message("user", "Good morning."),)
        caller.engine.execute(Respond(turn, 1, reply, context, spoken=True))
        assert await caller.reply_to_its_end(reply)
        caller.close(turn, reply, transcript="Good morning.")
    row = await archived(turn)
    assert (row.kind, row.transcript) == ("speech", "Good morning.")
    assert row.user_audio_ms == 1_000
    assert row.agent_audio_ms


async def test_whoever_is_lost_after_they_have_transcribed_a_turn_alone_is_not_missed(
    worker: Worker, standin: Providers
) -> None:
    async with Caller.calling(remote()) as caller:
        turn = caller.open_turn(SECOND)
        caller.engine.execute(TranscribeTurn(turn))
        await caller.until(FinalTranscript)
        await asyncio.to_thread(worker.wait_for_log, f'"stage finished".*{turn}.* stage=stt')
        lose(caller.engine, Job("stt", turn, turn))
        reply = uuid4()
        context = (Message("user", "hello there"),)
        caller.engine.execute(Respond(turn, 1, reply, context, spoken=True))
        assert await caller.reply_to_its_end(reply)
        assert not [event for event in caller.events if isinstance(event, StageFailed)]


@pytest.mark.parametrize("text", ["", "...", "[BLANK_AUDIO]"])
async def test_a_turn_of_which_nothing_is_understood_says_so(
    worker: Worker, standin: Providers, text: str
) -> None:
    standin.always("stt", text=text)
    async with Caller.calling(remote()) as caller:
        turn = caller.open_turn(SECOND)
        caller.engine.execute(TranscribeTurn(turn))
        assert (await caller.failure(turn)).code == "no_speech"


async def test_nobody_is_asked_to_answer_what_are_no_words(
    worker: Worker, standin: Providers
) -> None:
    standin.always("stt", text="(music) ...")
    async with Caller.calling(remote()) as caller:
        turn = caller.open_turn(SECOND)
        caller.end(turn)
        assert (await caller.failure(turn)).code == "no_speech"
        transcripts = (PartialTranscript, FinalTranscript)
        heard = [event for event in caller.events if isinstance(event, transcripts)]
        assert not "".join(event.text for event in heard)
    assert not standin.requests("llm")


def lose(engine: Engine, job: Job) -> None:
    """As the hub would, were the job silent for too long."""
    assert isinstance(engine, CascadeEngine)
    engine._watchdog.on_queued(job, 0, within=0)
    engine.check_stages(asyncio.get_running_loop().time(), linked=True)


async def test_a_reply_beside_the_conversation_that_is_stopped_stops_and_leaves_nothing(
    worker: Worker, standin: Providers, redis_client: redis.Redis
) -> None:
    standin.always("llm", text=LONG)
    async with Caller.calling(remote(paced=True)) as caller:
        turn, reply = uuid4(), uuid4()
        context = (Message("user", "Sum up."),)
        caller.engine.execute(Respond(turn, 0, reply, context, out_of_band=True))
        await caller.until(ReplyAudio)
        caller.engine.execute(CancelReply(turn, reply))
        await asyncio.to_thread(worker.wait_for_log, f'"response stopped".*{reply}')
        await eventually(lambda: not redis_client.exists(redis_keys.turn_notes(turn)))
        audio = redis_keys.sentence_audio(reply, 0).removesuffix("0") + "*"
        await eventually(lambda: not redis_client.keys(audio))
    assert len(standin.requests("tts")) < 6


async def test_one_that_is_stopped_at_once_is_never_made(
    worker: Worker, standin: Providers
) -> None:
    async with Caller.calling(remote()) as caller:
        turn, reply = uuid4(), uuid4()
        caller.engine.execute(
            Respond(turn, 0, reply, (Message("user", "Sum up."),), out_of_band=True)
        )
        caller.engine.execute(CancelReply(turn, reply))
        _, other = caller.type("Good morning.")
        assert await caller.reply_to_its_end(other)
        assert not [event for event in caller.events if isinstance(event, StageFailed)]
    assert len(standin.requests("llm")) == 1


async def test_a_reply_beside_the_conversation_leaves_nothing_behind(
    worker: Worker, standin: Providers, redis_client: redis.Redis
) -> None:
    standin.always("llm", text="In sum: nothing.")
    async with Caller.calling(remote()) as caller:
        turn, reply = uuid4(), uuid4()
        context = (Message("user", "Sum up."),)
        caller.engine.execute(Respond(turn, 0, reply, context, out_of_band=True))
        assert await caller.reply_to_its_end(reply)
    assert not redis_client.exists(redis_keys.turn_notes(turn), redis_keys.sentence_audio(reply, 0))


async def test_a_voice_that_the_provider_has_is_used_and_another_is_not(
    worker: Worker, standin: Providers
) -> None:
    standin.always("llm", text="Hello.")
    for voice in ("coral", "nobody"):
        async with Caller.calling(remote()) as caller:
            reply = uuid4()
            context = (Message("user", "Hi."),)
            caller.engine.execute(Respond(uuid4(), 1, reply, context, ResponseOptions(voice=voice)))
            assert await caller.reply_to_its_end(reply)
    first, second = (request["body"]["voice"] for request in standin.requests("tts"))
    assert first == "coral"
    assert second not in ("nobody", "coral")
