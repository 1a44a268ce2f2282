"""What is Google's own: signatures, levels of thinking, and errors in its words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from interaction.core.types import Message, ToolCall, ToolSpec
from interaction.providers import errors
from interaction.providers.config import ProviderConfig
from interaction.providers.gemini.llm import LanguageModel
from interaction.tests.standins.gemini import SIGNATURE, Standin
from interaction.tests.standins.serving import Answer

ASKED = Message("user", "What time is it?")


@pytest.fixture
async def server() -> AsyncIterator[Standin]:
    async with Standin() as server:
        yield server


@pytest.fixture
async def gemini(server: Standin) -> AsyncIterator[LanguageModel]:
    made = LanguageModel(
        ProviderConfig("gemini", model="gemini-3.8-flash", base_url=server.url, api_key="key")
    )
    yield made
    await made.aclose()


async def complete(model: LanguageModel, *messages: Message) -> list[Any]:
    return [piece async for piece in model.complete(messages)]


async def test_a_signature_comes_back_with_its_call(gemini: LanguageModel, server: Standin) -> None:
    server.next("llm", calls=({"name": "current_time"}, {"name": "weather"}))
    calls = [piece for piece in await complete(gemini, ASKED) if isinstance(piece, ToolCall)]

    results = [Message("tool", "fine", tool_call_id=call.id) for call in calls]
    await complete(gemini, ASKED, Message("assistant", "", tuple(calls)), *results)

    _, asked, told = server.requests[-1].body["contents"]
    assert [part.get("thoughtSignature") for part in asked["parts"]] == [SIGNATURE, None]
    assert [p["functionResponse"]["name"] for p in told["parts"]] == ["current_time", "weather"]
    assert [p["functionCall"]["id"] for p in asked["parts"]] == [
        p["functionResponse"]["id"] for p in told["parts"]
    ]


async def test_thinking_is_kept_short_where_that_can_be_said(server: Standin) -> None:
    for model, told in (("gemini-3.8-flash", True), ("gemini-2.5-flash", False)):
        provider = LanguageModel(
            ProviderConfig("gemini", model=model, base_url=server.url, api_key="key")
        )
        await complete(provider, ASKED)
        await provider.aclose()
        body = server.requests[-1].body
        assert body["model"] == model
        assert ("thinkingConfig" in body.get("generationConfig", {})) is told


async def test_a_reply_that_was_blocked_is_a_refusal(
    gemini: LanguageModel, server: Standin
) -> None:
    server.next("llm", text="", code="SAFETY")
    with pytest.raises(errors.ProviderRefused):
        await complete(gemini, ASKED)


@pytest.mark.parametrize(
    ("plan", "error"),
    [
        ({"status": 400, "code": "API_KEY_INVALID"}, errors.ProviderUnauthorized),
        ({"status": 400, "code": "INVALID_ARGUMENT"}, errors.ProviderRefused),
        ({"status": 429, "code": "RESOURCE_EXHAUSTED"}, errors.ProviderRateLimited),
        ({"fault": "error", "code": "UNAVAILABLE"}, errors.ProviderUnavailable),
    ],
)
async def test_errors_in_googles_words(
    plan: dict[str, Any], error: type[Exception], gemini: LanguageModel, server: Standin
) -> None:
    server.next("llm", **plan)
    with pytest.raises(error):
        await complete(gemini, ASKED)


# Servers that nearly speak it.


class Raw(Standin):
    """Answers with these bytes, piece by piece; with errors first, where there are any."""

    pieces: tuple[bytes, ...] = ()
    refusals: tuple[str, ...] = ()

    async def _complete(self, answer: Answer) -> None:
        answer.received.body = await answer.request.json()
        if self.refusals:
            message, *rest = self.refusals
            self.refusals = tuple(rest)
            error = {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}
            raise web.HTTPBadRequest(text=json.dumps({"error": error}))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(answer.request)
        for piece in self.pieces:
            await response.write(piece)
        await response.write_eof()


@pytest.fixture
async def raw() -> AsyncIterator[Raw]:
    async with Raw() as server:
        yield server


@pytest.fixture
async def odd(raw: Raw) -> AsyncIterator[LanguageModel]:
    made = LanguageModel(
        ProviderConfig("gemini", model="gemini-odd", base_url=raw.url, api_key="key")
    )
    yield made
    await made.aclose()


def chunk(*parts: Any, **candidate: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, **candidate}]}


HELLO = chunk({"text": "Hello "})
THERE = chunk({"text": "there."})
END = chunk(finishReason="STOP")

ODD: dict[str, Any] = {
    "empty": {},
    "no candidates": {"usageMetadata": {"promptTokenCount": 3}},
    "null candidates": {"candidates": None},
    "text for candidates": {"candidates": "none"},
    "null candidate": {"candidates": [None]},
    "no content": {"candidates": [{}]},
    "null content": {"candidates": [{"content": None}]},
    "number for content": {"candidates": [{"content": 7}]},
    "null parts": {"candidates": [{"content": {"parts": None}}]},
    "null part": chunk(None),
    "number for part": chunk(5),
    "null text": chunk({"text": None}),
    "number for text": chunk({"text": 5}),
    "list for text": chunk({"text": ["no"]}),
    "empty text": chunk({"text": ""}),
    "thought": chunk({"text": "hmm", "thought": True}),
    "thought as a word": chunk({"text": "hmm", "thought": "true"}),
    "thought with text for a flag": chunk({"text": "hmm", "thought": "yes, really"}),
    "code": chunk({"executableCode": {"code": "print()", "language": "ALIEN"}}),
    "code's result": chunk({"codeExecutionResult": {"outcome": 9}}),
    "picture": chunk({"inlineData": {"mimeType": "image/png", "data": "not base64!"}}),
    "file": chunk({"fileData": {"fileUri": 1}}),
    "call without a name": chunk({"functionCall": {"args": {}}}),
    "call with a number for name": chunk({"functionCall": {"name": 3}}),
    "null call": chunk({"functionCall": None}),
    "unknown part": chunk({"hologram": {"depth": 3}}),
    "unknown role": {"candidates": [{"content": {"role": 9, "parts": []}}]},
    "unknown field": {"weather": "fine", **chunk()},
    "usage in words": {"usageMetadata": {"promptTokenCount": "many"}},
    "usage negative": {"usageMetadata": {"promptTokenCount": -4}},
    "usage as list": {"usageMetadata": [1, 2]},
    "safety in words": chunk(safetyRatings="fine"),
    "safety of an unknown kind": chunk(safetyRatings=[{"category": 3, "probability": "EH"}]),
    "citations": chunk(citationMetadata={"citations": "none"}),
    "grounding": chunk(groundingMetadata={"groundingChunks": {"web": 1}}),
    "logprobs": chunk(avgLogprobs="low", logprobsResult=[]),
    "index in words": chunk(index="first"),
    "feedback without a reason": {"promptFeedback": {"safetyRatings": []}},
    "feedback of nothing": {"promptFeedback": {"blockReason": "BLOCK_REASON_UNSPECIFIED"}},
    "end unspecified": chunk(finishReason="FINISH_REASON_UNSPECIFIED"),
    "null end": chunk(finishReason=None),
    "number for end": chunk(finishReason=0),
    "model version": {"modelVersion": 3, "responseId": [], "createTime": "soon"},
}


def text_of(given: list[Any]) -> str:
    return "".join(piece for piece in given if isinstance(piece, str))


@pytest.mark.parametrize("chunk_", ODD.values(), ids=ODD)
async def test_an_odd_chunk_costs_nothing_but_itself(
    chunk_: Any, odd: LanguageModel, raw: Raw
) -> None:
    raw.pieces = tuple(
        f"data: {json.dumps(one)}\n\n".encode() for one in (chunk_, HELLO, chunk_, THERE, END)
    )
    assert text_of(await complete(odd, ASKED)) == "Hello there."


EVENTS = [json.dumps(one) for one in (HELLO, THERE, END)]
SHAPES: dict[str, list[str]] = {
    "cut anywhere": list("".join(f"data: {one}\n\n" for one in EVENTS)),
    "no space": [f"data:{one}\n\n" for one in EVENTS],
    "carriage returns": [f"data: {one}\r\n\r\n" for one in EVENTS],
    "no empty line": [f"data: {one}\n" for one in EVENTS],
    "no empty line at the end": ["\n\n".join(f"data: {one}" for one in EVENTS)],
    "comments": [f": ping\n\ndata: {one}\n\n" for one in EVENTS],
    "named events": [f"event: message\nid: 3\ndata: {one}\n\n" for one in EVENTS],
    "a mark of OpenAI's": [*(f"data: {one}\n\n" for one in EVENTS), "data: [DONE]\n\n"],
    "no JSON between": [f"data: <html>\n\ndata: {one}\n\n" for one in EVENTS],
    "a list": ["[", ",\n".join(EVENTS), "]"],
    "a list, spread out": [json.dumps([HELLO, THERE, END], indent=2)],
    "a line an object": [f"{one}\n" for one in EVENTS],
    "one object": [json.dumps(chunk({"text": "Hello "}, {"text": "there."}, finishReason="STOP"))],
    "text for content": [
        json.dumps({"candidates": [{"content": "Hello there.", "finishReason": "stop"}]})
    ],
    "one candidate, no list": [
        json.dumps({"candidates": {"content": {"parts": {"text": "Hello there."}}}})[:-2],
        ', "finishReason": "STOP"}}',
    ],
    "the end with the text": [
        f"data: {json.dumps(HELLO)}\n\n",
        f"data: {json.dumps(chunk({'text': 'there.'}, finishReason='STOP'))}\n\n",
    ],
}


@pytest.mark.parametrize("pieces", SHAPES.values(), ids=SHAPES)
async def test_an_answer_is_taken_in_whatever_shape_it_comes(
    pieces: list[str], odd: LanguageModel, raw: Raw
) -> None:
    raw.pieces = tuple(piece.encode() for piece in pieces)
    assert text_of(await complete(odd, ASKED)) == "Hello there."


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ({"args": {"city": "Oslo"}}, {"city": "Oslo"}),
        ({"args": '{"city": "Oslo"}'}, {"city": "Oslo"}),
        ({"arguments": {"city": "Oslo"}}, {"city": "Oslo"}),
        ({"args": None}, {}),
        ({"args": "Oslo"}, {}),
        ({"args": ["Oslo"]}, {}),
        ({}, {}),
        ({"id": 7}, {}),
    ],
)
@pytest.mark.parametrize("signature", [None, "c2lnbmVk", "no base64!", 7])
async def test_calls_in_odd_shapes_are_made(
    call: dict[str, Any], arguments: Any, signature: Any, odd: LanguageModel, raw: Raw
) -> None:
    part = {"functionCall": {"name": "weather", **call}, "thoughtSignature": signature}
    raw.pieces = (f"data: {json.dumps(chunk(part, finishReason='STOP'))}\n\n".encode(),)
    (made,) = await complete(odd, ASKED)
    assert (made.name, json.loads(made.arguments)) == ("weather", arguments)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}, errors.ProviderRateLimited),
        ({"error": {"code": 503, "message": "busy"}}, errors.ProviderUnavailable),
        ({"error": {"code": "seven"}}, errors.ProviderUnavailable),
        ({"error": "it broke"}, errors.ProviderUnavailable),
        ([{"error": {"code": 503, "status": "UNAVAILABLE"}}], errors.ProviderUnavailable),
    ],
)
async def test_an_error_inside_the_stream_is_one(
    error: Any, kind: type[Exception], odd: LanguageModel, raw: Raw
) -> None:
    raw.pieces = tuple(f"data: {json.dumps(one)}\n\n".encode() for one in (HELLO, error))
    with pytest.raises(kind):
        await complete(odd, ASKED)


@pytest.mark.parametrize(
    ("refusal", "field"),
    [
        ("Developer instruction is not enabled for models/gemma-3-27b-it", "systemInstruction"),
        ("Function calling is not enabled for models/gemma-3-27b-it", "tools"),
        ("Thinking level is not supported for this model.", "thinkingConfig"),
        ('Unknown name "thinkingLevel" at generation_config.thinking_config', "thinkingConfig"),
        ("Budget 0 is invalid. This model only works in thinking mode.", "thinkingConfig"),
    ],
)
async def test_what_a_model_refuses_is_left_out_and_remembered(
    refusal: str, field: str, odd: LanguageModel, raw: Raw
) -> None:
    tool = ToolSpec("weather", "The weather.", '{"type": "object", "properties": {}}')
    asked = [Message("system", "Be brief."), ASKED]

    async def ask() -> str:
        raw.pieces = tuple(f"data: {one}\n\n".encode() for one in EVENTS)
        return text_of([piece async for piece in odd.complete(asked, [tool])])

    raw.refusals = (refusal,)
    assert [await ask(), await ask()] == ["Hello there."] * 2
    bodies = [json.dumps(request.body) for request in raw.requests]
    assert [field in body for body in bodies] == [True, False, False]
    assert all("Be brief." in body for body in bodies)
