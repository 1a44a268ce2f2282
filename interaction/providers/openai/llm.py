"""Language models over OpenAI's chat completions, or whatever else speaks them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial
from typing import Any

from interaction.core.types import Message, ToolSpec
from interaction.providers._shared.answer_text import AnswerText
from interaction.providers._shared.placeholder_turn import PLACEHOLDER
from interaction.providers._shared.told_tool_results import with_results_told
from interaction.providers._shared.tool_call_parsing import bare_id
from interaction.providers.openai.chat_answer import ChatAnswer
from interaction.providers.openai.client import OpenAIStage
from interaction.providers.stage_protocols import (
    LanguageModelOutput,
)

PLACEHOLDER_TURN = Message("user", PLACEHOLDER)
"""Sent where the conversation is empty, which is refused."""


class LanguageModel(OpenAIStage):
    """Streams the reply's text as the model writes it."""

    stage = "llm"
    first = 8.0

    async def complete(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: str = "auto",
        max_tokens: int | None = None,
    ) -> AsyncIterator[LanguageModelOutput]:
        ask = partial(self._ask, messages or (PLACEHOLDER_TURN,))
        optional: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
        if tools:
            optional["tools"] = [_tool(tool) for tool in tools]
        if tools and tool_choice != "auto":
            optional["tool_choice"] = _tool_choice(tool_choice)
        if any(message.tool_calls and not message.content for message in messages):
            optional["empty_content"] = ""
        if max_tokens:
            optional["max_completion_tokens"] = optional["max_tokens"] = max_tokens
        source = (self._config.base_url, self._config.model)
        answer = ChatAnswer(self._errors, AnswerText(source), {tool.name for tool in tools})
        async with (
            self._answer(self._asking(ask, optional)) as (response, deadlines),
            aclosing(self._outputs(response, deadlines, answer)) as outputs,
        ):
            async for output in outputs:
                yield output

    def _ask(
        self, messages: Sequence[Message], *, empty_content: str | None = None, **fields: Any
    ) -> AbstractAsyncContextManager[Any]:
        """``empty_content``: of a message that calls tools without a word. Some servers want the
        empty text, others null."""
        told = messages if "tools" in fields else with_results_told(messages)
        return self._client.chat.completions.with_streaming_response.create(  # type: ignore[no-any-return]
            model=self._config.model,
            messages=[_chat_message(message, empty_content) for message in told],
            **fields,
        )


def _chat_message(message: Message, empty_content: str | None) -> dict[str, Any]:
    content = empty_content if message.tool_calls and not message.content else message.content
    sent: dict[str, Any] = {"role": message.role, "content": content}
    if message.role == "tool":
        sent["tool_call_id"] = bare_id(message.tool_call_id)
    if message.tool_calls:
        sent["tool_calls"] = [
            {
                "id": bare_id(call.id),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    return sent


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": json.loads(tool.parameters),
        },
    }


def _tool_choice(wanted: str) -> Any:
    if wanted in ("none", "required"):
        return wanted
    return {"type": "function", "function": {"name": wanted}}
