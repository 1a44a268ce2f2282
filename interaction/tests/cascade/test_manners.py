"""Replies as they are asked for: written only, with the client's tools, on request, beside."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from interaction.cascade.notes import notes_key
from interaction.cascade.streams import sentence_key
from interaction.core.effects import Respond, TranscribeTurn
from interaction.core.signals import (
    FinalTranscript,
    Manner,
    Message,
    ReplyAudio,
    ReplySentence,
    ReplyText,
    ToolCalled,
    ToolSpec,
)
from interaction.engine import SessionSpec
from interaction.tests.cascade.caller import Caller, remote
from interaction.tests.cascade.test_archive import archived
from voiceproject import redis_client
from voiceproject.testing.stack import Providers, Worker

SECOND = bytes(32_000)
LIGHTS = ToolSpec("lights", "Switches the lights.", '{"type": "object", "properties": {}}')
CALL = {"name": "lights", "arguments": {}}


def ask(caller: Caller, text: str, manner: Manner, **how: bool) -> tuple[object, object]:
    turn, reply = uuid4(), uuid4()
    context = (Message("user", text),)
    caller.engine.perform(Respond(turn, 1, reply, context, manner, **how))
    return turn, reply


async def test_a_written_reply_is_the_text_piece_by_piece_and_nothing_is_spoken(
    worker: Worker, standin: Providers
) -> None:
    text = "First of all, this.\n\nThen **that**. And 👍"
    standin.always("llm", text=text)
    async with Caller.calling(remote()) as caller:
        ask(caller, "Write.", Manner(spoken=False, max_tokens=50))
        written = await caller.until(ReplyText)
        pieces = [event.text for event in caller.heard if isinstance(event, ReplySentence)]
    assert "".join(pieces) == written.text == text
    assert written.sentences == 0
    assert not standin.requests("tts")
    assert not any(isinstance(event, ReplyAudio) for event in caller.heard)
    (request,) = standin.requests("llm")
    assert request["body"]["max_completion_tokens"] == 50


async def test_a_tool_of_the_clients_is_asked_for_and_ends_the_reply(
    worker: Worker, standin: Providers
) -> None:
    standin.always("llm", calls=[CALL], text="")
    async with Caller.calling(remote()) as caller:
        _, reply = ask(caller, "Lights!", Manner(tools=(LIGHTS,), tool_choice="required"))
        called = await caller.until(ToolCalled)
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
        caller.engine.perform(Respond(uuid4(), 1, reply, context, Manner(tools=(LIGHTS,))))
        assert await caller.reply_to_its_end(reply)
        await caller.until(ToolCalled)


async def test_a_turn_transcribed_alone_is_answered_when_somebody_asks(
    worker: Worker, standin: Providers, session: Callable[..., SessionSpec]
) -> None:
    standin.always("stt", text="Good morning.")
    standin.always("llm", text="Good morning to you.")
    made = session(stt=remote().stt, llm=remote().llm, tts=remote().tts)
    async with Caller.calling(made) as caller:
        turn = caller.begin(SECOND)
        caller.engine.perform(TranscribeTurn(turn))
        final = await caller.until(FinalTranscript)
        assert (final.text, final.reply_id) == ("Good morning.", None)
        assert not standin.requests("llm")
        reply = uuid4()
        context = (Message("user", "Good morning."),)
        caller.engine.perform(Respond(turn, 1, reply, context, spoken=True))
        assert await caller.reply_to_its_end(reply)
        caller.close(turn, reply, transcript="Good morning.")
    row = await archived(turn)
    assert (row.kind, row.transcript) == ("speech", "Good morning.")
    assert row.user_audio_ms == 1_000
    assert row.agent_audio_ms


async def test_a_reply_beside_the_conversation_leaves_nothing_behind(
    worker: Worker, standin: Providers
) -> None:
    standin.always("llm", text="In sum: nothing.")
    async with Caller.calling(remote()) as caller:
        turn, reply = uuid4(), uuid4()
        context = (Message("user", "Sum up."),)
        caller.engine.perform(Respond(turn, 0, reply, context, aside=True))
        assert await caller.reply_to_its_end(reply)
    with redis_client.connect() as store:
        assert not store.exists(notes_key(turn), sentence_key(reply, 0))


async def test_a_voice_that_the_provider_has_is_used_and_another_is_not(
    worker: Worker, standin: Providers
) -> None:
    standin.always("llm", text="Hello.")
    for voice in ("coral", "nobody"):
        async with Caller.calling(remote()) as caller:
            reply = uuid4()
            context = (Message("user", "Hi."),)
            caller.engine.perform(Respond(uuid4(), 1, reply, context, Manner(voice=voice)))
            assert await caller.reply_to_its_end(reply)
    first, second = (request["body"]["voice"] for request in standin.requests("tts"))
    assert first == "coral"
    assert second not in ("nobody", "coral")
