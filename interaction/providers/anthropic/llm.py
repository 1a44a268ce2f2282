"""Anthropic's Messages API, through its SDK."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import anthropic
from anthropic import AsyncAnthropic, omit

from interaction.core.types import CutReason, Message, ToolCall, ToolSpec
from interaction.providers._shared.error_mapping import ErrorMapping
from interaction.providers._shared.http import HttpStage, transport
from interaction.providers._shared.placeholder_turn import PLACEHOLDER
from interaction.providers._shared.tool_call_parsing import arguments_of, bare_id
from interaction.providers._shared.valid_text import ValidTextStream, valid_arguments, valid_text
from interaction.providers.anthropic import ACCOUNT, PROVIDER
from interaction.providers.config import ProviderConfig
from interaction.providers.errors import ProviderError
from interaction.providers.stage_protocols import (
    AnswerCut,
    LanguageModelOutput,
    Usage,
)

MOST_TOKENS = 2_048
"""Tokens of a reply: the API wants a limit. Nobody listens to a longer one."""
CUT_REASONS: dict[str, CutReason] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
"""By ``stop_reason``."""
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
            case anthropic.APIStatusError(status_code=200):
                return self.error_code(error.type or "")
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
        request = self._client.messages.with_streaming_response.create(
            model=model,
            max_tokens=max_tokens or MOST_TOKENS,
            system="\n\n".join(m.content for m in messages if m.role == "system") or omit,
            messages=_api_messages(messages),
            tools=[_tool(tool) for tool in tools] or omit,
            tool_choice=_tool_choice(tool_choice) if tools and tool_choice != "auto" else omit,
            thinking={"type": "disabled"} if model.startswith(MAY_SKIP_THINKING) else omit,
            stream=True,
        )
        async with self._answer(request) as (response, deadlines):
            if "text/event-stream" not in response.headers.get("content-type", ""):
                raise self._errors.protocol_error("did not stream its answer")
            reply = _ReplyAssembler(self._errors)
            # To its very end, or the connection could not be used again.
            async for event in deadlines.limit(aiter(await response.parse())):
                for piece in reply.on_event(event):
                    yield piece
            if not reply.complete:
                raise self._errors.broken_off()

    async def _send_warming_request(self) -> None:
        await self._client.models.list(limit=1)


def _tool_choice(wanted: str) -> Any:
    kind = {"none": "none", "required": "any"}.get(wanted)
    return {"type": kind} if kind else {"type": "tool", "name": wanted}


class _ReplyAssembler:
    """A reply from the events that it comes in: blocks of text, and of tools to be called."""

    def __init__(self, errors: ErrorMapping) -> None:
        self.complete = False
        self._errors = errors
        self._calls: dict[int, tuple[str, str, list[str]]] = {}
        """Open tool calls by their block's index: id, name, pieces of the arguments."""
        self._prompt_tokens: int | None = None
        self._any_output = False
        self._text = ValidTextStream()

    def on_event(self, event: Any) -> list[LanguageModelOutput]:
        """Output to yield. The SDK does not check what it parses, so this does."""
        try:
            return self._understood(event)
        except (AttributeError, TypeError, KeyError):
            raise self._errors.unintelligible() from None

    def _understood(self, event: Any) -> list[LanguageModelOutput]:
        match event.type:
            case "message_start":
                self._prompt_tokens = _prompt_tokens(event.message.usage)
            case "content_block_start" if event.content_block.type == "tool_use":
                block = event.content_block
                self._calls[event.index] = (block.id, block.name, [])
            case "content_block_delta" if event.delta.type == "text_delta":
                return self._text_output(event.delta.text)
            case "content_block_delta" if event.delta.type == "input_json_delta":
                self._calls[event.index][2].append(event.delta.partial_json)
            case "content_block_stop" if event.index in self._calls:
                id_, name, arguments = self._calls.pop(event.index)
                self._any_output = True
                whole = valid_arguments("".join(arguments) or "{}")
                return [*self._rest(), ToolCall(valid_text(id_), valid_text(name), whole)]
            case "message_delta":
                if event.delta.stop_reason == "refusal" and not self._any_output:
                    raise self._errors.refused("would not answer this")
                ended = self._rest()
                if reason := CUT_REASONS.get(event.delta.stop_reason):
                    ended.append(AnswerCut(reason))
                if self._prompt_tokens is not None:
                    ended.append(Usage(self._prompt_tokens, event.usage.output_tokens))
                return ended
            case "message_stop":
                self.complete = True
        return []

    def _text_output(self, delta: str) -> list[LanguageModelOutput]:
        if not isinstance(delta, str):
            raise TypeError
        self._any_output = self._any_output or bool(delta)
        text = self._text.feed(delta)
        return [text] if text else []

    def _rest(self) -> list[LanguageModelOutput]:
        """What still waits for the other half of a character; no more text comes for now."""
        rest = self._text.finish()
        return [rest] if rest else []


def _prompt_tokens(usage: Any) -> int:
    cached = (usage.cache_creation_input_tokens, usage.cache_read_input_tokens)
    return int(usage.input_tokens + sum(count or 0 for count in cached))


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
