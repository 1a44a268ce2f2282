"""What is Google's own: signatures, levels of thinking, and errors in its words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from interaction.core.types import Message, ToolCall
from interaction.providers import errors
from interaction.providers.config import ProviderConfig
from interaction.providers.gemini.llm import LanguageModel
from interaction.tests.standins.gemini import SIGNATURE, Standin

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
