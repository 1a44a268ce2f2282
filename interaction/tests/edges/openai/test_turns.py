"""Turns in OpenAI's protocol, event by event, in the order that its clients expect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from interaction.audio import wav
from interaction.core.orders import DropTurn, EndTurn, Respond, SendAudio
from interaction.models import Session
from interaction.tests.edges.openai.client import Client
from interaction.tests.fakes.scripted_engine import TRANSCRIPT, ScriptedEngine, tone

Connect = Callable[..., Client]
Spoken = Callable[[str], wav.Sound]
SILENCE = bytes(32_000)
SPOKEN_REPLY = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]
WITH_WORDS = {"audio": {"input": {"transcription": {"model": "any"}}}}


async def test_an_audio_turn_with_server_vad(
    connect: Connect, spoken: Spoken, engines: list[ScriptedEngine]
) -> None:
    async with connect("model=gpt-realtime") as client:
        created = await client.until("session.created")
        await client.update(**WITH_WORDS)
        await client.say(spoken(TRANSCRIPT).pcm + SILENCE)
        done = await client.until("rate_limits.updated")
    assert done
    assert client.types() == [
        "session.created",
        "session.updated",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
        *SPOKEN_REPLY,
    ]
    started, stopped, committed = (
        client.of(f"input_audio_buffer.{name}")[0]
        for name in ("speech_started", "speech_stopped", "committed")
    )
    assert started["item_id"] == stopped["item_id"] == committed["item_id"]
    assert 0 <= started["audio_start_ms"] < stopped["audio_end_ms"] <= 4_000
    (words,) = client.of("conversation.item.input_audio_transcription.completed")
    assert (words["item_id"], words["transcript"]) == (committed["item_id"], TRANSCRIPT)
    response = client.of("response.done")[0]["response"]
    assert response["status"] == "completed"
    (item,) = response["output"]
    assert item["content"] == [{"type": "output_audio", "transcript": f"You said: {TRANSCRIPT}."}]
    assert client.audio() == tone(1_000)
    assert response["x_parley"]["latency"]["llm_ttft"] == 12.5
    assert created["session"]["x_parley"]["note"]
    row = await Session.objects.aget(pk=engines[0].spec.session_id)
    assert (row.mode, row.end_reason) == ("cascade", "client_left")


async def test_a_text_turn(connect: Connect, engines: list[ScriptedEngine]) -> None:
    async with connect() as client:
        await client.until("session.created")
        await client.update(output_modalities=["text"], instructions="Be brief.")
        await client.write("Say something mute")
        await client.send("response.create", response={"metadata": {"topic": "greeting"}})
        done = await client.until("response.done")
        await client.until("rate_limits.updated")
    assert client.types()[2:] == [
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "response.done",
        "rate_limits.updated",
    ]
    assert done["response"]["metadata"] == {"topic": "greeting"}
    (order,) = (o for o in engines[0].orders if isinstance(o, Respond))
    assert [m.content for m in order.context] == ["Be brief.", "Say something mute"]
    assert not order.options.spoken


async def test_a_function_is_called_and_its_result_answered(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    tool = {"type": "function", "name": "lights", "parameters": {"type": "object"}}
    async with connect() as client:
        await client.until("session.created")
        await client.update(tools=[tool], tool_choice="required")
        await client.write("call lights")
        await client.send("response.create")
        done = await client.until("response.done")
        assert client.types()[4:] == [
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
        ]
        (call,) = done["response"]["output"]
        assert (call["type"], call["name"], call["status"]) == (
            "function_call",
            "lights",
            "completed",
        )
        output = {
            "type": "function_call_output",
            "call_id": call["call_id"],
            "output": "they are on",
        }
        await client.send("conversation.item.create", item=output)
        await client.send("response.create")
        answered = await client.until("response.done")
    assert answered["response"]["status"] == "completed"
    first, second = (o for o in engines[0].orders if isinstance(o, Respond))
    assert first.options.tools[0].name == "lights"
    assert first.options.tool_choice == "required"
    assert [m.role for m in second.context] == ["user", "assistant", "tool"]
    assert second.context[-1].content == "they are on"


async def test_a_listeners_word_is_no_speech_that_the_client_is_told_of(
    connect: Connect, spoken: Spoken, engines: list[ScriptedEngine]
) -> None:
    async with connect() as client:
        await client.until("session.created")
        await client.write("hold on")
        await client.send("response.create")
        await client.until("response.created")
        engine = engines[0]
        (order,) = (o for o in engine.orders if isinstance(o, Respond))
        engine.emit_reply(order.reply_id, "One two three four.", 4, last=False)
        await client.until("response.output_audio.delta")
        await client.say(SILENCE + spoken("right").pcm + SILENCE)
        content = [{"type": "input_text", "text": "mute talk"}]
        aside = {
            "conversation": "none",  # it follows the audio
            "output_modalities": ["text"],
            "input": [{"type": "message", "role": "user", "content": content}],
        }
        await client.send("response.create", response=aside)
        await client.until("response.done")
        assert any(isinstance(order, DropTurn) for order in engine.orders)
        engine.emit_reply(order.reply_id, "One two three four.", 1)
        done = await client.until("response.done")
        assert done["response"]["status"] == "completed"
        assert "input_audio_buffer.speech_started" not in client.types()


async def test_speech_interrupts_and_the_client_truncates_what_was_not_heard(
    connect: Connect, spoken: Spoken, engines: list[ScriptedEngine]
) -> None:
    async with connect() as client:
        await client.until("session.created")
        await client.write("hold on")
        await client.send("response.create")
        await client.until("response.created")
        engine = engines[0]
        (order,) = (o for o in engine.orders if isinstance(o, Respond))
        engine.emit_reply(order.reply_id, "One two three four.", 4, last=False)
        delta = await client.until("response.output_audio.delta")
        await client.say(spoken(TRANSCRIPT).pcm)
        cancelled = await client.until("response.done")
        types = client.types()
        response = cancelled["response"]
        assert response["status"] == "cancelled"
        assert response["status_details"] == {
            "type": "cancelled",
            "reason": "turn_detected",
            "error": None,
        } or response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        started = types.index("input_audio_buffer.speech_started")
        assert types[started:] == [
            "input_audio_buffer.speech_started",
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
        ]
        assert response["output"][0]["status"] == "incomplete"
        item = delta["item_id"]
        await client.send(
            "conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=2_000
        )
        truncated = await client.until("conversation.item.truncated")
        assert truncated["audio_end_ms"] == 2_000
        await client.send("conversation.item.retrieve", item_id=item)
        kept = (await client.until("conversation.item.retrieved"))["item"]
        assert kept["content"][0]["transcript"] == "One two"
        await client.say(SILENCE)
        await client.until("input_audio_buffer.committed")
        late = [e for e in client.got[client.got.index(cancelled) :] if "audio.delta" in e["type"]]
        assert not [e for e in late if e["response_id"] == response["id"]]
        await client.until("response.done")
    (end,) = (o for o in engine.orders if isinstance(o, EndTurn))
    assert [m.content for m in end.context] == ["hold on", "One two"]


async def test_a_turn_committed_by_hand_is_answered_on_request(
    connect: Connect, spoken: Spoken
) -> None:
    by_hand: dict[str, Any] = {"audio": {"input": {"turn_detection": None}}}
    async with connect() as client:
        await client.until("session.created")
        session = await client.update(**by_hand)
        assert session["audio"]["input"]["turn_detection"] is None
        await client.say(spoken(TRANSCRIPT).pcm)
        await client.send("input_audio_buffer.commit")
        await client.send("response.create")
        done = await client.until("response.done")
    assert "input_audio_buffer.speech_started" not in client.types()
    assert done["response"]["output"][0]["content"][0]["transcript"] == f"You said: {TRANSCRIPT}."
    assert client.types().count("response.created") == 1


async def test_where_nobody_finds_turns_speech_stops_no_response(
    connect: Connect, spoken: Spoken, engines: list[ScriptedEngine]
) -> None:
    by_hand: dict[str, Any] = {"audio": {"input": {"turn_detection": None}}}
    async with connect() as client:
        await client.until("session.created")
        await client.update(**by_hand)
        await client.write("hold on")
        await client.send("response.create")
        await client.until("response.created")
        (order,) = (o for o in engines[0].orders if isinstance(o, Respond))
        engines[0].emit_reply(order.reply_id, "One two three four.", 4, last=False)
        await client.until("response.output_audio.delta")
        await client.say(spoken(TRANSCRIPT).pcm)
        await client.send("conversation.item.retrieve", item_id="none")
        await client.until("error")
        assert "response.done" not in client.types()
        await client.send("response.cancel")
        done = await client.until("response.done")
        assert done["response"]["status_details"]["reason"] == "client_cancelled"
        await client.send("input_audio_buffer.commit")
        await client.send("response.create")
        done = await client.until("response.done")
    assert done["response"]["output"][0]["content"][0]["transcript"] == f"You said: {TRANSCRIPT}."


async def test_what_is_committed_by_hand_is_recognised_though_nobody_seems_to_speak(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    by_hand = {"turn_detection": None, **WITH_WORDS["audio"]["input"]}
    async with connect() as client:
        await client.until("session.created")
        await client.update(audio={"input": by_hand})
        await client.append(tone(500))
        await client.send("input_audio_buffer.commit")
        await client.until("conversation.item.input_audio_transcription.completed")
    (engine,) = engines
    sent = [order.pcm for order in engine.orders if isinstance(order, SendAudio)]
    assert len(b"".join(sent)) == pytest.approx(0.5 * 32_000, rel=0.1)


async def test_a_response_that_reached_its_length_is_incomplete(connect: Connect) -> None:
    async with connect() as client:
        await client.until("session.created")
        await client.update(output_modalities=["text"], max_output_tokens=2)
        await client.write("cut")
        await client.send("response.create")
        response = (await client.until("response.done"))["response"]
    assert response["status"] == "incomplete"
    assert response["status_details"]["reason"] == "max_output_tokens"


async def test_a_response_can_be_cancelled(connect: Connect, engines: list[ScriptedEngine]) -> None:
    async with connect() as client:
        await client.until("session.created")
        await client.write("hold on")
        await client.send("response.create")
        await client.until("response.created")
        await client.send("response.cancel")
        done = await client.until("response.done")
        assert done["response"]["status_details"]["reason"] == "client_cancelled"
        await client.send("response.cancel", event_id="mine")
        wrong = (await client.until("error"))["error"]
    assert (wrong["code"], wrong["event_id"]) == ("response_cancel_not_active", "mine")


async def test_a_response_beside_the_conversation_leaves_no_item(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with connect() as client:
        await client.until("session.created")
        await client.write("hold on")
        await client.send("response.create")
        await client.until("response.created")
        out_of_band = {
            "conversation": "none",
            "output_modalities": ["text"],
            "metadata": {"for": "title"},
            "instructions": "Name this.",
            "input": [
                {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": "mute talk"}],
                }
            ],
        }
        await client.send("response.create", response=out_of_band)
        done = await client.until("response.done")
        assert done["response"]["metadata"] == {"for": "title"}
        assert done["response"]["conversation_id"] is None
        await client.send("response.create", event_id="second")
        refused = (await client.until("error"))["error"]
    assert refused["code"] == "conversation_already_has_active_response"
    _, order = (o for o in engines[0].orders if isinstance(o, Respond))
    assert order.out_of_band
    assert [m.content for m in order.context] == ["Name this.", "mute talk"]


async def test_a_failed_reply_is_a_failed_response_and_the_session_goes_on(
    connect: Connect,
) -> None:
    async with connect() as client:
        await client.until("session.created")
        await client.write("please fail")
        await client.send("response.create")
        failed = (await client.until("response.done"))["response"]
        assert failed["status"] == "failed"
        assert failed["status_details"]["error"]["code"] == "provider_timeout"
        await client.write("hello")
        await client.send("response.create")
        assert (await client.until("response.done"))["response"]["status"] == "completed"


async def test_a_transcription_session_writes_down_and_does_not_answer(
    connect: Connect, spoken: Spoken
) -> None:
    async with connect("intent=transcription") as client:
        created = await client.until("session.created")
        assert created["session"]["type"] == "transcription"
        await client.say(spoken(TRANSCRIPT).pcm + SILENCE)
        words = await client.until("conversation.item.input_audio_transcription.completed")
        await client.send("response.create")
        assert (await client.until("error"))["error"]["type"] == "invalid_request_error"
    assert words["transcript"] == TRANSCRIPT
    assert words["usage"]["type"] == "duration"
    assert "response.created" not in client.types()
