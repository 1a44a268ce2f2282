"""Realtime mode on a whole installation without any key: this server is its own provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from interaction.audio.wav import Sound
from interaction.providers.local.demo.utterance import plain
from interaction.talk.client import Talk
from voiceproject.testing.calling import Caller, EventLog, eventually
from voiceproject.testing.installation import Installation

SAID = "what is the weather like in paris today"
TURNS = [{"kind": "vad"}, {"kind": "server"}]


@pytest.fixture(scope="module")
def alone(parley: Installation) -> Caller:
    return Caller(parley, parley.token)


@pytest.mark.parametrize("turns", TURNS, ids=lambda turns: turns["kind"])
async def test_a_conversation_with_this_server_itself_is_kept_once_as_any_other(
    alone: Caller, spoken: Callable[[str], Sound], turns: dict[str, Any]
) -> None:
    sessions_before = len(alone.get("interaction/sessions")["items"])

    async def conversation(talk: Talk, events: EventLog) -> None:
        (spoken_turn,) = await talk.speak(spoken(SAID).pcm, commit=False)
        assert spoken_turn.error is None
        assert plain(spoken_turn.transcript) == SAID
        assert spoken_turn.reply
        (typed,) = await talk.write("My name is Ada.")
        assert typed.error is None
        (known,) = await talk.write("What is my name?")
        assert "Ada" in known.reply

    events = await alone.call(conversation, mode="realtime", turn_detection=turns, recording=True)
    session_id = events.all("session_started")[0]["session_id"]

    def kept() -> list[dict[str, Any]]:
        found = alone.turns(session_id)
        return found if len(found) == 3 else []

    first, *_others = await eventually("three turns are kept", kept)
    assert {turn["mode"] for turn in (first, *_others)} == {"realtime"}
    assert plain(first["utterance"]["text"]) == SAID
    sessions = alone.get("interaction/sessions")["items"]
    assert len(sessions) == sessions_before + 1, "the inner session is not kept"
    for side in ("user", "agent"):
        status, wav = alone.request(
            "GET", f"interaction/sessions/{session_id}/turns/{first['id']}/audio?side={side}"
        )
        assert status == 200
        assert len(wav) > 10_000
    latency = first["latency"]
    assert None not in (latency["e2e"], latency["tts_ttfb"], latency["transcription_delay"])
