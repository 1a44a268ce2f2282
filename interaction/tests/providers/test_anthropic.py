"""What is Anthropic's own: whose turn it is, refusals, and errors inside a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from interaction.core.types import Message
from interaction.providers import errors
from interaction.providers._shared.placeholder_turn import PLACEHOLDER
from interaction.providers.anthropic.llm import LanguageModel
from interaction.providers.config import ProviderConfig
from interaction.providers.stage_protocols import Usage
from interaction.tests.standins.anthropic import Standin

ASKED = Message("user", "What time is it?")


@pytest.fixture
async def server() -> AsyncIterator[Standin]:
    async with Standin() as server:
        yield server


@pytest.fixture
async def anthropic(server: Standin) -> AsyncIterator[LanguageModel]:
    made = LanguageModel(
        ProviderConfig("anthropic", model="claude-haiku-5-5", base_url=server.url, api_key="key")
    )
    yield made
    await made.aclose()


async def complete(model: LanguageModel, *messages: Message) -> list[Any]:
    return [piece async for piece in model.complete(messages)]


async def test_what_was_cached_of_the_prompt_counts_as_prompt(anthropic: LanguageModel) -> None:
    assert (await complete(anthropic, ASKED))[-1] == Usage(7, 3)


async def test_a_conversation_begins_with_the_person_and_has_no_empty_lines(
    anthropic: LanguageModel, server: Standin
) -> None:
    await complete(
        anthropic,
        Message("system", "Be brief."),
        Message("assistant", "Hello, I am listening."),
        Message("user", "Hello."),
        Message("assistant", ""),
        ASKED,
    )

    def line(role: str, *texts: str) -> dict[str, Any]:
        return {"role": role, "content": [{"type": "text", "text": text} for text in texts]}

    assert server.requests[0].body["messages"] == [
        line("user", PLACEHOLDER),
        line("assistant", "Hello, I am listening."),
        line("user", "Hello.", "What time is it?"),
    ]


async def test_models_that_need_not_think_do_not(server: Standin) -> None:
    for model, told in (("claude-sonnet-5-5", True), ("claude-opus-5-5", False)):
        provider = LanguageModel(
            ProviderConfig("anthropic", model=model, base_url=server.url, api_key="key")
        )
        await complete(provider, ASKED)
        await provider.aclose()
        assert ("thinking" in server.requests[-1].body) is told


async def test_a_reply_that_was_declined_is_a_refusal(
    anthropic: LanguageModel, server: Standin
) -> None:
    server.next("llm", text="", code="refusal")
    with pytest.raises(errors.ProviderRefused):
        await complete(anthropic, ASKED)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("overloaded_error", errors.ProviderUnavailable),
        ("rate_limit_error", errors.ProviderRateLimited),
        ("billing_error", errors.ProviderUnauthorized),
        ("invalid_request_error", errors.ProviderRefused),
    ],
)
async def test_an_error_inside_a_stream_is_understood(
    code: str, error: type[Exception], anthropic: LanguageModel, server: Standin
) -> None:
    server.next("llm", fault="error", code=code)
    with pytest.raises(error):
        await complete(anthropic, ASKED)
