"""What is wrong with a message is said in a person's words."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from interaction.edges.parley import codec

PYDANTIC = re.compile(
    r"after validation|Input should|Extra inputs|Field required|String should|\bitems\b"
)
START = {"type": "start_session"}


def complaint(**fields: Any) -> str:
    with pytest.raises(codec.InvalidMessage) as caught:
        codec.decode(text=json.dumps(fields))
    assert caught.value.code == "invalid_message"
    assert not PYDANTIC.search(caught.value.message)
    return caught.value.message


@pytest.mark.parametrize(
    "blank",
    [
        "",
        " ",
        "   ",
        "\n",
        "\t\r\n",
        "\u3000",
        "\u00a0",
        "\u200b",
        "\ufeff",
        "\u2060 \u200d",
        "\x1f",
    ],
)
def test_a_blank_text_is_nothing_to_answer(blank: str) -> None:
    assert complaint(type="text_input", text=blank) in (
        "text: There is nothing to answer: this text is empty.",
        "text: This must not be empty.",
    )


@pytest.mark.parametrize("text", [".", "?", "😊", "0", " a ", "…", "你"])
def test_anything_that_can_be_seen_may_be_answered(text: str) -> None:
    message = codec.decode(text=json.dumps({"type": "text_input", "text": text}))
    assert not isinstance(message, bytes)
    assert message.model_dump()["text"] == text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"type": "text_input", "text": "x" * 20_000},
            "text: At most 10,000 characters; 20,000 came.",
        ),
        ({"type": "text_input", "text": 5}, "text: This must be text."),
        ({"type": "text_input", "text": None}, "text: This must be text."),
        ({"type": "text_input", "text": ["a"]}, "text: This must be text."),
        ({"type": "text_input"}, "text: This field is missing."),
        ({"type": "text_input", "text": "a", "to": 1}, "to: There is no such field."),
        (
            {"type": "text_input", "text": "a\0"},
            "text: This text holds a NUL character. Leave it out.",
        ),
        (
            {"type": "playback"},
            "reply_id: This field is missing. played_ms: This field is missing.",
        ),
        ({"type": "interrupt", "heard_ms": -1}, "heard_ms: This must be at least 0."),
        ({"type": "interrupt", "heard_ms": 10**12}, "heard_ms: This must be at most 86400000."),
        ({"type": "interrupt", "heard_ms": 10**400}, "heard_ms: This must be at most 86400000."),
        ({"type": "interrupt", "heard_ms": 1.5}, "heard_ms: This must be a whole number."),
        ({"type": "interrupt", "heard_ms": "soon"}, "heard_ms: This must be a whole number."),
        ({"type": "interrupt", "heard_ms": []}, "heard_ms: This must be a whole number."),
        ({"type": "ping", "nonce": "n" * 65}, "nonce: At most 64 characters; 65 came."),
        ({"type": "audio_chunk"}, "audio: This field is missing."),
        (
            {"type": "update_session", "barge_in_enabled": "perhaps"},
            "barge_in_enabled: This must be true or false.",
        ),
        (
            {"type": "update_session", "turn_detection": 1},
            "turn_detection: This must be an object.",
        ),
        (START | {"session_id": "7"}, "session_id: This must be a UUID."),
        (START | {"mode": "phone"}, "mode: This must be 'cascade' or 'realtime'."),
        (START | {"tools": "all"}, "tools: This must be a list."),
        (START | {"tools": ["t"] * 33}, "tools: At most 32 entries; 33 came."),
        (START | {"tools": ["t" * 65]}, "tools.0: At most 64 characters; 65 came."),
        (START | {"title": "x" * 201}, "title: At most 200 characters; 201 came."),
        (START | {"recording": 7}, "recording: This must be true or false."),
        (START | {"input_sample_rate": 1}, "input_sample_rate: This must be at least 8000."),
        (
            START | {"providers": {"stt": {"nom": "x"}}},
            "providers.stt.nom: There is no such field.",
        ),
        (START | {"fallbacks": {"llm": [{}] * 5}}, "fallbacks.llm: At most 4 entries; 5 came."),
        (
            START | {"turn_detection": {"threshold": 1}},
            "turn_detection.threshold: This must be less than 1.0.",
        ),
        (
            START | {"turn_detection": {"threshold": 0}},
            "turn_detection.threshold: This must be more than 0.0.",
        ),
        (
            START | {"turn_detection": {"threshold": "loud"}},
            "turn_detection.threshold: This must be a number.",
        ),
    ],
    ids=str,
)
def test_a_sentence_names_the_field_the_limit_and_what_came(
    fields: dict[str, Any], sentence: str
) -> None:
    assert complaint(**fields) == sentence


def test_the_first_few_are_enough_and_nothing_is_quoted() -> None:
    message = complaint(
        type="text_input", text="a", **{f"secret{n}": "swordfish" for n in range(9)}
    )
    assert message.count("There is no such field.") == 5
    assert "swordfish" not in message
