"""Tools with every language model that has them: called, answered, and passed on to another."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from interaction.core.types import Message, ToolCall, ToolSpec
from interaction.providers.stage_protocols import AnswerCut, Usage
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


async def complete(model: Adapter, *messages: Message, **wishes: Any) -> list[Any]:
    return [piece async for piece in model.provider.complete(messages, [WEATHER], **wishes)]


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


async def test_without_tools_what_they_said_is_told_as_text(model: Adapter) -> None:
    call = ToolCall("call_1", "weather", "{}")
    context = [
        Message("user", SAID),
        Message("assistant", "", (call,)),
        Message("tool", "sunny", tool_call_id=call.id),
        Message("assistant", "It is sunny."),
        Message("user", "And now?"),
    ]
    assert [piece async for piece in model.provider.complete(context)]
    body = model.server.requests[0].body
    told = json.dumps(body.get("messages") or body["contents"])
    assert "sunny" in told
    if model.name != "gemini":  # which takes them without a declaration
        assert not any(word in told for word in ("tool_call", "tool_use", "tool_result"))
        assert "[weather: sunny]" in told
        assert [one["role"] for one in body["messages"]] == ["user", "assistant", "user"]


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


CHOICES: dict[str, dict[str, Any]] = {
    "openai": {
        "auto": None,
        "none": "none",
        "required": "required",
        "weather": {"type": "function", "function": {"name": "weather"}},
    },
    "anthropic": {
        "auto": None,
        "none": {"type": "none"},
        "required": {"type": "any"},
        "weather": {"type": "tool", "name": "weather"},
    },
    "gemini": {
        "auto": None,
        "none": {"functionCallingConfig": {"mode": "NONE"}},
        "required": {"functionCallingConfig": {"mode": "ANY"}},
        "weather": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}},
    },
}


@pytest.mark.parametrize("wanted", ["auto", "none", "required", "weather"])
async def test_which_tool_is_to_be_called_is_said_in_the_providers_words(
    wanted: str, model: Adapter
) -> None:
    await complete(model, Message("user", SAID), tool_choice=wanted)

    body = model.server.requests[0].body
    told = body.get("toolConfig" if model.name == "gemini" else "tool_choice")
    assert told == CHOICES[model.name][wanted]


async def test_how_long_a_reply_may_be_is_said_in_the_providers_words(model: Adapter) -> None:
    await complete(model, Message("user", SAID), max_tokens=50)

    body = model.server.requests[0].body
    told = {
        "openai": body.get("max_completion_tokens"),
        "anthropic": body.get("max_tokens"),
        "gemini": body.get("generationConfig", {}).get("maxOutputTokens"),
    }
    assert told[model.name] == 50


async def test_a_reply_that_is_cut_at_that_length_says_so(model: Adapter) -> None:
    whole = await complete(model, Message("user", SAID), max_tokens=50)
    assert AnswerCut("length") not in whole
    pieces = await complete(model, Message("user", SAID), max_tokens=2)
    assert "".join(piece for piece in pieces if isinstance(piece, str)).split() == ["You", "said:"]
    assert AnswerCut("length") in pieces


ASKED = ToolCall("call_1", "weather", "{}")
CONTEXTS: dict[str, tuple[Message, ...]] = {
    "nothing": (),
    "instructions alone": (Message("system", "Greet them."),),
    "an empty line": (Message("user", ""),),
    "its own words": (Message("user", SAID), Message("assistant", "I see.")),
    "its own words alone": (Message("assistant", "Hello."),),
    "instructions": (Message("assistant", "Hello."), Message("system", "Go on.")),
    "a result": (
        Message("user", SAID),
        Message("assistant", "", (ASKED,)),
        Message("tool", "sunny", tool_call_id="call_1"),
    ),
}


@pytest.mark.parametrize("ends_with", list(CONTEXTS))
async def test_whatever_a_conversation_ends_with_is_sent_as_the_provider_takes_it(
    ends_with: str, model: Adapter
) -> None:
    assert await complete(model, *CONTEXTS[ends_with])

    body = model.server.requests[0].body
    if model.name == "openai":
        assert body["messages"]
        return
    lines = body["contents" if model.name == "gemini" else "messages"]
    assert (lines[0]["role"], lines[-1]["role"]) == ("user", "user")
    assert all(line["parts" if model.name == "gemini" else "content"] for line in lines)
