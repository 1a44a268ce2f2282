"""Half an emoji in a delta of a realtime provider: what it hands on is valid text all the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import pytest

from interaction.core.types import ToolSpec
from interaction.providers.config import ProviderConfig
from interaction.providers.realtime_protocol import (
    InputTranscript,
    OutputTranscript,
    RealtimeEvent,
    RealtimeSessionConfig,
    ResponseDone,
)
from interaction.providers.registry import load
from interaction.tests.realtime.tones import tone
from interaction.tests.standins import gemini_live, openai_realtime

HIGH, LOW = "\ud83d", "\ude00"
"""The halves of 😀 in UTF-16."""
TOOL = ToolSpec("react", "Reacts.", '{"type": "object", "properties": {"with": {}}}')
Standin = gemini_live.Standin | openai_realtime.Standin
Turn = Callable[[], Awaitable[list[RealtimeEvent]]]


@pytest.fixture(params=["openai", "gemini"])
def server(request: pytest.FixtureRequest) -> Standin:
    name = {"openai": "standin", "gemini": "gemini"}[request.param]
    found: Standin = request.getfixturevalue(name)
    return found


@pytest.fixture
async def turn(server: Standin) -> AsyncIterator[Turn]:
    """A spoken turn: every event until its response is done."""
    name = "gemini" if isinstance(server, gemini_live.Standin) else "openai"
    model = load("realtime", ProviderConfig(name, base_url=server.url, api_key="key"))
    connection = await model.open(RealtimeSessionConfig("Be brief.", tools=(TOOL,)))

    async def turn() -> list[RealtimeEvent]:
        await connection.start_turn()
        await connection.feed_audio(tone(0.5))
        await connection.commit_turn()
        events: list[RealtimeEvent] = []
        async with asyncio.timeout(20), aclosing(connection.events()) as coming:
            async for event in coming:
                events.append(event)
                if isinstance(event, ResponseDone):
                    break
        return events

    yield turn
    await connection.aclose()
    await model.aclose()


def plan(server: Standin, *deltas: str) -> None:
    module = gemini_live if isinstance(server, gemini_live.Standin) else openai_realtime
    server.plans = [module.Plan(deltas=deltas)]


@pytest.mark.parametrize(
    ("deltas", "text"),
    [
        (("Hi ", HIGH, LOW, "!"), "Hi 😀!"),
        (("Hi ", HIGH, " there"), "Hi \ufffd there"),
        (("Hi ", LOW), "Hi \ufffd"),
        (("Hi ", HIGH), "Hi \ufffd"),
    ],
    ids=["in two deltas", "alone", "the second half alone", "at the end"],
)
async def test_what_it_says_is_valid_text(
    server: Standin, turn: Turn, deltas: tuple[str, ...], text: str
) -> None:
    plan(server, *deltas)
    pieces = [event.text for event in await turn() if isinstance(event, OutputTranscript)]
    assert "".join(pieces) == text
    for piece in pieces:
        assert piece.encode()


@pytest.mark.parametrize(
    ("deltas", "text"),
    [
        (("hi ", HIGH, LOW), "hi 😀"),
        (("hi ", HIGH, "!"), "hi \ufffd!"),
        (("hi ", HIGH), "hi \ufffd"),
    ],
    ids=["in two deltas", "alone", "at the end"],
)
async def test_what_the_person_said_is_valid_text(
    server: Standin, turn: Turn, deltas: tuple[str, ...], text: str
) -> None:
    server.words, server.word_deltas = "".join(deltas), deltas
    transcripts = [event for event in await turn() if isinstance(event, InputTranscript)]
    assert transcripts[-1].text == text
    for transcript in transcripts:
        transcript.text.encode()


async def test_arguments_of_a_tool_are_valid_text(server: Standin, turn: Turn) -> None:
    if isinstance(server, gemini_live.Standin):
        server.plans = [gemini_live.Plan(calls=(("react", {"with": HIGH}),))]
    else:
        calls = (("react", f'{{"with": "{HIGH}"}}'), ("react", '{"with": "\\ud83d"}'))
        server.plans = [openai_realtime.Plan(calls=calls)]
    done = (await turn())[-1]
    assert isinstance(done, ResponseDone)
    for call in done.calls:
        call.arguments.encode()
        assert json.loads(call.arguments) == {"with": "\ufffd"}
