"""Anthropic's Messages API, through its SDK."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial
from typing import Any

import anthropic
from anthropic import AsyncAnthropic, omit

from interaction.core.types import Message, ToolSpec
from interaction.providers._shared.answer_text import AnswerText
from interaction.providers._shared.error_mapping import ErrorMapping
from interaction.providers._shared.http import HttpStage, transport
from interaction.providers._shared.placeholder_turn import PLACEHOLDER
from interaction.providers._shared.refused_fields import asked_without_refused
from interaction.providers._shared.told_tool_results import with_results_told
from interaction.providers._shared.tool_call_parsing import arguments_of, bare_id
from interaction.providers.anthropic import ACCOUNT, PROVIDER
from interaction.providers.anthropic.message_answer import MessageAnswer
from interaction.providers.config import ProviderConfig
from interaction.providers.errors import ProviderError
from interaction.providers.stage_protocols import (
    LanguageModelOutput,
)

MOST_TOKENS = 2_048
"""Tokens of a reply: the API wants a limit. Nobody listens to a longer one."""
MAY_SKIP_THINKING = ("claude-haiku", "claude-sonnet")
"""Prefixes of the names of models that need not think first: in a conversation, thinking is
silence."""


def make_client(config: ProviderConfig) -> tuple[AsyncAnthropic, Callable[[], Awaitable[None]]]:
    client = AsyncAnthropic(
        base_url=config.base_url or ACCOUNT.base_url,
        # Given in any case: else the SDK looks for one in the environment.
        api_key=config.api_key or "none",
        max_retries=0,
        http_client=anthropic.DefaultAsyncHttpxClient(**transport()),
    )
    return client, client.close


class AnthropicErrorMapping(ErrorMapping):
    words = PROVIDER.error_words

    def translate(self, error: Exception, *, answer_started: bool) -> ProviderError | None:
        match error:
            case anthropic.APIStatusError():
                retry_after = error.response.headers.get("retry-after", "")
                return self.http_status(error.status_code, error.type or "", retry_after)
            case anthropic.APITimeoutError():
                return self.timeout()
            case anthropic.APIConnectionError():
                return self.connection_lost(answer_started=answer_started)
            case anthropic.AnthropicError():
                return self.unintelligible()
        return super().translate(error, answer_started=answer_started)


class LanguageModel(HttpStage):
    """Streams the reply's text as the model writes it."""

    stage = "llm"
    first = 8.0
    make_client = make_client
    error_mapping = AnthropicErrorMapping

    async def complete(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: str = "auto",
        max_tokens: int | None = None,
    ) -> AsyncIterator[LanguageModelOutput]:
        model = self._config.model
        ask = partial(
            self._client.messages.with_streaming_response.create,
            model=model,
            max_tokens=max_tokens or MOST_TOKENS,
            system="\n\n".join(m.content for m in messages if m.role == "system") or omit,
        )
        optional: dict[str, Any] = {"stream": True}
        if tools:
            optional["tools"] = [_tool(tool) for tool in tools]
        if tools and tool_choice != "auto":
            optional["tool_choice"] = _tool_choice(tool_choice)
        if model.startswith(MAY_SKIP_THINKING):
            optional["thinking"] = {"type": "disabled"}
        address = self._config.base_url
        asking = asked_without_refused(
            partial(_with_messages, ask, messages), optional, (self.stage, address, model), _refusal
        )
        answer = MessageAnswer(self._errors, AnswerText((address, model)))
        async with (
            self._answer(asking) as (response, deadlines),
            aclosing(self._outputs(response, deadlines, answer)) as outputs,
        ):
            async for output in outputs:
                yield output

    async def _send_warming_request(self) -> None:
        await self._client.models.list(limit=1)


def _with_messages(
    ask: Callable[..., AbstractAsyncContextManager[Any]],
    messages: Sequence[Message],
    **fields: Any,
) -> AbstractAsyncContextManager[Any]:
    """The request, whose calls and results the API refuses where no tools are declared."""
    told = messages if "tools" in fields else with_results_told(messages)
    return ask(messages=_api_messages(told), **fields)


def _tool_choice(wanted: str) -> Any:
    kind = {"none": "none", "required": "any"}.get(wanted)
    return {"type": kind} if kind else {"type": "tool", "name": wanted}


def _refusal(error: Exception) -> tuple[int, str] | None:
    if not isinstance(error, anthropic.APIStatusError):
        return None
    # The message names no parameter that the body does.
    return error.status_code, f"{error.message} {error.body}"


def _api_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The conversation as the API wants it: the results of one request's tools are one message,
    and the first and the last message are the person's."""
    sent: list[dict[str, Any]] = []
    for message in messages:
        blocks = _blocks(message)
        if message.role == "system" or not blocks:
            continue
        role = "assistant" if message.role == "assistant" else "user"
        if sent and sent[-1]["role"] == role:
            sent[-1]["content"] += blocks
        else:
            sent.append({"role": role, "content": blocks})
    placeholder = {"role": "user", "content": [{"type": "text", "text": PLACEHOLDER}]}
    if not sent or sent[0]["role"] == "assistant":
        sent.insert(0, placeholder)
    return [*sent, placeholder] if sent[-1]["role"] == "assistant" else sent


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        id_ = _api_id(message.tool_call_id)
        return [{"type": "tool_result", "tool_use_id": id_, "content": message.content}]
    # Empty text is refused.
    text = [{"type": "text", "text": message.content}] if message.content.strip() else []
    return text + [
        {
            "type": "tool_use",
            "id": _api_id(call.id),
            "name": call.name,
            "input": arguments_of(call),
        }
        for call in message.tool_calls
    ]


def _api_id(id_: str) -> str:
    """An id as the API takes it; the context may hold calls of another provider."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", bare_id(id_))


def _tool(tool: ToolSpec) -> dict[str, Any]:
    schema = json.loads(tool.parameters)
    return {"name": tool.name, "description": tool.description, "input_schema": schema}
