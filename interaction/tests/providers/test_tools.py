"""Tools with every language model that has them: called, answered, and passed on to another."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from interaction.core.signals import Message, ToolCall, ToolSpec
from interaction.providers.base import Usage
from interaction.tests.providers.adapters import SAID, STANDINS, Adapter

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = ToolSpec("weather", "Tells the weather.", json.dumps(SCHEMA))
PARIS = {"name": "weather", "arguments": {"city": "Paris"}}
OSLO = {"name": "weather", "arguments": {"city": "Oslo"}}


@pytest.fixture(params=[name for kind, name in STANDINS if kind == "llm"])
async def model(request: pytest.FixtureRequest) -> AsyncIterator[Adapter]:
    async with STANDINS["llm", request.param]() as server:
        made = Adapter("llm", request.param, server)
        made.provider = made.make()
        yield made
        await made.provider.aclose()


async def complete(model: Adapter, *messages: Message) -> list[Any]:
    return [piece async for piece in model.provider.complete(messages, [WEATHER])]


async def test_a_call_comes_in_one_piece_after_the_text_and_before_the_cost(
    model: Adapter,
) -> None:
    model.server.script("llm", text="One moment.", calls=(PARIS,))

    pieces = await complete(model, Message("user", SAID))

    call, usage = pieces[-2:]
    assert "".join(pieces[:-2]) == "One moment."
    assert isinstance(call, ToolCall)
    assert (call.name, json.loads(call.arguments)) == ("weather", {"city": "Paris"})
    assert isinstance(usage, Usage)
    assert usage.prompt_tokens > 0 < usage.completion_tokens


async def test_calls_made_at_once_are_apart(model: Adapter) -> None:
    model.server.script("llm", calls=(PARIS, OSLO))

    calls = [p for p in await complete(model, Message("user", SAID)) if isinstance(p, ToolCall)]

    assert [json.loads(call.arguments)["city"] for call in calls] == ["Paris", "Oslo"]
    assert len({call.id for call in calls}) == 2


async def test_the_model_is_told_of_the_tools_and_of_their_results(model: Adapter) -> None:
    model.server.script("llm", calls=(PARIS, OSLO))
    asked = Message("user", "What is the weather in Paris, and in Oslo?")
    calls = [p for p in await complete(model, asked) if isinstance(p, ToolCall)]
    results = [
        Message("tool", f"result {number}", tool_call_id=call.id)
        for number, call in enumerate(calls)
    ]

    pieces = await complete(model, asked, Message("assistant", "", tuple(calls)), *results)

    assert "result 1" in "".join(piece for piece in pieces if isinstance(piece, str))
    told = json.dumps(model.server.requests[-1].body)
    for what in ("Tells the weather.", "Paris", "Oslo", "result 0", "city"):
        assert what in told


async def test_without_tools_none_are_sent(model: Adapter) -> None:
    assert [piece async for piece in model.provider.complete([Message("user", SAID)])]
    assert "tools" not in model.server.requests[0].body


async def test_calls_of_another_provider_can_be_in_the_context(model: Adapter) -> None:
    foreign = ToolCall("call+1|c2lnbmVk", "weather", "not even JSON")
    said = Message("user", "And now?")
    result = Message("tool", "sunny", tool_call_id=foreign.id)

    await complete(model, Message("user", SAID), Message("assistant", "", (foreign,)), result, said)

    body = model.server.requests[0].body
    if model.name == "openai":
        _, asked, told, _ = body["messages"]
        ids = [asked["tool_calls"][0]["id"], told["tool_call_id"]]
    elif model.name == "anthropic":
        _, asked, told = body["messages"]
        ids = [asked["content"][0]["id"], told["content"][0]["tool_use_id"]]
    else:
        _, asked, told = body["contents"]
        ids = [
            asked["parts"][0]["functionCall"]["id"],
            told["parts"][0]["functionResponse"]["id"],
        ]
    # Anthropic takes no other characters.
    assert ids == ["call_1" if model.name == "anthropic" else "call+1"] * 2


async def test_the_system_prompt_goes_where_it_belongs(model: Adapter) -> None:
    await complete(model, Message("system", "Be brief."), Message("user", SAID))

    body = model.server.requests[0].body
    if model.name == "openai":
        told = body["messages"][0]["content"]
    elif model.name == "anthropic":
        told = body["system"]
    else:
        told = body["systemInstruction"]["parts"][0]["text"]
    assert told == "Be brief."
    assert json.dumps(body).count("Be brief.") == 1
