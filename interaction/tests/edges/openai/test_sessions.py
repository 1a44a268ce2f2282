"""What a client may configure, and what it is told of what holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from interaction.core.orders import Respond
from interaction.core.turn_taking.semantic import Eagerness, SemanticTurnDetection
from interaction.core.turn_taking.vad import VadTurnDetection
from interaction.edges.openai.errors import ClientError
from interaction.edges.openai.session import SERVER_VAD, Settings
from interaction.tests.edges.openai.client import Client
from interaction.tests.fakes.scripted_engine import ScriptedEngine, tone

Connect = Callable[..., Client]


def settings(**changes: Any) -> Settings:
    made = Settings("sess_1", "default", 2_000_000_000, is_transcription=False)
    made.update({"type": "realtime", **changes})
    return made


def test_absent_keeps_and_null_and_empty_clear() -> None:
    made = settings(
        instructions="Be brief.",
        tools=[{"type": "function", "name": "f"}],
        audio={"input": {"transcription": {"model": "m", "language": "en"}}},
    )
    made.update({"output_modalities": ["text"]})
    assert made.instructions == "Be brief."
    assert made.language == "en"
    made.update({"instructions": "", "tools": [], "audio": {"input": {"transcription": None}}})
    echo = made.echo()
    assert (echo["instructions"], echo["tools"]) == ("", [])
    assert echo["audio"]["input"]["transcription"] is None
    made.update({"audio": {"input": {"turn_detection": None}}})
    assert made.commits_by_client
    assert made.config().respond_when == "asked"


def test_turn_detection_is_echoed_with_every_default() -> None:
    made = settings(audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 0.8}}})
    echoed = made.echo()["audio"]["input"]["turn_detection"]
    assert echoed == {**SERVER_VAD, "threshold": 0.8}
    made.update({"audio": {"input": {"turn_detection": {"silence_duration_ms": 300}}}})
    assert made.config().turn_detection == VadTurnDetection(threshold=0.8, silence_ms=300)


@pytest.mark.parametrize("eagerness", ["low", "medium", "high", "auto"])
def test_semantic_vad_is_as_eager_as_it_is_told(eagerness: Eagerness) -> None:
    made = settings(
        audio={
            "input": {
                "turn_detection": {"type": "semantic_vad", "eagerness": eagerness},
                "transcription": {"model": "default", "language": "zh"},
            }
        }
    )
    detection = made.config().turn_detection
    assert detection == SemanticTurnDetection(eagerness=eagerness, language="zh")
    assert made.echo()["audio"]["input"]["turn_detection"]["interrupt_response"] is True


def test_what_the_beta_wrote_flat_is_understood_and_told_as_it_is_now() -> None:
    made = Settings("sess_1", "default", 2_000_000_000, is_transcription=False)
    made.update(
        {
            "modalities": ["text", "audio"],
            "voice": "verse",
            "input_audio_format": "g711_ulaw",
            "turn_detection": None,
            "input_audio_transcription": {"model": "whisper-1"},
            "temperature": 0.8,
            "max_response_output_tokens": 300,
        }
    )
    echo = made.echo()
    assert echo["output_modalities"] == ["audio"]
    assert echo["audio"]["output"]["voice"] == "verse"
    assert echo["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert echo["max_output_tokens"] == made.options().max_tokens == 300
    assert "temperature" not in echo
    assert "voice" not in echo


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"output_modalities": ["audio", "text"]}, "session.output_modalities"),
        ({"max_output_tokens": 0}, "session.max_output_tokens"),
        ({"instructions": 5}, "session.instructions"),
        ({"audio": {"output": {"speed": 9}}}, "session.audio.output.speed"),
        ({"audio": {"input": {"format": {"type": "mp3"}}}}, "session.audio.format.type"),
        (
            {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16_000}}}},
            "session.audio.format.rate",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "none"}}}},
            "session.audio.input.turn_detection",
        ),
        ({"type": "video"}, "session.type"),
        ({"audio": 7}, "session.audio"),
    ],
)
def test_a_wrong_value_is_named_and_changes_nothing(changes: dict[str, Any], param: str) -> None:
    made = settings()
    before = made.echo()
    with pytest.raises(ClientError) as wrong:
        made.update({"type": "realtime", **changes})
    assert wrong.value.param == param
    assert made.echo() == before


async def test_unknown_fields_are_ignored_and_a_wrong_value_is_an_error(connect: Connect) -> None:
    async with connect() as client:
        await client.until("session.created")
        await client.update(surprise={"a": 1}, tracing="auto", truncation="disabled")
        await client.send(
            "session.update", event_id="e1", session={"type": "realtime", "tools": "none"}
        )
        wrong = (await client.until("error"))["error"]
    assert (wrong["type"], wrong["event_id"]) == ("invalid_request_error", "e1")
    assert wrong["param"].startswith("session.tools")


async def test_the_voice_is_locked_once_the_model_has_spoken(connect: Connect) -> None:
    async with connect() as client:
        await client.until("session.created")
        await client.update(audio={"output": {"voice": "coral"}})
        await client.write("hello")
        await client.send("response.create")
        await client.until("response.done")
        await client.send(
            "session.update", session={"type": "realtime", "audio": {"output": {"voice": "ash"}}}
        )
        assert (await client.until("error"))["error"]["code"] == "cannot_update_voice"


@pytest.mark.parametrize("law", ["audio/pcmu", "audio/pcma"])
async def test_audio_leaves_in_the_format_that_was_asked_for(connect: Connect, law: str) -> None:
    async with connect() as client:
        await client.until("session.created")
        await client.update(audio={"output": {"format": {"type": law}}})
        await client.write("hello")
        await client.send("response.create")
        await client.until("response.done")
    assert len(client.audio()) == 8_000
    assert len(tone(1_000)) == 48_000


async def test_a_model_names_the_providers_and_an_unknown_one_gets_the_default(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with connect("model=pocketsphinx/openai:gpt-9/espeak") as client:
        created = await client.until("session.created")
        assert "note" not in created["session"]["x_parley"]
        await client.write("hello")
        await client.send("response.create")
        await client.until("response.done")
    (choice,) = engines[0].spec.llm
    assert (choice.name, choice.model) == ("openai", "gpt-9")
    async with connect("model=pocketsphinx/nobody/espeak") as client:
        created = await client.until("session.created")
    assert created["session"]["x_parley"]["model"] == "default"
    assert "llm" in created["session"]["x_parley"]["note"]


async def test_what_is_set_before_anything_is_said_shapes_the_session(
    connect: Connect, engines: list[ScriptedEngine]
) -> None:
    async with connect() as client:
        await client.until("session.created")
        transcription = {"model": "any", "language": "de"}
        await client.update(audio={"input": {"transcription": transcription}})
        assert not engines
        await client.write("hello")
        await client.send("response.create")
        await client.until("response.done")
    assert engines[0].spec.stt[0].language == "de"
    assert not engines[0].spec.paced
    assert any(isinstance(order, Respond) for order in engines[0].orders)
