"""Half an emoji in a delta: what a provider hands on is valid text all the same."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from interaction.core.types import Message, ToolCall, ToolSpec
from interaction.providers.stage_protocols import Transcript
from interaction.tests.providers.adapters import SAID, STANDINS, Adapter

HIGH, LOW = "\ud83d", "\ude00"
"""The halves of 😀 in UTF-16, as a server's JSON escapes them: ``\\ud83d``, ``\\ude00``."""
CASES = [
    pytest.param(("Hi ", HIGH, LOW, "!"), "Hi 😀!", id="in two deltas"),
    pytest.param((f"Hi {HIGH}", f"{LOW}!"), "Hi 😀!", id="between words"),
    pytest.param(("Hi ", HIGH, " there"), "Hi \ufffd there", id="alone"),
    pytest.param(("Hi ", LOW, " there"), "Hi \ufffd there", id="the second half alone"),
    pytest.param(("Hi ", HIGH), "Hi \ufffd", id="at the end"),
    pytest.param((HIGH,), "\ufffd", id="nothing else"),
    pytest.param((HIGH, HIGH, LOW), "\ufffd😀", id="twice the first half"),
]
TOOL = ToolSpec("react", "Reacts.", '{"type": "object", "properties": {"with": {}}}')


async def made(kind: Any, name: str) -> AsyncIterator[Adapter]:
    async with STANDINS[kind, name]() as server:
        adapter = Adapter(kind, name, server)
        adapter.provider = adapter.make()
        yield adapter
        await adapter.provider.aclose()


@pytest.fixture(params=[name for kind, name in STANDINS if kind == "llm"])
async def model(request: pytest.FixtureRequest) -> AsyncIterator[Adapter]:
    async for adapter in made("llm", request.param):
        yield adapter


@pytest.fixture(params=[name for kind, name in STANDINS if kind == "stt"])
async def ear(request: pytest.FixtureRequest) -> AsyncIterator[Adapter]:
    async for adapter in made("stt", request.param):
        yield adapter


@pytest.mark.parametrize(("deltas", "text"), CASES)
async def test_a_reply_is_valid_text(model: Adapter, deltas: tuple[str, ...], text: str) -> None:
    model.server.script("llm", deltas=deltas)
    pieces = [piece for piece in await model.ask() if isinstance(piece, str)]
    assert "".join(pieces) == text
    for piece in pieces:
        assert piece.encode()


@pytest.mark.parametrize(("deltas", "text"), CASES)
async def test_transcripts_are_valid_text(ear: Adapter, deltas: tuple[str, ...], text: str) -> None:
    ear.server.script("stt", text="".join(deltas), deltas=deltas)
    transcripts = await ear.ask()
    assert transcripts[-1] == Transcript(text, final=True)
    for transcript in transcripts:
        assert text.startswith(transcript.text.rstrip("\ufffd"))
        transcript.text.encode()


async def test_a_transcript_that_comes_whole_is_valid_text() -> None:
    async for ear in made("stt", "openai"):
        ear.server.script("stt", fault="whole", text=f"Hi {HIGH}")
        assert await ear.ask() == [Transcript("Hi \ufffd", final=True)]


@pytest.mark.parametrize(
    ("pieces", "value"),
    [
        (('{"with": "', HIGH, LOW, '"}'), "😀"),
        (('{"with": "', HIGH, '"}'), "\ufffd"),
        (('{"with": "\\ud83d', '\\ude00"}'), "😀"),
        (('{"with": "\\ud83d', '"}'), "\ufffd"),
        (('{"with": "\\ude00', '"}'), "\ufffd"),
        (('{"with": "\\\\ud83d', '"}'), "\\ud83d"),
    ],
    ids=["halves", "a half", "escaped halves", "an escaped half", "the second", "no escape"],
)
async def test_arguments_of_a_tool_are_valid_text(
    model: Adapter, pieces: tuple[str, ...], value: str
) -> None:
    call: dict[str, Any] = {"name": "react", "pieces": pieces}
    if model.name == "gemini":  # its arguments come as an object
        call["arguments"] = json.loads("".join(pieces))
    model.server.script("llm", calls=(call,))
    answer = model.provider.complete([Message("user", SAID)], [TOOL])
    (made,) = [piece async for piece in answer if isinstance(piece, ToolCall)]
    made.arguments.encode()
    (given,) = json.loads(made.arguments).values()
    assert given == value
