"""On a whole installation: providers fail, numbers are masked, tools run, a session is long."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from interaction.audio.wav import Sound
from interaction.talk.client import Talk, TalkFailed
from voiceproject.testing.calling import Caller, EventLog, eventually
from voiceproject.testing.stack import Providers

SAID = "what is the weather like in paris today"
CARD = "4111 1111 1111 1111"
CONTEXT_TURNS = 20
"""What an installation allows where nothing is set."""

Spoken = Callable[[str], Sound]


def by_standin(*stages: str) -> dict[str, Any]:
    return {stage: {"name": "openai"} for stage in stages}


async def the_turn(caller: Caller, events: EventLog, transcript: str) -> dict[str, Any]:
    """What the history has of it, once it is there."""
    session_id = events.all("session_started")[0]["session_id"]

    def found() -> list[dict[str, Any]]:
        turns = caller.turns(session_id)
        return [turn for turn in turns if turn["utterance"]["text"] == transcript]

    (turn,) = await eventually("the turn is kept", found)
    return dict(turn)


async def test_a_turn_whose_three_providers_fail_is_served_by_those_that_step_in(
    caller: Caller, standin: Providers, spoken: Spoken
) -> None:
    served = {"stt": "pocketsphinx", "llm": "echo", "tts": "espeak"}
    for stage in served:
        standin.always(stage, status=503)

    async def conversation(talk: Talk, events: EventLog) -> None:
        (turn,) = await talk.speak(spoken(SAID).pcm, commit=False)
        assert turn.error is None
        assert turn.reply == f"You said: {SAID}"

    events = await caller.call(
        conversation,
        providers=by_standin(*served),
        fallbacks={stage: [{"name": name}] for stage, name in served.items()},
    )
    answered = {event["stage"]: event["provider"] for event in events.all("provider_fallback")}
    assert answered == served
    kept = (await the_turn(caller, events, SAID))["task"]["fallbacks"]
    assert {one["stage"]: one["provider"] for one in kept} == served
    assert {one["code"] for one in kept} == {"provider_unavailable"}


@pytest.mark.parametrize("asked", [True, False], ids=["asked", "by itself"])
async def test_where_the_realtime_provider_is_not_there_the_cascade_goes_on(
    caller: Caller, asked: bool
) -> None:
    async def conversation(talk: Talk, events: EventLog) -> None:
        if asked:
            _, offer = await events.until("fallback_offered")
            assert (offer["mode"], offer["provider"]) == ("cascade", "openai")
            assert offer["code"] == "provider_unavailable"
            await talk.send("accept_fallback")
        _, changed = await events.until("mode_changed")
        assert (changed["mode"], changed["automatic"]) == ("cascade", not asked)
        await talk.write("My name is Ada.")
        (known,) = await talk.write("What is my name?")
        assert known.error is None
        assert "Ada" in known.reply

    events = await caller.call(
        conversation,
        mode="realtime",
        auto_fallback=not asked,
        providers={"realtime": {"name": "openai"}, "llm": {"name": "demo"}},
    )
    session_id = events.all("session_started")[0]["session_id"]
    turns = await eventually("two turns are kept", lambda: caller.turns(session_id)[1:])
    assert {turn["mode"] for turn in turns} == {"cascade"}


async def test_a_long_number_is_masked_for_everybody_spoken_or_typed(
    caller: Caller, standin: Providers, spoken: Spoken
) -> None:
    standin.always("stt", text=f"my card is {CARD} thank you")

    async def conversation(talk: Talk, events: EventLog) -> None:
        (heard,) = await talk.speak(spoken(SAID).pcm, commit=False)
        assert heard.transcript == "my card is [number] thank you"
        (typed,) = await talk.write(f"And once more, {CARD}.")
        assert "[number]" in typed.transcript

    events = await caller.call(conversation, providers=by_standin("stt", "llm", "tts"))
    await the_turn(caller, events, "my card is [number] thank you")
    parley = caller.parley
    files = await asyncio.to_thread(
        lambda: b"".join(path.read_bytes() for path in parley.data_dir.glob("*.sqlite3*"))
    )
    assert b"[number] thank you" in files
    asked = standin.requests("llm") + standin.requests("tts")
    for seen in (files.decode(errors="replace"), str(events.received), str(asked), *parley.output):
        assert CARD[:6] not in seen


async def test_a_tool_is_run_told_and_kept_and_another_one_hangs_up(
    caller: Caller, standin: Providers
) -> None:
    asked = {"name": "current_time", "arguments": {"time_zone": "Asia/Taipei"}}
    standin.next("llm", calls=[asked], text="")

    async def conversation(talk: Talk, events: EventLog) -> None:
        (turn,) = await talk.write("What time is it in Taipei?")
        assert turn.error is None
        standin.next("llm", calls=[{"name": "end_session", "arguments": {}}], text="Goodbye.")
        await talk.send("text_input", text="That was all.")
        await events.until("session_ended")
        await asyncio.Event().wait()

    events = EventLog()
    with pytest.raises(TalkFailed, match="ended the session"):
        await caller.call(
            conversation, events, providers=by_standin("llm"), tools=["current_time", "end_session"]
        )
    first, second = events.all("tool_invocation")
    assert (first["tool"], first["status"]) == ("current_time", "succeeded")
    assert (second["tool"], second["status"]) == ("end_session", "succeeded")
    answered = standin.requests("llm")[1]["body"]["messages"][-1]
    assert (answered["role"], answered["content"]) == ("tool", first["result"])
    assert json.loads(answered["content"])["time_zone"] == "Asia/Taipei"


async def test_a_long_sessions_context_stops_growing_and_keeps_its_prompt(
    caller: Caller, standin: Providers
) -> None:
    standin.always("llm", text="Yes.")
    turns = CONTEXT_TURNS + 4

    async def conversation(talk: Talk, events: EventLog) -> None:
        for number in range(turns):
            await talk.write(f"This is number {number}.")

    await caller.call(conversation, providers=by_standin("llm", "tts"), system_prompt="Say yes.")
    contexts = [request["body"]["messages"] for request in standin.requests("llm")]
    assert len(contexts) == turns
    sizes = [len(context) for context in contexts]
    assert sizes[:3] == [2, 4, 6]
    assert sizes[-3:] == [2 + 2 * CONTEXT_TURNS] * 3
    for number, context in enumerate(contexts):
        assert context[0] == {"role": "system", "content": "Say yes."}
        assert context[-1] == {"role": "user", "content": f"This is number {number}."}
